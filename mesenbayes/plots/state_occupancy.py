"""State occupancy: where the patients are over time, named inside the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.treatment import Occupancy

_FREE = ("cured", "latent_local", "latent_distant")
_LOOKS = (
    (SKY, ""), (ORANGE, ""), (GREEN, ""), ("#F0E442", ""), (BLUE, ""), ("#CC79A7", ""),
    (ORANGE, "//"), (GREEN, "//"), (BLUE, "//"),
)  # fmt: skip
_DEATHS = {"dead_of_disease": ("#555555", ""), "dead_other": (GREY, "..")}
NAMED = 0.2
"""A state is named in the picture where it holds at least this share."""


def plot_state_occupancy(occupancy: Occupancy, ax: Axes | None = None) -> Axes:
    """Draw the stacked shares, deaths on top; what nobody enters is left out.

    Each state is named where it is widest, so that the picture can be read without its colours.
    """
    ax = new_axes(6.8, 3.9) if ax is None else ax
    parts = {"recurrence free": occupancy.of(*_FREE)}
    alive = [s for s in occupancy.states if s not in _FREE and s not in _DEATHS]
    for state in [*alive, *_DEATHS]:
        parts[state.replace("_", " ")] = occupancy.of(state)
    parts = {name: share for name, share in parts.items() if share.max() > 1e-6}
    looks = dict(zip(parts, _LOOKS, strict=False))
    looks |= {state.replace("_", " "): look for state, look in _DEATHS.items()}
    base = np.zeros_like(occupancy.years)
    for name, share in parts.items():
        colour, hatch = looks.get(name, ("0.85", "xx"))
        ax.fill_between(
            occupancy.years, base, base + share, facecolor=colour, hatch=hatch,
            edgecolor="white", linewidth=0.4, label=name,
        )  # fmt: skip
        widest = int(np.argmax(share))
        widest = min(max(widest, len(share) // 6), len(share) - 1 - len(share) // 6)
        if share[widest] >= NAMED:
            ax.text(
                occupancy.years[widest], base[widest] + share[widest] / 2, name, fontsize=8,
                va="center", ha="center", bbox={"facecolor": "white", "alpha": 0.75, "lw": 0,
                                              "pad": 1.5},
            )  # fmt: skip
        base = base + share
    ax.set_xlim(0, float(occupancy.years[-1]))
    ax.set_ylim(0, 1)
    ax.set_xlabel("years")
    ax.set_ylabel("share of patients")
    ax.set_title(f"{occupancy.option}: {occupancy.label}", fontsize=10)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    bare(ax)
    return ax
