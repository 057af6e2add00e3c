"""Evidence waterfall: how each finding moved the odds of a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.plots.style import BLUE, ORANGE, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_waterfall(
    labels: Sequence[str],
    decibans: NDArray[np.float64],
    ax: Axes | None = None,
    *,
    code: str = "",
) -> Axes:
    """Draw a path of log odds as a waterfall, first finding on top.

    Parameters
    ----------
    labels : findings
    decibans : (1 + findings,)
        10 log10 odds at the start and after each finding.
    code
        Diagnosis whose odds they are.
    """
    if ax is None:
        ax = new_axes(6.4, 0.34 * (len(labels) + 2) + 0.9)
    values = np.asarray(decibans, dtype=float)
    span = max(float(np.ptp(np.append(values, 0.0))), 1.0)
    for row, (start, end) in enumerate(pairwise(values), 1):
        up = end >= start
        # Direction is told by colour, by hatching and by the sign of the number.
        ax.barh(
            row, end - start, left=start, height=0.62, color=BLUE if up else ORANGE,
            hatch="" if up else "///", edgecolor="white", linewidth=0.5, zorder=2,
        )  # fmt: skip
        ax.plot([end, end], [row - 0.31, row + 1.31], color="0.55", lw=0.8, zorder=1)
        ax.text(
            max(start, end) + 0.015 * span, row, f"{end - start:+.1f}", va="center", fontsize=8
        )
    ax.plot(values[0], 0, "o", color="#1a1a1a", markersize=5, zorder=3)
    ax.plot(values[-1], len(labels) + 1, "D", color="#1a1a1a", markersize=5, zorder=3)
    for row, value in ((0, values[0]), (len(labels) + 1, values[-1])):
        ax.text(value + 0.025 * span, row, f"{value:+.1f}", va="center", fontsize=8)
    ax.axvline(0, color="0.3", lw=0.8, ls=":", zorder=0)
    ax.set_yticks(range(len(labels) + 2), ["before the findings", *labels, "all together"])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    ax.set_xlim(low - 0.06 * span, high + 0.14 * span)
    of = f" of {code}" if code else ""
    ax.set_xlabel(f"odds{of} in decibans (0 is even)")
    bare(ax)
    return ax
