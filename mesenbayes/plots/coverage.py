"""Heat map of what every cell of a network rests on."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.network.coverage import ORIGINS, Coverage
from mesenbayes.plots.style import ORIGIN_COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_coverage(coverage: Coverage, ax: Axes | None = None) -> Axes:
    """Draw the matrix of tumours by findings, best covered first in both directions.

    Cells with counts are darker the more cases stand behind them.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    n_tumours, n_findings = coverage.origin.shape
    if ax is None:
        ax = new_axes(2.5 + 0.12 * n_findings, 2.2 + 0.17 * n_tumours)
    counted = coverage.origin == "counts"
    rows, columns = np.argsort(-counted.sum(axis=1)), np.argsort(-counted.sum(axis=0))
    image = np.array([[to_rgb(ORIGIN_COLOURS[o]) for o in line] for line in coverage.origin])
    # 5 cases are the least a row may have; a thousand and more look alike.
    depth = np.clip(np.log10(np.maximum(coverage.n, 5) / 5) / np.log10(200), 0, 1)
    paler = np.where(counted, 0.55 * (1 - depth), 0.0)[..., None]
    image = image + (1 - image) * paler
    ax.imshow(image[rows][:, columns], aspect="auto", interpolation="none")
    ax.set_yticks(range(n_tumours), [coverage.tumours[i] for i in rows], fontsize=6)
    ax.set_xticks(
        range(n_findings), [coverage.findings[j] for j in columns], fontsize=5, rotation=90
    )
    ax.legend(
        handles=[Patch(color=ORIGIN_COLOURS[o], label=o) for o in ORIGINS],
        ncols=4, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=8,
    )  # fmt: skip
    # A letter of this size is about 0.08 inches wide.
    letters = max(int(ax.figure.bbox.width / ax.figure.dpi / 0.08), 30)
    lines = [line for part in coverage.sentence.split("; ") for line in wrap(part, letters)]
    ax.set_title("\n".join(lines), fontsize=9, pad=24, loc="left")
    return ax
