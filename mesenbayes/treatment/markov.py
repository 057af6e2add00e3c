"""Discrete-time state-transition (Markov) cohort models, many at once.

Rates and start vectors are arrays over models (strategy x tumour class x parameter draw), so
one pass over the cycles serves all of them. Transitions are given sparsely, as
``(from, to) -> rate``; a state may leave in several ways that compete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError

Rates = Mapping[tuple[str, str], ArrayLike]
"""(from, to) -> rate per year, a number or an array over models."""


@dataclass(frozen=True)
class CohortSettings:
    """How a cohort model runs.

    Parameters
    ----------
    cycle_years
        Length of a cycle.
    horizon_years
        Where the model ends.
    discount_rate
        Per year; years lived at time t count (1 + discount)^-t.
    half_cycle
        Count the mean of both ends of a cycle instead of its start.
    """

    cycle_years: float = 0.25
    horizon_years: float = 40.0
    discount_rate: float = 0.03
    half_cycle: bool = True

    def __post_init__(self) -> None:
        if not (0 < self.cycle_years <= self.horizon_years and self.discount_rate >= 0):
            raise CaseError(
                f"a cycle of {self.cycle_years} years over {self.horizon_years} years at a "
                f"discount of {self.discount_rate} cannot be run"
            )

    @property
    def cycles(self) -> int:
        """Number of cycles."""
        return round(self.horizon_years / self.cycle_years)

    def discount(self) -> NDArray[np.float64]:
        """Return the weight of each cycle boundary, shape (cycles + 1,)."""
        return np.asarray(
            (1 + self.discount_rate) ** -(self.cycle_years * np.arange(self.cycles + 1))
        )


@dataclass(frozen=True, eq=False)
class Cohort:
    """What a cohort model leaves behind.

    Parameters
    ----------
    states
        Names in order.
    years : (phases, states, models)
        Discounted years spent in each state during each phase.
    trace : (cycles + 1, states, models) or None
        Occupancy, kept only on request.
    """

    states: tuple[str, ...]
    years: NDArray[np.float64]
    trace: NDArray[np.float64] | None


def transition_probabilities(
    rates: Rates, cycle_years: float
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Turn competing rates into probabilities per cycle.

    p_ij = lambda_ij / Lambda_i (1 - exp(-Lambda_i dt)), Lambda_i = sum_j lambda_ij.
    """
    total: dict[str, NDArray[np.float64]] = {}
    for (start, _), rate in rates.items():
        total[start] = total.get(start, np.zeros(())) + np.asarray(rate, float)
    leave = {
        start: -np.expm1(-rate * cycle_years) / np.where(rate > 0, rate, 1.0)
        for start, rate in total.items()
    }
    return {
        (start, end): np.asarray(np.asarray(rate, float) * leave[start])
        for (start, end), rate in rates.items()
    }


def run_cohort(
    states: Sequence[str],
    start: Mapping[str, ArrayLike],
    phases: Sequence[tuple[float, Rates]],
    settings: CohortSettings,
    *,
    mortality: ArrayLike | None = None,
    dead: str = "dead_other",
    absorbing: Sequence[str] = ("dead_of_disease", "dead_other"),
    probabilities: bool = False,
    keep_trace: bool = False,
) -> Cohort:
    """Run cohort models.

    Parameters
    ----------
    states
        State names.
    start
        State -> share at time 0; shares sum to 1.
    phases
        (end in years, rates) in order; the last end may be infinite.
    settings
        Cycle, horizon, discount, half-cycle correction.
    mortality : (cycles,), optional
        Background probability of death in each cycle, from every living state to `dead`.
    absorbing
        States without background mortality.
    probabilities
        The phases hold probabilities per cycle instead of rates.
    keep_trace
        Keep the occupancy at every cycle.

    Returns
    -------
    Cohort
    """
    index = {state: position for position, state in enumerate(states)}
    phase_p = [
        {
            (index[a], index[b]): np.asarray(p, float)
            for (a, b), p in (
                dict(rates)
                if probabilities
                else transition_probabilities(rates, settings.cycle_years)
            ).items()
        }
        for _, rates in phases
    ]
    ends = np.array([end for end, _ in phases])
    arrays = [np.asarray(v, float) for v in start.values()]
    arrays += [p for table in phase_p for p in table.values()]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    x = np.zeros((len(states), *shape))
    for state, share in start.items():
        x[index[state]] = share
    if not np.allclose(x.sum(axis=0), 1, atol=1e-9):
        raise CaseError("the start shares of a cohort do not sum to 1")

    alive = [position for state, position in index.items() if state not in absorbing]
    m = np.zeros(settings.cycles) if mortality is None else np.asarray(mortality, float)
    weight = settings.discount()
    years = np.zeros((len(phases), *x.shape))
    trace = np.empty((settings.cycles + 1, *x.shape)) if keep_trace else None
    if trace is not None:
        trace[0] = x
    for cycle in range(settings.cycles):
        phase = int(np.searchsorted(ends, cycle * settings.cycle_years + 1e-9, side="right"))
        phase = min(phase, len(phases) - 1)
        following = x.copy()
        for (a, b), p in phase_p[phase].items():
            moved = x[a] * p
            following[a] -= moved
            following[b] += moved
        if m[cycle] > 0:
            following[index[dead]] += m[cycle] * following[alive].sum(axis=0)
            following[alive] *= 1 - m[cycle]
        if settings.half_cycle:
            years[phase] += (weight[cycle] * x + weight[cycle + 1] * following) / 2
        else:
            years[phase] += weight[cycle] * x
        x = following
        if trace is not None:
            trace[cycle + 1] = x
    return Cohort(tuple(states), years * settings.cycle_years, trace)
