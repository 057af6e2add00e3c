"""What it would be worth to know more: EVPI, EVPPI, EVSI.

EVPI     E max_d NB_d - max_d E NB_d.
EVPPI    E max_d E[NB_d | phi] - max_d E NB_d, the inner mean by regression on the draws.
EVSI     the same with phi what n new cases would show: for a row that is a Dirichlet the new
         mean (alpha + x) / (N + n), with x drawn from the row of each draw (Strong, Oakley,
         Brennan & Breeze, MDM 35:570, 2015).

The unit is that of the net benefit, for one patient like the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError, UnknownFinding, nearest
from mesenbayes.sensitivity.draws import posteriors
from mesenbayes.sensitivity.entries import FloatArray, IntArray
from mesenbayes.sensitivity.probabilistic import Probabilistic
from mesenbayes.sensitivity.problem import Progress, silent
from mesenbayes.sensitivity.regression import fit
from mesenbayes.sensitivity.sources import rows_by_source

if TYPE_CHECKING:
    import pandas as pd

_FITS = 40
"""Draws of a regression behind a standard error: its own error is then a ninth of it."""
_TABLES_APART = 3
"""Up to so many tables of a group enter the regression one by one; more are told by what they
make of the posterior together, or the regression would have more terms than draws bear."""
_RAW = 4
"""Up to so many free numbers of a group enter the regression as they are."""


@dataclass(frozen=True)
class Worth:
    """A value of information with its standard error."""

    name: str
    value: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters that one would learn together.

    Attributes
    ----------
    rows
        Positions among all rows of the network.
    outcomes
        Names of outcome parameters.
    """

    name: str
    rows: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    outcomes: tuple[str, ...] = ()


def net_benefit_evpi(net_benefit: FloatArray) -> Worth:
    """Return the expected value of perfect information of draws (draws, options)."""
    best = int(net_benefit.mean(axis=0).argmax())
    gain = net_benefit.max(axis=1) - net_benefit[:, best]
    return Worth("everything", float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain))))


def regression_evppi(
    net_benefit: FloatArray,
    features: FloatArray,
    name: str = "",
    rng: np.random.Generator | int | None = 0,
) -> Worth:
    """Return the value of knowing what the features say.

    Parameters
    ----------
    net_benefit : (draws, options)
    features : (draws, features)
    rng
        For the standard error: draws of the regression.
    """
    best = int(net_benefit.mean(axis=0).argmax())
    others = [d for d in range(net_benefit.shape[1]) if d != best]
    if not others:
        return Worth(name, 0.0, 0.0)
    # against the best option: what the options share costs no precision
    answer = fit(features, net_benefit[:, others] - net_benefit[:, [best]])

    def worth(values: FloatArray) -> FloatArray:
        gain = np.maximum(values.max(axis=-1), 0.0).mean(axis=-1)
        return np.asarray(gain - np.maximum(values.mean(axis=-2).max(axis=-1), 0.0))

    value = float(worth(answer.values))
    generator = np.random.default_rng(rng)
    sampled = [float(worth(answer.draw(generator))) for _ in range(_FITS)]
    most = net_benefit_evpi(net_benefit).value
    # Between the bounds that hold for the true values; the fit may stray by rounding or noise.
    return Worth(name, float(np.clip(value, 0.0, most)), float(np.std(sampled, ddof=1)))


# ---------------------------------------------------------------------- groups


def marker_groups(analysis: Probabilistic) -> list[Group]:
    """Return one group for each finding whose rows can matter for the case."""
    network = analysis.problem.network
    reached = {network.variables[v].name for v in _variables(analysis)}
    names = [v.name for v in network.variables if v.role == "finding" and v.name in reached]
    return [group(analysis, name) for name in names]


def _variables(analysis: Probabilistic) -> IntArray:
    e = analysis.problem.entries
    return np.unique(e.row_variable[analysis.problem.reached])


def group(analysis: Probabilistic, name: str) -> Group:
    """Return a group by name.

    Parameters
    ----------
    name
        ``rows`` (every row of the network), ``outcomes`` (every outcome parameter),
        ``utilities``, a variable (with the hidden antigen behind a stain), a source id, or an
        outcome parameter.

    Raises
    ------
    UnknownFinding
        With the nearest names.
    """
    problem = analysis.problem
    e, reached = problem.entries, problem.reached
    if name == "rows":
        return Group(name, reached)
    if name == "outcomes":
        return Group(name, outcomes=tuple(analysis.outcomes))
    if name == "utilities":
        chosen = tuple(n for n in analysis.outcomes if n.startswith(("utility", "watch_burden")))
        return Group(name, outcomes=chosen)
    names = [v.name for v in problem.network.variables]
    if name in names:
        wanted = {name} | {
            p
            for p in problem.network.tables[name].parents
            if problem.network.variable(p).role == "latent"
        }
        numbers = [i for i, n in enumerate(names) if n in wanted]
        return Group(name, reached[np.isin(e.row_variable[reached], numbers)])
    if name in analysis.outcomes:
        return Group(name, outcomes=(name,))
    sources = rows_by_source(e)
    if name in sources:
        return Group(name, np.intersect1d(reached, list(sources[name])))
    known = ["rows", "outcomes", "utilities", *names, *sources, *analysis.outcomes]
    raise UnknownFinding(name, nearest(name, known), "group: ")


def joined(name: str, groups: Iterable[Group]) -> Group:
    """Return the union of groups."""
    several = list(groups)
    rows = np.unique(np.concatenate([g.rows for g in several]))
    outcomes = tuple(dict.fromkeys(o for g in several for o in g.outcomes))
    return Group(name, rows, outcomes)


# ---------------------------------------------------------------------- features


def features_of(analysis: Probabilistic, known: Group) -> FloatArray:
    """Return what the regression is told of a group, (draws, features).

    Few numbers enter as they are. Of many rows enters what they do to the answer with all
    other rows at their means: expected utilities and log odds of the leading diagnoses.
    """
    parts = [analysis.outcomes[o][:, None] for o in known.outcomes]
    e = analysis.problem.entries
    free = int(sum((e.alpha[e.members(int(r))] > 0).sum() - 1 for r in known.rows))
    if 0 < free <= _RAW:
        for r in known.rows:
            name = analysis.problem.network.variables[e.row_variable[r]].name
            values = analysis.rows[name][:, e.row_number[r]]
            parts.append(values[:, e.alpha[e.members(int(r))] > 0][:, 1:])
    elif free:
        parts.append(_effects(analysis, _masses(analysis, known.rows)))
    if not parts:
        return np.zeros((analysis.size, 1))
    return np.concatenate(parts, axis=1)


def _masses(analysis: Probabilistic, rows: IntArray) -> list[FloatArray]:
    """Return P(hypothesis | e), (draws, hypotheses), with only these rows drawn.

    Z is linear in each table, so one table alone costs a matrix product. A few tables enter
    one by one (the regression multiplies what they say); many are drawn together.
    """
    problem = analysis.problem
    e, network = problem.entries, problem.network
    tables = {int(v): rows[e.row_variable[rows] == v] for v in np.unique(e.row_variable[rows])}
    if len(tables) > _TABLES_APART:
        mass, _ = posteriors(problem, _rows_alone(analysis, rows))
        return [np.nan_to_num(mass, nan=0.0)]
    found = []
    for v, mine in tables.items():
        drawn = analysis.rows[network.variables[v].name][:, e.row_number[mine]]
        places = np.concatenate([np.arange(e.size)[e.members(int(r))] for r in mine])
        change = drawn.reshape(len(drawn), -1) - e.theta[places]
        z = problem.mass + change @ problem.gradient[:, places].T
        found.append(z / z.sum(axis=1, keepdims=True))
    return found


def _rows_alone(analysis: Probabilistic, rows: IntArray) -> dict[str, FloatArray]:
    """Return draws in which only `rows` vary."""
    e, network = analysis.problem.entries, analysis.problem.network
    alone: dict[str, FloatArray] = {}
    for v in np.unique(e.row_variable[rows]):
        table = network.tables[network.variables[v].name]
        numbers = e.row_number[rows[e.row_variable[rows] == v]]
        means = np.stack([row.mean for row in table.rows])
        values = np.repeat(means[None], analysis.size, axis=0)
        values[:, numbers] = analysis.rows[table.variable][:, numbers]
        alone[table.variable] = values
    return alone


def _effects(analysis: Probabilistic, masses: Sequence[FloatArray]) -> FloatArray:
    """Return what drawn rows do to the answer, as at most four uncorrelated numbers."""
    parts = []
    leading = np.argsort(-analysis.problem.by_diagnosis(analysis.problem.mass), kind="stable")[:4]
    for mass in masses:
        mass = np.maximum(mass, 1e-12)
        logs = np.log(analysis.problem.by_diagnosis(mass)[:, leading])
        parts.append(logs[:, 1:] - logs[:, :1])
        if analysis.choice is not None:
            expected = analysis.choice.expected(mass)
            best = int(expected.mean(axis=0).argmax())
            parts.append(np.delete(expected, best, axis=1) - expected[:, [best]])
    values = np.concatenate(parts, axis=1)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0))[:, spread > 1e-12] / spread[spread > 1e-12]
    if not values.shape[1]:
        return np.zeros((analysis.size, 1))
    u, s, _ = np.linalg.svd(values, full_matrices=False)
    kept = min(4, int((s > 1e-4 * s[0]).sum()))
    return np.asarray(u[:, :kept] * s[:kept])


# ---------------------------------------------------------------------- analyses


def evpi(analysis: Probabilistic) -> Worth:
    """Return the value of knowing everything that was drawn."""
    return net_benefit_evpi(analysis.net_benefit)


def evppi(
    analysis: Probabilistic,
    groups: Sequence[Group | str] | None = None,
    *,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = 0,
) -> pd.DataFrame:
    """Return the value of knowing each group exactly.

    Parameters
    ----------
    groups
        Groups or their names (:func:`group`); by default every marker of the case, all rows,
        and all outcome parameters if there are any.

    Returns
    -------
    One row for each group, the most valuable first: group, parameters, evppi, standard_error,
    share of EVPI. ``attrs["sentence"]`` says the first in words.
    """
    import pandas as pd

    if groups is None:
        outcomes = [group(analysis, "outcomes")] if analysis.outcomes else []
        chosen = [*marker_groups(analysis), group(analysis, "rows"), *outcomes]
    else:
        chosen = [group(analysis, g) if isinstance(g, str) else g for g in groups]
    value = analysis.net_benefit
    everything = evpi(analysis)
    generator = np.random.default_rng(rng)
    found = []
    for done, one in enumerate(chosen, 1):
        worth = regression_evppi(value, features_of(analysis, one), one.name, generator)
        share = worth.value / everything.value if everything.value > 0 else 0.0
        size = len(one.rows) + len(one.outcomes)
        found.append((one.name, size, worth.value, worth.standard_error, share))
        progress(done, len(chosen))
    columns = ["group", "parameters", "evppi", "standard_error", "share_of_evpi"]
    frame = pd.DataFrame(found, columns=columns)
    frame = frame.sort_values("evppi", ascending=False, ignore_index=True)
    unit = analysis.choice.unit if analysis.choice else ""
    if len(frame):
        name, worth_, share = (frame[c].iloc[0] for c in ("group", "evppi", "share_of_evpi"))
        frame.attrs["sentence"] = (
            f"Knowing {name} exactly is worth {worth_:.2g} {unit} a patient, {share:.0%} of what "
            f"knowing everything is worth ({everything.value:.2g})."
        )
    return frame


@dataclass(frozen=True, eq=False)
class Study:
    """What a study of one row would be worth, by its size.

    Attributes
    ----------
    frame
        n, evsi, standard_error, enbs (value to the population less the costs).
    evppi
        The limit: the row known exactly.
    best_n
        The size with the highest net value; 0 if no study pays.
    """

    row: str
    frame: pd.DataFrame = field(repr=False)
    evppi: Worth
    best_n: int
    unit: str

    @property
    def sentence(self) -> str:
        """The study in words."""
        if self.best_n == 0:
            return f"No study of {self.row} repays its costs."
        line = self.frame.set_index("n").loc[self.best_n]
        return (
            f"The best study of {self.row} has {self.best_n} cases: worth {line['evsi']:.3g} "
            f"{self.unit} a patient of {self.evppi.value:.3g} that could be had."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "row": self.row,
            "evppi": self.evppi.value,
            "sizes": self.frame.to_dict("records"),
            "best_n": self.best_n,
            "sentence": self.sentence,
        }


def evsi(
    analysis: Probabilistic,
    row: int,
    sizes: Sequence[int] = (10, 20, 50, 100, 200, 500),
    *,
    population: float = 1.0,
    cost_per_case: float = 0.0,
    fixed_cost: float = 0.0,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = 0,
) -> Study:
    """Return the value of examining n more cases of one row: "marker Y in n more tumours X".

    Parameters
    ----------
    row
        From ``analysis.problem.entries.find_row("CD34_expression", tumour="SFT")``.
    sizes
        Numbers of new cases to try.
    population
        Patients like this one who would profit.
    cost_per_case, fixed_cost
        In the unit of the net benefit.

    Raises
    ------
    CaseError
        If the row cannot matter for the case, or a size is not positive.
    """
    import pandas as pd

    problem, generator = analysis.problem, np.random.default_rng(rng)
    e = problem.entries
    if row not in problem.reached:
        raise CaseError(f"{e.row_label(row)} cannot matter for this case: more data would be idle")
    if not sizes or min(sizes) < 1:
        raise CaseError("a study needs at least one case")
    name = problem.network.variables[e.row_variable[row]].name
    alpha = e.alpha[e.members(row)]
    drawn = analysis.row(name, int(e.row_number[row]))
    free = np.flatnonzero(alpha > 0)[1:]
    limit = regression_evppi(analysis.net_benefit, drawn[:, free], "", generator)
    found = []
    for done, n in enumerate(sizes, 1):
        seen = generator.multinomial(n, drawn / drawn.sum(axis=1, keepdims=True))
        # the mean that the row would then have: all that a study of it teaches
        updated = (alpha + seen) / (alpha.sum() + n)
        worth = regression_evppi(analysis.net_benefit, updated[:, free], "", generator)
        value = min(worth.value, limit.value)
        net = population * value - fixed_cost - n * cost_per_case
        found.append((n, value, worth.standard_error, net))
        progress(done, len(sizes))
    frame = pd.DataFrame(found, columns=["n", "evsi", "standard_error", "enbs"])
    net_values = frame["enbs"].to_numpy()
    best = int(sizes[int(net_values.argmax())]) if net_values.max() > 0 else 0
    unit = analysis.choice.unit if analysis.choice else ""
    return Study(e.row_label(row), frame, limit, best, unit)

