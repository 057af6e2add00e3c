"""Tornado, and the plain bars, intervals and marks of the other sensitivity tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, bare, new_axes

if TYPE_CHECKING:
    import pandas as pd
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


def plot_bars(
    frame: pd.DataFrame, label: str, value: str, error: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one bar a row, in the order of the frame: EVPPI, Sobol, Morris, sources, flips.

    Parameters
    ----------
    label, value, error
        Columns; `error` a standard error.
    """
    if ax is None:
        ax = new_axes(7.5, 0.28 * len(frame) + 1.2)
    y = np.arange(len(frame))
    spread = None if error is None else 1.96 * frame[error].to_numpy()
    ax.barh(y, frame[value].to_numpy(), xerr=spread, color=BLUE, height=0.7, ecolor="black")
    ax.set_yticks(y, frame[label].tolist(), fontsize=7.5)
    ax.invert_yaxis()
    ax.set_xlabel(value.replace("_", " "))
    bare(ax)
    return ax


def plot_intervals(frame: pd.DataFrame, label: str, value: str, ax: Axes | None = None) -> Axes:
    """Draw one interval a row, from the columns ``low`` and ``high``, with a point at `value`."""
    if ax is None:
        ax = new_axes(6.5, 0.35 * len(frame) + 1.1)
    y = np.arange(len(frame))
    ax.hlines(y, frame["low"].to_numpy(), frame["high"].to_numpy(), color=BLUE, lw=2)
    ax.plot(frame[value].to_numpy(), y, "o", color=BLUE)
    ax.set_yticks(y, frame[label].tolist())
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel("P(diagnosis | findings)")
    bare(ax)
    return ax


def plot_marks(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw one line a row and one mark a column."""
    if ax is None:
        ax = new_axes(6.5, 0.35 * len(frame) + 1.1)
    y = np.arange(len(frame))
    for column, mark, colour in zip(
        frame.columns, "osD^vP*X" * 3, (BLUE, ORANGE, GREEN, GREY) * 6, strict=False
    ):
        ax.plot(frame[column].to_numpy(), y, mark, color=colour, label=str(column))
    ax.set_yticks(y, [str(i) for i in frame.index])
    ax.invert_yaxis()
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("P(diagnosis | findings)")
    ax.legend(frameon=False, fontsize=8)
    bare(ax)
    return ax
