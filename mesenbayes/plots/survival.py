"""Survival curves of some options or tumour classes, told apart by line as well as colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.treatment import Occupancy

_STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
_COLOURS = (BLUE, ORANGE, GREEN, SKY, GREY)
_TITLES = {"alive": "overall survival", "recurrence_free": "recurrence-free survival"}


def plot_survival(
    curves: Sequence[Occupancy],
    ax: Axes | None = None,
    *,
    what: Literal["alive", "recurrence_free"] = "alive",
    years: float | None = None,
) -> Axes:
    """Draw one curve for each occupancy, named in the legend.

    Parameters
    ----------
    what
        Overall or recurrence-free survival.
    years
        How far to draw; to the end by default.
    """
    ax = new_axes(6.4, 3.8) if ax is None else ax
    labels = {curve.label for curve in curves}
    for i, curve in enumerate(curves):
        name = curve.option if len(labels) == 1 else f"{curve.option}: {curve.label}"
        ax.plot(
            curve.years, getattr(curve, what), ls=_STYLES[i % 5], color=_COLOURS[i % 5], lw=1.8,
            label=name,
        )  # fmt: skip
    ax.set_xlim(0, years or max((float(curve.years[-1]) for curve in curves), default=1.0))
    ax.set_ylim(0, 1.01)
    ax.set_xlabel("years")
    ax.set_ylabel(_TITLES[what])
    if len(labels) == 1:
        ax.set_title(labels.pop(), fontsize=10)
    if curves:
        ax.legend(frameon=False, fontsize=8)
    bare(ax)
    ax.spines["left"].set_visible(True)
    return ax
