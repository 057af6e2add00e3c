"""Tornado: one bar a parameter, from the low to the high end of its own interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.plots.style import BLUE, ORANGE, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.sensitivity.tornado import Tornado


def plot_tornado(tornado: Tornado, ax: Axes | None = None) -> Axes:
    """Draw the bars, the longest on top: orange towards the low end, blue towards the high."""
    bars = len(tornado.parameters)
    if ax is None:
        ax = new_axes(8.5, 0.3 * bars + 1.3)
    labels = []
    for y, (interval, ends) in enumerate(zip(tornado.interval, tornado.ends, strict=True)):
        for end, colour in zip(ends, (ORANGE, BLUE), strict=True):
            ax.barh(y, end - tornado.baseline, left=tornado.baseline, color=colour, height=0.7)
        labels.append(f"{tornado.labels[y]}  {interval[0]:.2g} to {interval[1]:.2g}")
    ax.axvline(tornado.baseline, color="black", lw=0.8)
    ax.set_yticks(range(bars), labels, fontsize=7.5)
    ax.invert_yaxis()
    ax.set_xlabel(tornado.quantity)
    bare(ax)
    return ax
