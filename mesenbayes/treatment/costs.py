"""Costs, where a user supplies them: totals, the cost-effectiveness frontier and ICERs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.treatment.case import PreparedCase
from mesenbayes.treatment.evaluate import OptionSet, run_models
from mesenbayes.treatment.result import Result
from mesenbayes.treatment.states import VALUED, VALUED_AS


@dataclass(frozen=True)
class CostTable:
    """A user's costs; nothing is assumed where something is missing.

    Parameters
    ----------
    per_year
        Cost of a year in each state of `VALUED`; every state must have one.
    once
        Option -> cost at the start (the operation).
    drug_year
        Cost of a year of adjuvant imatinib while recurrence-free.
    currency
        What a report prints.
    """

    per_year: Mapping[str, float]
    once: Mapping[str, float]
    drug_year: float = 0.0
    currency: str = ""

    def __post_init__(self) -> None:
        missing = [state for state in VALUED if state not in self.per_year]
        if missing:
            raise CaseError(f"the cost table misses {', '.join(missing)}")
        for name in self.per_year:
            if name not in VALUED:
                raise CaseError(
                    f"the cost table names an unknown state '{name}'"
                    f"{did_you_mean(nearest(name, VALUED))}"
                )


@dataclass(frozen=True)
class FrontierPoint(Result):
    """One option on (or off) the cost-effectiveness frontier.

    `icer` is the cost of one more unit of effect against the next cheaper option on the
    frontier; None for the cheapest and for options off it. `status` says why an option is
    off: ``dominated`` (dearer and no better) or ``extendedly dominated`` (a mixture of two
    others is better).
    """

    name: str
    cost: float
    effect: float
    status: str
    icer: float | None


@dataclass(frozen=True)
class CostEffectiveness(Result):
    """Cost and effect of every option, cheapest first."""

    points: tuple[FrontierPoint, ...]
    currency: str
    cost_draws: NDArray[np.float64] = field(repr=False)

    def rows(self) -> list[dict[str, object]]:
        """One row per option."""
        return [point.to_dict() for point in self.points]


def frontier(
    names: Sequence[str], costs: Sequence[float], effects: Sequence[float]
) -> tuple[FrontierPoint, ...]:
    """Return the cost-effectiveness frontier with its ICERs.

    Options are walked by rising cost; one that is no more effective than a cheaper one is
    dominated; one whose ICER exceeds that of the next more effective is extendedly
    dominated. ICERs rise along what remains.
    """
    order = sorted(range(len(names)), key=lambda i: (costs[i], -effects[i]))
    status = dict.fromkeys(order, "")
    kept: list[int] = []
    for i in order:
        if kept and effects[i] <= effects[kept[-1]]:
            status[i] = "dominated"
            continue
        kept.append(i)
        while len(kept) > 2 and _icer(kept[-3], kept[-2], costs, effects) >= _icer(
            kept[-2], kept[-1], costs, effects
        ):
            status[kept.pop(-2)] = "extendedly dominated"
    icers = {b: _icer(a, b, costs, effects) for a, b in pairwise(kept)}
    return tuple(
        FrontierPoint(
            names[i], float(costs[i]), float(effects[i]), status[i] or "frontier", icers.get(i)
        )
        for i in order
    )


def _icer(a: int, b: int, costs: Sequence[float], effects: Sequence[float]) -> float:
    return (costs[b] - costs[a]) / (effects[b] - effects[a])


def option_costs(case: PreparedCase, options: OptionSet, table: CostTable) -> NDArray[np.float64]:
    """Return the expected cost of every option in every draw, shape (options, draws).

    Raises
    ------
    CaseError
        If the table has no cost for an option.
    """
    missing = [name for name in options.names if name not in table.once]
    if missing:
        raise CaseError(f"the cost table has no initial cost for {', '.join(missing)}")
    flat = [model for row in options.models for model in row]
    cohort = run_models(case, flat, options.phases)
    position = {state: i for i, state in enumerate(cohort.states)}
    years = cohort.years
    total = np.zeros(years.shape[2:])
    for state, valued in VALUED_AS.items():
        total += years[:, position[state]].sum(axis=0) * table.per_year[valued]
    free = [position[s] for s, v in VALUED_AS.items() if v == "recurrence_free"]
    for phase in range(years.shape[0]):
        on = np.array([phase < len(m.on_drug) and m.on_drug[phase] for m in flat])
        total += on[:, None] * years[phase][free].sum(axis=0) * table.drug_year
    shaped = total.reshape(len(options.names), len(case.classes), -1)
    expected = np.einsum("dkn,nk->dn", shaped, case.weights)
    return np.asarray(expected + np.array([table.once[name] for name in options.names])[:, None])
