"""One-way sensitivity functions, and the value of studies by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.sensitivity.function import OneWay
    from mesenbayes.sensitivity.value_of_research import Study


def plot_function(
    one_way: OneWay,
    parameter: int,
    hypotheses: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the posterior of some hypotheses against one parameter.

    The band is the credible interval of the parameter, the dotted lines the ends of its
    admissible interval.

    Parameters
    ----------
    hypotheses
        By default the three most probable.
    """
    problem, e = one_way.problem, one_way.entries
    first = np.argsort(-problem.mass, kind="stable")[:3]
    chosen = [problem.names[k] for k in first] if hypotheses is None else list(hypotheses)
    if ax is None:
        ax = new_axes(6.5, 4.0)
    t = np.linspace(0, 1, 400)
    values = one_way.value(parameter, t)
    for name, colour in zip(chosen, (BLUE, ORANGE, GREEN, SKY, GREY) * 9, strict=False):
        ax.plot(t, values[:, one_way.position(name)], color=colour, label=name)
    ax.axvspan(*one_way.interval()[parameter], color="0.92", zorder=0)
    ax.axvline(float(e.theta[parameter]), color="black", lw=0.8)
    for edge in one_way.admissible[parameter]:
        if not np.isnan(edge):
            ax.axvline(float(edge), color="black", lw=0.8, ls=":")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xlabel(e.label(parameter))
    ax.set_ylabel("P(diagnosis | findings)")
    ax.legend(frameon=False)
    bare(ax)
    return ax


def plot_study(study: Study, ax: Axes | None = None) -> Axes:
    """Draw EVSI against the number of new cases, below the limit of knowing the row."""
    if ax is None:
        ax = new_axes(6.0, 3.5)
    n, value = study.frame["n"].to_numpy(), study.frame["evsi"].to_numpy()
    error = 1.96 * study.frame["standard_error"].to_numpy()
    ax.errorbar(n, value, yerr=error, fmt="o-", color=BLUE, capsize=2)
    ax.axhline(study.evppi.value, color="black", lw=0.8, ls=":")
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"new cases for {study.row}")
    ax.set_ylabel(f"EVSI, {study.unit} a patient")
    bare(ax)
    return ax
