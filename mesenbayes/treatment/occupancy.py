"""Where patients are over time: the state-occupancy table and picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.treatment.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Occupancy(Result):
    """Share of patients in each state over time, for one class under one option.

    Parameters
    ----------
    option, label
        What was done, and in which tumour class.
    years : (times,)
        Time since the decision.
    share : (times, states)
        Rows sum to 1.
    """

    option: str
    label: str
    states: tuple[str, ...]
    years: NDArray[np.float64]
    share: NDArray[np.float64]

    def of(self, *states: str) -> NDArray[np.float64]:
        """Return the summed share of some states over time."""
        return np.asarray(self.share[:, [self.states.index(state) for state in states]].sum(axis=1))

    @property
    def alive(self) -> NDArray[np.float64]:
        """Overall survival over time."""
        return np.asarray(1 - self.of("dead_of_disease", "dead_other"))

    @property
    def recurrence_free(self) -> NDArray[np.float64]:
        """Recurrence-free survival over time."""
        return self.of("watched", "cured", "latent_local", "latent_distant")

    def rows(self) -> list[dict[str, object]]:
        """One row per time."""
        return [
            {"years": float(t), **dict(zip(self.states, map(float, row), strict=True))}
            for t, row in zip(self.years, self.share, strict=True)
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the stacked shares over time; what nobody enters is left out."""
        from mesenbayes.plots.state_occupancy import plot_state_occupancy

        return plot_state_occupancy(self, ax)
