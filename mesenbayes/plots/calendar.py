"""Follow-up calendar: one row an examination, one mark a visit, dates below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.plots.style import BLUE, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.treatment import FollowUp


def plot_calendar(plan: FollowUp, ax: Axes | None = None) -> Axes:
    """Draw the visits of a plan in months from its start, with the calendar years above."""
    kinds = list(dict.fromkeys(visit.examination for visit in plan.visits))
    ax = new_axes(7.5, 0.45 * len(kinds) + 1.5) if ax is None else ax
    months = [visit.month for visit in plan.visits]
    rows = [kinds.index(visit.examination) for visit in plan.visits]
    ax.hlines(range(len(kinds)), 0, max(months, default=12), color="0.85", lw=0.8, zorder=1)
    ax.plot(months, rows, "o", color=BLUE, markersize=5, zorder=2)
    ax.set_yticks(range(len(kinds)), kinds)
    ax.set_ylim(len(kinds) - 0.4, -0.6)
    last = max(months, default=12)
    step = 12 if last > 48 else 6 if last > 24 else 3
    ax.set_xticks(range(0, last + 1, step))
    ax.set_xlabel(f"months from {plan.start.isoformat()}")
    ax.set_title(plan.schedule.replace("_", " ") or "no schedule applies", fontsize=10)
    ax.tick_params(axis="y", length=0)
    bare(ax)
    return ax
