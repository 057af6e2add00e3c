"""Net benefit over the threshold at which one would act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.plots.style import BLUE, GREY, ORANGE, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.cohort.decision_curve import DecisionCurve


def plot_decision_curve(curve: DecisionCurve, ax: Axes | None = None) -> Axes:
    """Draw a decision curve beside treating all and treating nobody."""
    axes = ax if ax is not None else new_axes(5, 4)
    axes.axhline(0, color=GREY, linewidth=1, label="treat nobody")
    axes.plot(curve.thresholds, curve.treat_all, color=ORANGE, linestyle="--", label="treat all")
    axes.plot(curve.thresholds, curve.model, color=BLUE, linewidth=2, label="by the network")
    if np.isfinite(curve.low).all():
        axes.fill_between(curve.thresholds, curve.low, curve.high, color=BLUE, alpha=0.15)
    top = max(float(curve.model.max()), 0.02)
    axes.set(xlabel="probability from which one acts", ylabel="net benefit",
             ylim=(-0.25 * top, 1.1 * top), xlim=(0, 1), title=curve.name)  # fmt: skip
    bare(axes)
    axes.legend(frameon=False)
    return axes
