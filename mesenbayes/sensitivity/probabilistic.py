"""Everything uncertain drawn at once: the posterior, the utilities, the choice.

Each draw takes every CPT row from its Dirichlet and every outcome parameter from its
distribution, answers the case and weighs the options. What is counted over the draws:
intervals, the probability that each diagnosis leads and each option is best, acceptability
curves, expected loss, the stability of the ranking.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError, UnknownState
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.draws import draw_rows, posteriors
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem, Progress, silent
from mesenbayes.sensitivity.utility import outcome_draws, treatment_choice

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from mesenbayes.report.diagnosis import Diagnosis

LEAST_CLASS = 0.002
"""Hypotheses less probable than this on average do not enter expected utilities (the rule of
the treatment model)."""


@dataclass(frozen=True, eq=False)
class Probabilistic:
    """Draws of a case.

    Attributes
    ----------
    mass : (draws, hypotheses)
        P(hypothesis | e) in each draw.
    rows
        Variable -> (draws, rows, states): the table rows that were drawn.
    choice
        The options, or None without a treatment model.
    expected : (draws, options) or None
        Expected utility of each option in each draw, its own posterior and parameters.
    outcomes
        Name -> (draws,), the outcome parameters that were drawn.
    """

    problem: Problem = field(repr=False)
    mass: FloatArray = field(repr=False)
    rows: Mapping[str, FloatArray] = field(repr=False)
    choice: Choice | None = field(default=None, repr=False)
    expected: FloatArray | None = field(default=None, repr=False)
    utility: FloatArray | None = field(default=None, repr=False)
    outcomes: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Number of draws."""
        return len(self.mass)

    # ------------------------------------------------------------------ diagnosis

    @cached_property
    def diagnoses(self) -> tuple[str, ...]:
        """Names of the diagnoses."""
        return tuple(self.problem.groups)

    @cached_property
    def posterior(self) -> FloatArray:
        """P(diagnosis | e) in each draw, (draws, diagnoses)."""
        return self.problem.by_diagnosis(self.mass)

    def differential(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean, interval and probability of leading of each diagnosis."""
        import pandas as pd

        tail = (1 - level) / 2
        low, middle, high = np.quantile(self.posterior, [tail, 0.5, 1 - tail], axis=0)
        top = self.posterior.argmax(axis=1)
        frame = pd.DataFrame(
            {
                "diagnosis": self.diagnoses,
                "at_means": self.problem.by_diagnosis(self.problem.mass),
                "mean": self.posterior.mean(axis=0),
                "median": middle,
                "low": low,
                "high": high,
                "leads": np.bincount(top, minlength=len(self.diagnoses)) / self.size,
            }
        )
        return frame.sort_values("mean", ascending=False, ignore_index=True)

    def ranking(self, shown: int = 5) -> pd.DataFrame:
        """Return how often each diagnosis takes each rank; rows are the `shown` most probable."""
        import pandas as pd

        rank = (-self.posterior).argsort(axis=1, kind="stable").argsort(axis=1)
        first = np.argsort(-self.posterior.mean(axis=0), kind="stable")[:shown]
        share = [[float((rank[:, k] == r).mean()) for r in range(shown)] for k in first]
        return pd.DataFrame(
            share,
            index=pd.Index([self.diagnoses[k] for k in first], name="diagnosis"),
            columns=pd.Index(range(1, shown + 1), name="rank"),
        )

    def order_stability(self, first: int = 3) -> float:
        """Return the share of draws in which the `first` diagnoses keep their order."""
        at_means = np.argsort(-self.problem.by_diagnosis(self.problem.mass), kind="stable")[:first]
        order = np.argsort(-self.posterior, axis=1, kind="stable")[:, :first]
        return float((order == at_means).all(axis=1).mean())

    # ------------------------------------------------------------------ decision

    def _decided(self) -> tuple[Choice, FloatArray]:
        if self.choice is None or self.expected is None:
            raise CaseError("this analysis has no treatment options: the network has no model")
        return self.choice, self.expected

    @property
    def net_benefit(self) -> FloatArray:
        """Expected utility of each option in each draw, (draws, options)."""
        return self._decided()[1]

    def options(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean, interval, probability of being best and expected loss of each option."""
        import pandas as pd

        choice, value = self._decided()
        tail = (1 - level) / 2
        low, high = np.quantile(value, [tail, 1 - tail], axis=0)
        best = value.max(axis=1, keepdims=True)
        is_best = value >= best - 1e-12
        recommended = choice.first_within_margin(value)
        frame = pd.DataFrame(
            {
                "option": choice.options,
                "label": [choice.labels.get(o, o) for o in choice.options],
                "mean": value.mean(axis=0),
                "low": low,
                "high": high,
                "probability_best": (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0),
                "recommended": np.bincount(recommended, minlength=value.shape[1]) / self.size,
                "expected_loss": (best - value).mean(axis=0),
            }
        )
        return frame.sort_values("mean", ascending=False, ignore_index=True)

    def acceptability(
        self,
        cost: Mapping[str, float] | FloatArray | None = None,
        willingness: Sequence[float] | FloatArray = (),
    ) -> pd.DataFrame:
        """Return the acceptability curve, its frontier and the expected loss curve.

        Parameters
        ----------
        cost
            Option -> cost, or (draws, options) as
            :attr:`~mesenbayes.treatment.CostEffectiveness` gives them (transposed). Without it
            the choice does not depend on the willingness to pay.
        willingness
            Values of one unit of utility.

        Returns
        -------
        One row for each value and option: probability of the highest net benefit, expected
        loss, and whether the option is on the frontier (highest expected net benefit).
        """
        import pandas as pd

        choice, effect = self._decided()
        money = _costs(cost, choice.options, effect.shape)
        grid = np.atleast_1d(np.asarray(willingness, dtype=np.float64))
        grid = grid if grid.size else np.array([1.0])
        parts = []
        for w in grid:
            value = w * effect - money
            best = value.max(axis=1, keepdims=True)
            is_best = value >= best - 1e-12
            parts.append(
                pd.DataFrame(
                    {
                        "willingness": w,
                        "option": choice.options,
                        "probability_best": (is_best / is_best.sum(axis=1, keepdims=True)).mean(0),
                        "expected_loss": (best - value).mean(axis=0),
                        "on_frontier": np.arange(value.shape[1]) == value.mean(axis=0).argmax(),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    # ------------------------------------------------------------------ hand over

    def row(self, variable: str, number: int) -> FloatArray:
        """Return the draws of one row, (draws, states); UnknownState if it was not drawn."""
        if variable not in self.rows:
            raise UnknownState("the table drawn", variable, tuple(self.rows))
        return np.asarray(self.rows[variable][:, number])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each draw: posterior of every diagnosis, value of every option."""
        import pandas as pd

        data: dict[str, Any] = {
            f"P({name})": self.posterior[:, k] for k, name in enumerate(self.diagnoses)
        }
        if self.choice is not None and self.expected is not None:
            data |= {f"EU({o})": self.expected[:, d] for d, o in enumerate(self.choice.options)}
        return pd.DataFrame(data, index=pd.RangeIndex(self.size, name="draw"))

    def to_dict(self) -> dict[str, Any]:
        """Return the summaries as plain data."""
        data: dict[str, Any] = {
            "draws": self.size,
            "differential": self.differential().to_dict("records"),
            "order_stability": self.order_stability(),
            "sentence": self.sentence,
        }
        if self.choice is not None:
            data["options"] = self.options().to_dict("records")
        return data

    def to_arviz(self) -> Any:
        """Return the draws as ArviZ's ``InferenceData`` (needs arviz)."""
        try:
            arviz = importlib.import_module("arviz")
        except ImportError as error:  # pragma: no cover - depends on what is installed
            raise CaseError("this needs ArviZ: pip install arviz") from error
        frame = self.to_frame()
        return arviz.from_dict(posterior={c: frame[c].to_numpy()[None] for c in frame})

    @property
    def sentence(self) -> str:
        """The analysis in words."""
        first = self.differential().iloc[0]
        text = (
            f"{first['diagnosis']} leads in {first['leads']:.0%} of {self.size:,} draws "
            f"({first['mean']:.2f}, {first['low']:.2f} to {first['high']:.2f}); the order of the "
            f"first three is the same in {self.order_stability():.0%}."
        )
        if self.choice is not None:
            best = self.options().iloc[0]
            text += (
                f" {best['label']} is best in {best['probability_best']:.0%}; choosing it loses "
                f"{best['expected_loss']:.2f} {self.choice.unit} on average against knowing."
            )
        return text

    def plot(self, shown: int = 8, ax: Axes | None = None) -> Axes:
        """Draw the differential with its intervals."""
        from mesenbayes.plots.tornado import plot_intervals

        return plot_intervals(self.differential().head(shown), "diagnosis", "mean", ax)

    def _repr_html_(self) -> str:
        html = f"<p>{self.sentence}</p>" + self.differential().head(8).round(3).to_html(index=False)
        return html + (self.options().round(3).to_html(index=False) if self.choice else "")


def _costs(
    cost: Mapping[str, float] | FloatArray | None, options: tuple[str, ...], shape: tuple[int, ...]
) -> FloatArray:
    if cost is None:
        return np.zeros(shape)
    if isinstance(cost, Mapping):
        missing = [o for o in options if o not in cost]
        if missing:
            raise CaseError(f"costs miss {', '.join(missing)}")
        return np.broadcast_to(np.array([cost[o] for o in options]), shape)
    money = np.asarray(cost, dtype=np.float64)
    if money.shape not in (shape, shape[1:]):
        raise CaseError(f"costs have shape {money.shape}, expected {shape}")
    return np.broadcast_to(money, shape)



def probabilistic(
    diagnosis: Diagnosis,
    draws: int = 10_000,
    *,
    treatment: bool | None = None,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = None,
) -> Probabilistic:
    """Draw everything that is uncertain about a diagnosis and its treatment.

    Parameters
    ----------
    draws
        Number of joint draws.
    treatment
        Weigh the options too; by default if the network has a treatment model.
    progress
        Called with (done, total).
    rng
        Generator or seed.

    Raises
    ------
    CaseError
        If fewer than one draw is asked for.
    """
    if draws < 1:
        raise CaseError(f"a probabilistic analysis needs draws, not {draws}")
    generator = np.random.default_rng(rng)
    decides = diagnosis.network.treatment is not None if treatment is None else treatment
    problem = Problem.from_diagnosis(diagnosis, treatment=decides)
    rows = draw_rows(problem, draws, generator)
    steps = 2 * draws if decides else draws
    mass = _repeated(posteriors(problem, rows, lambda d, _: progress(d, steps))[0], draws)
    if not decides:
        return Probabilistic(problem, mass, rows)
    choice = treatment_choice(diagnosis, problem)
    kept = mass.mean(axis=0) >= LEAST_CLASS
    outcome = outcome_draws(
        diagnosis, problem, kept, draws, generator, lambda d, _: progress(draws + d, steps)
    )
    weight = mass[:, kept] / mass[:, kept].sum(axis=1, keepdims=True)
    expected = np.einsum("dkn,nk->nd", outcome.utility[:, kept], weight)
    return Probabilistic(
        problem, mass, rows, choice, expected, outcome.utility, outcome.parameters
    )


def probabilistic_diagnosis(
    problem: Problem,
    draws: int = 10_000,
    *,
    choice: Choice | None = None,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = None,
) -> Probabilistic:
    """Draw the rows of any problem; options, if given, have utilities that are known."""
    rows = draw_rows(problem, draws, np.random.default_rng(rng))
    mass = _repeated(posteriors(problem, rows, progress)[0], draws)
    expected = None if choice is None else choice.expected(mass)
    return Probabilistic(problem, mass, rows, choice, expected)


def _repeated(mass: FloatArray, draws: int) -> FloatArray:
    """Return the draws of a posterior; one that nothing uncertain touches is the same in all."""
    return mass if len(mass) == draws else np.repeat(mass, draws, axis=0)
