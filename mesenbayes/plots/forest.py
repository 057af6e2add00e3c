"""Forest plot of one cell: each study, the pooled rate, one more laboratory, no study at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.network.cell_evidence import CellEvidence, StudyLine
from mesenbayes.plots.style import BLUE, GREEN, GREY, ORANGE, bare, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_forest(cell: CellEvidence, ax: Axes | None = None) -> Axes:
    """Draw a cell.

    Squares are studies, as large as the cases they count for, with 95 % Wilson intervals;
    hollow ones are not pooled. The diamond is the pooled rate, the bar below it where one
    more laboratory may lie, and the grey diamond what relatives alone would say.
    """
    lines: list[tuple[StudyLine, str]] = [
        *((study, BLUE) for study in sorted(cell.studies, key=lambda s: s.rate)),
        *((study, GREEN) for study in cell.by_genotype),
        *((study, GREY) for study in cell.excluded),
    ]
    if ax is None:
        ax = new_axes(8.5, 0.24 * (len(lines) + 3) + 1.3)
    labels = []
    largest = max((study.effective_n for study, _ in lines), default=1.0) or 1.0
    for y, (study, colour) in enumerate(lines):
        ax.plot(study.interval, [y, y], color=colour, lw=1.2, zorder=1)
        size = 14 + 60 * study.effective_n / largest
        face = colour if study.effective_n else "white"
        ax.scatter(study.rate, y, s=size, marker="s", color=face, edgecolors=colour, zorder=2)
        about = study.given if colour == GREEN else study.subgroup
        labels.append(f"{study.source_id} {study.k:.4g}/{study.n}{_short(about)}")
    y = len(lines)
    _diamond(ax, cell.rate, cell.interval, y, "black")
    ax.plot(cell.prediction, [y + 1, y + 1], color="black", lw=4, alpha=0.35)
    _diamond(ax, cell.borrowed_rate, cell.borrowed_interval, y + 2, ORANGE)
    labels += [f"pooled {cell.rate:.1%}", "one more laboratory", "without its own studies"]
    ax.set_yticks(range(len(labels)), labels, fontsize=7.5)
    ax.axvline(cell.rate, color="black", lw=0.6, ls=":", zorder=0)
    ax.axhline(y - 0.5, color="0.8", lw=0.6)
    ax.invert_yaxis()
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel(f"share with {cell.finding} = {cell.state}")
    ax.set_title(f"{cell.label} in {cell.tumour_name} (rho {cell.rho:.2f})", fontsize=10)
    bare(ax)
    return ax


def _diamond(
    ax: Axes, rate: float, interval: tuple[float, float], y: float, colour: str
) -> None:
    low, high = interval
    ax.fill([low, rate, high, rate], [y, y - 0.32, y, y + 0.32], color=colour, zorder=2)


def _short(text: str, longest: int = 32) -> str:
    if not text or text == "all":
        return ""
    return f" ({text if len(text) <= longest else text[: longest - 1] + '…'})"
