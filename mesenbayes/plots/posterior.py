"""Posterior bars: the differential with its credible intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesenbayes.plots.style import SKY, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.report.diagnosis import Candidate


def plot_posterior(
    candidates: Sequence[Candidate], ax: Axes | None = None, *, top: int = 8
) -> Axes:
    """Draw the `top` most probable diagnoses as bars with 95 % intervals, best on top.

    Bars carry their number, so that the picture does not need its colours.
    """
    shown = list(candidates)[:top]
    if ax is None:
        ax = new_axes(6.4, 0.36 * len(shown) + 0.9)
    rows = range(len(shown))
    ax.barh(rows, [c.probability for c in shown], color=SKY, height=0.62, zorder=1)
    for row, c in enumerate(shown):
        low, high = c.interval
        ax.plot([low, high], [row, row], color="#1a1a1a", lw=1.4, zorder=2, solid_capstyle="butt")
        ax.plot([low, low], [row - 0.14, row + 0.14], color="#1a1a1a", lw=1.4, zorder=2)
        ax.plot([high, high], [row - 0.14, row + 0.14], color="#1a1a1a", lw=1.4, zorder=2)
        ax.text(1.03, row, f"{c.probability:.3f}", va="center", fontsize=9)
    ax.set_yticks(rows, [c.name for c in shown])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel("probability, with 95 % credible interval")
    bare(ax)
    return ax
