"""The tornado: how far the posterior moves as each parameter runs through its own interval.

A sensitivity function is monotone on [0, 1], so the range over an interval is its two ends: a
bar is two evaluations, exact. The interval is the credible interval of that parameter, from
the counts behind its row, not a percentage of its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.sensitivity.entries import FloatArray, IntArray
from mesenbayes.sensitivity.function import OneWay
from mesenbayes.sensitivity.sources import source_names

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHOWN = 15


@dataclass(frozen=True, eq=False)
class Tornado:
    """Bars, the longest first; one bar for each row (its most telling entry).

    Attributes
    ----------
    baseline
        The value at the means.
    parameters : (bars,)
        Positions of the entries that are varied.
    interval : (bars, 2)
        Credible interval of each entry.
    ends : (bars, 2)
        The value with the entry at the low and at the high end of its interval.
    """

    one_way: OneWay = field(repr=False)
    quantity: str
    baseline: float
    parameters: IntArray = field(repr=False)
    interval: FloatArray = field(repr=False)
    ends: FloatArray = field(repr=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bar varies."""
        return tuple(self.one_way.entries.label(int(i)) for i in self.parameters)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each bar."""
        import pandas as pd

        e, nodes = self.one_way.entries, self.one_way.problem.network.variables
        rows = [e.source_row(int(e.row_of[i])) for i in self.parameters]
        return pd.DataFrame(
            {
                "variable": [nodes[e.variable[i]].name for i in self.parameters],
                "given": [e.given(int(e.row_of[i])) for i in self.parameters],
                "state": [nodes[e.variable[i]].states[e.state[i]] for i in self.parameters],
                "value": e.theta[self.parameters],
                "low": self.interval[:, 0],
                "high": self.interval[:, 1],
                "at_low": self.ends[:, 0],
                "at_high": self.ends[:, 1],
                "width": np.abs(self.ends[:, 1] - self.ends[:, 0]),
                "origin": [row.origin for row in rows],
                "sources": [", ".join(source_names(row)) for row in rows],
            }
        )

    @property
    def sentence(self) -> str:
        """The longest bar in words."""
        if not len(self.parameters):
            return f"Nothing uncertain moves {self.quantity}."
        low, high = sorted(self.ends[0])
        a, b = self.interval[0]
        return (
            f"{self.quantity} is {self.baseline:.3g}; what moves it most is {self.labels[0]}: "
            f"between {a:.2g} and {b:.2g} it runs from {low:.3g} to {high:.3g}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "quantity": self.quantity,
            "baseline": self.baseline,
            "bars": self.to_frame().to_dict("records"),
            "sentence": self.sentence,
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the bars."""
        from mesenbayes.plots.tornado import plot_tornado

        return plot_tornado(self, ax)

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + self.to_frame().round(4).to_html(index=False)


def tornado(
    one_way: OneWay,
    hypothesis: str | int | None = None,
    *,
    level: float = 0.95,
    shown: int | None = SHOWN,
) -> Tornado:
    """Return the tornado of P(hypothesis | e).

    Parameters
    ----------
    hypothesis
        By default the most probable.
    shown
        Number of bars; None for all.
    """
    k = one_way.position(hypothesis)
    interval = one_way.interval(level)
    ends = np.stack([one_way.at(interval[:, side], k) for side in (0, 1)], axis=1)
    name = one_way.problem.names[k]
    baseline = float(one_way.problem.mass[k])
    return _longest(one_way, f"P({name} | findings)", baseline, interval, ends, shown)


def tornado_of_gain(
    one_way: OneWay,
    option: str | None = None,
    against: str | None = None,
    *,
    level: float = 0.95,
    shown: int | None = SHOWN,
) -> Tornado:
    """Return the tornado of the expected gain of one option over another.

    Parameters
    ----------
    option, against
        By default the recommended option and the best of the others.
    """
    choice, problem = one_way.choice, one_way.problem
    expected = choice.expected(problem.mass)
    d = choice.options.index(option) if option else int(choice.recommended(problem.mass))
    others = [i for i in np.argsort(-expected) if i != d]
    other = choice.options.index(against) if against else int(others[0])
    difference = choice.value[d] - choice.value[other]
    interval = one_way.interval(level)
    # EU_d - EU_d' = sum_k (U_d - U_d')_k (a_k t + b_k) / (a_0 t + b_0): monotone too
    above, below = difference @ one_way.a, difference @ one_way.b
    a0, b0 = one_way.a.sum(axis=0), one_way.b.sum(axis=0)
    ends = np.stack(
        [(above * t + below) / (a0 * t + b0) for t in (interval[:, 0], interval[:, 1])], axis=1
    )
    name = f"gain of {choice.options[d]} over {choice.options[other]} ({choice.unit})"
    baseline = float(expected[d] - expected[other])
    return _longest(one_way, name, baseline, interval, ends, shown)


def _longest(
    one_way: OneWay,
    quantity: str,
    baseline: float,
    interval: FloatArray,
    ends: FloatArray,
    shown: int | None,
) -> Tornado:
    e = one_way.entries
    width = np.where(one_way.movable, np.abs(ends[:, 1] - ends[:, 0]), 0.0)
    width = np.where(np.isfinite(width), width, 0.0)
    order = np.argsort(-width, kind="stable")
    order = order[width[order] > 0]
    _, first = np.unique(e.row_of[order], return_index=True)
    bars = order[np.sort(first)][:shown]
    return Tornado(one_way, quantity, baseline, bars, interval[bars], ends[bars])
