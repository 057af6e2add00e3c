"""Two-way sensitivity: shades of the posterior, regions of the choice outlined and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.plots.style import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.sensitivity.two_way import Surface


def plot_surface(surface: Surface, hypothesis: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw P(hypothesis | e) over two parameters, with what is chosen where.

    Parameters
    ----------
    hypothesis
        By default the most probable where both parameters stand; a cross marks that place.
    """
    function = surface.function
    k = (
        int(np.nan_to_num(function(*function.theta)).argmax())
        if hypothesis is None
        else function.names.index(hypothesis)
    )
    if ax is None:
        ax = new_axes(6.5, 5.5)
    shades = ax.pcolormesh(
        surface.x, surface.y, surface.posterior[:, :, k], cmap="Greys", vmin=0, vmax=1,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    ax.figure.colorbar(shades, ax=ax, label=f"P({function.names[k]} | findings)")
    for option in np.unique(surface.region[surface.region >= 0]):
        inside = surface.region == option
        if not inside.all():
            ax.contour(surface.x, surface.y, inside.astype(float), levels=[0.5], colors="C0")
        y, x = np.nonzero(inside)
        ax.annotate(
            function.choice.options[option],
            (float(surface.x[x].mean()), float(surface.y[y].mean())),
            ha="center", fontsize=8, bbox={"fc": "white", "ec": "none", "alpha": 0.8},
        )  # fmt: skip
    ax.plot(*function.theta, "+", color="C3", markersize=12)
    ax.set_xlabel(function.labels[0])
    ax.set_ylabel(function.labels[1])
    return ax
