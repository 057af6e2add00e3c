"""Acceptability curves with their frontier, and expected loss curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, bare, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, SKY, GREY, "black", "0.5")


def plot_acceptability(curve: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the probability of being best against the willingness to pay; bold: the frontier.

    Parameters
    ----------
    curve
        From :meth:`~mesenbayes.sensitivity.probabilistic.Probabilistic.acceptability`.
    """
    return _curves(curve, "probability_best", "probability of the highest net benefit", ax)


def plot_expected_loss(curve: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the expected loss of each option; the lower envelope is the EVPI."""
    return _curves(curve, "expected_loss", "expected loss", ax)


def _curves(curve: pd.DataFrame, column: str, label: str, ax: Axes | None) -> Axes:
    if ax is None:
        ax = new_axes(7.0, 4.0)
    for i, (option, part) in enumerate(curve.groupby("option", sort=False)):
        colour = COLOURS[i % len(COLOURS)]
        ax.plot(part["willingness"], part[column], color=colour, lw=1, label=str(option))
        best = part[part["on_frontier"]]
        ax.plot(best["willingness"], best[column], ".", color=colour, markersize=6)
    ax.set_xlabel("willingness to pay for one unit")
    ax.set_ylabel(label)
    ax.legend(frameon=False, fontsize=8)
    bare(ax)
    return ax
