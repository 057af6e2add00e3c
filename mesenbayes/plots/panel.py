"""Panels of stains by what they are expected to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.plots.style import GREY, SKY, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.workup.panel import PanelSearch


def plot_panels(search: PanelSearch, ax: Axes | None = None) -> Axes:
    """Draw the best panels of one size, best on top, with the bound that none can exceed."""
    by_value = search.objective == "decision"
    scores = [float(p.value or 0.0) if by_value else p.bits for p in search.panels]
    if ax is None:
        ax = new_axes(6.4, 0.36 * len(scores) + 0.9)
    rows = range(len(scores))
    ax.barh(rows, scores, color=SKY, height=0.62, zorder=1)
    for row, score in enumerate(scores):
        ax.text(score, row, f" {score:.3f}", va="center", fontsize=8)
    ax.axvline(search.bound, color=GREY, lw=1, ls="--")
    ax.set_yticks(rows, [", ".join(p.tests) for p in search.panels])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12 * max(search.bound, *scores, 1e-9))
    unit = "expected gain in utility" if by_value else "expected information in bits"
    ax.set_xlabel(f"{unit} (dashed: no panel of {search.size} can exceed this)")
    bare(ax)
    return ax
