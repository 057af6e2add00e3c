"""Discrete-time state-transition (Markov) cohort models, many at once.

Rates and start vectors are arrays over models (strategy x tumour class x parameter draw), so
one pass over the cycles serves all of them. Transitions are given sparsely, as
``(from, to) -> rate``; a state may leave in several ways that compete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError

BLOCK = 16384
"""Models advanced together: few enough for the cache, many enough for numpy."""

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
    models = int(np.prod(shape, dtype=int))
    flat = x.reshape(len(states), models)
    flat_p = [
        {move: np.broadcast_to(p, shape).reshape(models) for move, p in table.items()}
        for table in phase_p
    ]
    years = np.zeros((len(phases), len(states), models))
    trace = np.empty((settings.cycles + 1, len(states), models)) if keep_trace else None
    # blocks of models that stay in the processor's cache from cycle to cycle
    for begin in range(0, models, BLOCK):
        part = slice(begin, begin + BLOCK)
        tables = [{move: p[part] for move, p in table.items()} for table in flat_p]
        occupancy = flat[:, part].copy()
        counted = np.zeros((len(phases), *occupancy.shape))
        for cycle, before, after, phase in _cycles(
            occupancy, tables, ends, settings, m, alive, index[dead]
        ):
            counted[phase] += before
            if settings.half_cycle:
                counted[phase] += after
            if trace is not None:
                trace[cycle + 1, :, part] = occupancy
        years[:, :, part] = counted
    if trace is not None:
        trace[0] = flat
        trace = trace.reshape(settings.cycles + 1, len(states), *shape)
    total = years.reshape(len(phases), len(states), *shape) * settings.cycle_years
    return Cohort(tuple(states), total, trace)


def _cycles(
    x: NDArray[np.float64],
    tables: Sequence[Mapping[tuple[int, int], NDArray[np.float64]]],
    ends: NDArray[np.float64],
    settings: CohortSettings,
    mortality: NDArray[np.float64],
    alive: Sequence[int],
    dead: int,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64], int]]:
    """Advance `x` in place; yield each cycle with the years counted at both of its ends."""
    weight = settings.discount() / (2 if settings.half_cycle else 1)
    before, after = np.empty_like(x), np.empty_like(x)
    old = np.empty_like(x)
    moved = np.empty(x.shape[1])
    for cycle in range(settings.cycles):
        phase = int(np.searchsorted(ends, cycle * settings.cycle_years + 1e-9, side="right"))
        phase = min(phase, len(tables) - 1)
        np.multiply(x, weight[cycle], out=before)
        old[:] = x
        for (a, b), p in tables[phase].items():
            np.multiply(old[a], p, out=moved)
            x[a] -= moved
            x[b] += moved
        if mortality[cycle] > 0:
            for state in alive:
                np.multiply(x[state], mortality[cycle], out=moved)
                x[state] -= moved
                x[dead] += moved
        np.multiply(x, weight[cycle + 1], out=after)
        yield cycle, before, after, phase
