"""Calibration: what was said against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.cohort.calibration import ClassCalibration
    from mesenbayes.cohort.coverage import Coverage

_COLOURS = (BLUE, ORANGE, GREEN, SKY, GREY)
_MARKERS = ("o", "s", "^", "D", "v")


def plot_calibration(
    calibration: Sequence[ClassCalibration], ax: Axes | None = None, most: int = 5
) -> Axes:
    """Draw the calibration of the `most` frequent classes with their intervals."""
    axes = ax if ax is not None else new_axes(5, 5)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    shown = sorted(calibration, key=lambda c: -c.n)[:most]
    for i, kind in enumerate(shown):
        axes.errorbar(
            kind.predicted, kind.observed,
            yerr=[kind.observed - kind.low, kind.high - kind.observed],
            color=_COLOURS[i % 5], marker=_MARKERS[i % 5], markersize=5, linewidth=1,
            elinewidth=0.8, label=f"{kind.name} (n = {kind.n})",
        )  # fmt: skip
    axes.set(xlabel="probability", ylabel="share that had it", xlim=(-0.02, 1.02),
             ylim=(-0.02, 1.02))  # fmt: skip
    axes.legend(frameon=False)
    return axes


def plot_coverage(coverage: Coverage, ax: Axes | None = None) -> Axes:
    """Draw credible intervals (bands) and observed shares (points) bin by bin."""
    axes = ax if ax is not None else new_axes(5, 4)
    position = list(range(len(coverage.predicted)))
    axes.vlines(position, coverage.low, coverage.high, color=SKY, linewidth=8)
    axes.errorbar(
        position, coverage.observed,
        yerr=[coverage.observed - coverage.observed_low,
              coverage.observed_high - coverage.observed],
        color=BLUE, marker="o", linestyle="none", elinewidth=1,
    )  # fmt: skip
    axes.set_xticks(position, [f"{p:.2g}" for p in coverage.predicted])
    axes.set(xlabel="mean probability of the bin", ylabel="share that had it")
    return axes
