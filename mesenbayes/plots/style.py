"""One look for all pictures: colours that survive colour blindness and grey print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008), Color universal design.
BLUE, ORANGE, GREEN, SKY, GREY = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#999999"

ORIGIN_COLOURS = {
    "counts": BLUE,
    "definition": SKY,
    "prior": ORANGE,
    "borrowed": "#E8E8E8",
}
"""Who says so -> colour; what nobody studied is pale."""


def new_axes(width: float, height: float) -> Axes:
    """Return the axes of a new figure of `width` x `height` inches that keeps labels inside."""
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def bare(ax: Axes) -> None:
    """Take away the frame but for the bottom line."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
