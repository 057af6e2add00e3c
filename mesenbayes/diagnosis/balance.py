"""Why this and not that: the balance sheet of the findings between two diagnoses.

With v(A) = 10 log10 [ P(s | A) / P(s' | A) ], the log odds of diagnosis s against its rival s'
when only the findings A are known (decibans), each finding f gets three weights:

    alone            v({f}) - v({})
    leave-one-out    v(N) - v(N without f)
    Shapley          the mean of v(A + f) - v(A) over all orders in which the findings come

The Shapley weights add up to v(N) - v({}). Where the first two differ, findings share what they
say: the Shapley interaction index (Grabisch & Roubens 1999) names the pair,

    I(f, g) = mean over orders of v(A + f + g) - v(A + f) - v(A + g) + v(A).

Of two findings that speak the same way, a loss is redundancy and a gain synergy. Up to twelve
findings everything is exact (one batch of all subsets), beyond that orders are sampled.
Against a pair of diagnoses the weights do not depend on how the others are mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.shapley import FindingGame, solve_by_orders, solve_exactly
from mesenbayes.diagnosis.support import Support, support_of
from mesenbayes.diagnosis.weight import in_words
from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

EXACT_UP_TO = 12
ALL_OTHERS = "all others"
_ORDERS = 32
"""Orders drawn beyond twelve findings, each also taken backwards."""
_NOTABLE = 3.0
"""Decibans (a factor of two) from which an interaction is named."""
_SEED = 20261124


@dataclass(frozen=True, eq=False)
class PairWeight:
    """What one finding says for the leading diagnosis against one rival, in decibans.

    Parameters
    ----------
    alone, leave_one_out, shapley
        See the module.
    error
        Standard error of a sampled Shapley weight; 0 if exact.
    p_leading, p_rival
        P(finding | diagnosis); NaN against all others together.
    support
        The rows and studies behind the two probabilities: (of the leading, of the rival).
    """

    variable: str
    state: str
    alone: float
    leave_one_out: float
    shapley: float
    error: float
    p_leading: float
    p_rival: float
    leading: str
    rival: str
    support: tuple[Support, ...] = field(default=(), repr=False)

    @property
    def sentence(self) -> str:
        """The weight in words, with the odds."""
        strength = in_words(self.shapley)
        name = f"{self.variable}={self.state}"
        if not strength:
            return f"{name} says little between {self.leading} and {self.rival}."
        side = (
            (self.leading, self.rival) if self.shapley > 0 else (self.rival, self.leading)
        )
        return (
            f"{name} speaks {strength} for {side[0]} over {side[1]}, "
            f"{odds_in_words(self.shapley)}."
        )


@dataclass(frozen=True)
class Interaction:
    """Two findings that say less (or more) together than one by one."""

    first: str
    second: str
    decibans: float
    kind: Literal["redundancy", "synergy", "contrast"]

    @property
    def sentence(self) -> str:
        """The interaction in words."""
        pair = f"{self.first} and {self.second}"
        if self.kind == "redundancy":
            return f"{pair} partly say the same ({abs(self.decibans):.0f} decibans counted once)."
        if self.kind == "synergy":
            return f"{pair} say {abs(self.decibans):.0f} decibans more together than apart."
        return f"{pair} change each other's meaning ({self.decibans:+.0f} decibans)."


@dataclass(frozen=True, eq=False)
class Balance:
    """The balance sheet between the leading diagnosis and one rival.

    Parameters
    ----------
    prior, total
        v({}) and v(N), decibans.
    weights
        By size, largest Shapley weight first.
    interactions
        Notable pairs, largest first.
    exact
        Whether all subsets were evaluated.
    """

    leading: str
    rival: str
    prior: float
    total: float
    weights: tuple[PairWeight, ...]
    interactions: tuple[Interaction, ...]
    exact: bool

    @property
    def against(self) -> tuple[PairWeight, ...]:
        """The findings that speak for the rival."""
        return tuple(w for w in self.weights if w.shapley < 0 and in_words(w.shapley))

    @property
    def sentence(self) -> str:
        """The balance in words."""
        change = self.total - self.prior
        return (
            f"{self.leading} against {self.rival}: {self.prior:+.0f} decibans before the findings, "
            f"{change:+.0f} by the findings, {self.total:+.0f} in all "
            f"({odds_in_words(self.total)})."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"variable": w.variable, "state": w.state, "alone": w.alone,
                 "leave_one_out": w.leave_one_out, "shapley": w.shapley, "error": w.error,
                 f"p_given_{self.leading}": w.p_leading, "p_given_rival": w.p_rival,
                 "studies": "; ".join(
                     f"{s.diagnosis}: {', '.join(s.source_ids[:3]) or s.origin}"
                     for s in w.support)}
                for w in self.weights
            ]
        )  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """Return the sheet as plain data."""
        return {
            "leading": self.leading,
            "rival": self.rival,
            "prior": self.prior,
            "total": self.total,
            "exact": self.exact,
            "sentence": self.sentence,
            "weights": [
                {"variable": w.variable, "state": w.state, "alone": w.alone,
                 "leave_one_out": w.leave_one_out, "shapley": w.shapley, "error": w.error,
                 "p_leading": None if np.isnan(w.p_leading) else w.p_leading,
                 "p_rival": None if np.isnan(w.p_rival) else w.p_rival,
                 "sentence": w.sentence, "support": [s.to_dict() for s in w.support]}
                for w in self.weights
            ],
            "interactions": [
                {"first": i.first, "second": i.second, "decibans": i.decibans, "kind": i.kind,
                 "sentence": i.sentence}
                for i in self.interactions
            ],
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + str(self.to_frame().round(2).to_html(index=False))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the waterfall from prior to posterior odds, by Shapley weights."""
        from mesenbayes.plots.waterfall import plot_waterfall

        labels = [f"{w.variable}: {w.state}" for w in self.weights]
        path = np.cumsum([self.prior, *(w.shapley for w in self.weights)])
        return plot_waterfall(labels, path, ax, code=f"{self.leading} against {self.rival}")


def odds_in_words(decibans: float) -> str:
    """Return odds as ``8:1``."""
    odds = 10 ** (abs(decibans) / 10)
    if odds >= 1e6:
        return "more than a million to one"
    shown = f"{odds:.1f}" if odds < 3 else f"{odds:,.0f}"
    return f"{shown}:1"


def balance_sheets(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: Sequence[Finding],
    target: str,
    *,
    leading: str | None = None,
    rivals: Sequence[str] | None = None,
    orders: int = _ORDERS,
    rng: np.random.Generator | None = None,
) -> tuple[Balance, ...]:
    """Return the balance sheet of the leading diagnosis against each rival.

    Parameters
    ----------
    leading
        State of `target`; the most probable one if not given.
    rivals
        States of `target` or ``all others``; if not given, all others together and the four
        most probable rivals.
    orders
        Orders to sample when there are more than twelve findings.

    Raises
    ------
    CaseError
        If a diagnosis is not one of the network's.
    """
    used = tuple(f for f in findings if f.variable != target)
    states = network.variable(target).states
    generator = np.random.default_rng(_SEED) if rng is None else rng
    game = FindingGame(network, compiled, encoded, used, target)
    n = len(used)
    full = game.log_posterior(np.ones((1, n), dtype=bool))[0]
    lead = int(full.argmax()) if leading is None else _index(states, leading)
    if rivals is None:
        order = [int(i) for i in np.argsort(-full) if i != lead]
        others = [-1, *order[:4]]
    else:
        others = [-1 if name == ALL_OTHERS else _index(states, name) for name in rivals]
    solve = solve_exactly if n <= EXACT_UP_TO else solve_by_orders
    solution = solve(game, lead, others, orders, generator)
    rates = _rates(network, compiled, encoded, used, target)
    sheets = []
    for r, rival in enumerate(others):
        name = ALL_OTHERS if rival < 0 else states[rival]
        weights = []
        for i, finding in enumerate(used):
            codes = [states[lead]] + ([] if rival < 0 else [states[rival]])
            weights.append(
                PairWeight(
                    finding.variable,
                    finding.state or str(finding),
                    float(solution.alone[r, i]),
                    float(solution.last[r, i]),
                    float(solution.shapley[r, i]),
                    float(solution.error[r, i]),
                    float(rates[lead, i]),
                    float("nan") if rival < 0 else float(rates[rival, i]),
                    states[lead],
                    name,
                    tuple(
                        support_of(network, target, finding.variable, c, finding.state)
                        for c in codes
                    ),
                )
            )
        sheets.append(
            Balance(
                states[lead],
                name,
                float(solution.empty[r]),
                float(solution.full[r]),
                tuple(sorted(weights, key=lambda w: -abs(w.shapley))),
                _interactions(used, solution.pairs[r], solution.shapley[r]),
                n <= EXACT_UP_TO,
            )
        )
    return tuple(sheets)


def _interactions(
    findings: Sequence[Finding], pairs: FloatArray, shapley: FloatArray
) -> tuple[Interaction, ...]:
    found = []
    for i in range(len(findings)):
        for j in range(i):
            change = float(pairs[i, j])
            if abs(change) < _NOTABLE:
                continue
            kind: Literal["redundancy", "synergy", "contrast"] = "contrast"
            if shapley[i] * shapley[j] > 0:
                kind = "synergy" if change * shapley[i] > 0 else "redundancy"
            found.append(Interaction(findings[j].variable, findings[i].variable, change, kind))
    return tuple(sorted(found, key=lambda x: -abs(x.decibans)))


def _rates(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: Sequence[Finding],
    target: str,
) -> FloatArray:
    """Return P(finding alone | target), (states, findings); NaN for an impossible diagnosis.

    For an uncertain finding it is the expected likelihood.
    """
    position = {v.name: i for i, v in enumerate(network.variables)}
    states = network.variable(target).cardinality
    n = len(findings)
    codes, likelihoods = encoded.batch(states * (n + 1))
    columns = [position[f.variable] for f in findings]
    for row in range(states * (n + 1)):
        kept = row % (n + 1)
        hidden = [c for i, c in enumerate(columns) if i != kept]
        codes[row, hidden] = NOT_OBSERVED
        for i, finding in enumerate(findings):
            if i != kept and finding.variable in likelihoods:
                likelihoods[finding.variable][row] = 1.0
    codes[:, position[target]] = np.repeat(np.arange(states), n + 1)
    likelihoods.pop(target, None)
    logs = compiled.run(codes, likelihoods, targets=(), on_impossible="nan").log_evidence
    table = logs.reshape(states, n + 1)
    with np.errstate(invalid="ignore"):
        rates = np.exp(table[:, :n] - table[:, n:])
    possible = np.isfinite(table[:, n])
    rates[possible] = np.nan_to_num(rates[possible], nan=0.0)
    return np.asarray(rates)


def _index(states: Sequence[str], name: str) -> int:
    if name not in states:
        raise CaseError(f"there is no diagnosis '{name}'{did_you_mean(nearest(name, states))}")
    return list(states).index(name)
