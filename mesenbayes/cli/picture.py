"""Pictures to files, for every command that draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Callable


def can_draw(path: Path | None) -> None:
    """Refuse a picture that cannot be written before anything is computed."""
    if path is None:
        return
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise CaseError(f"{path}: the name of a picture ends in .png, .svg or .pdf")
    can_write(path)


def can_write(path: Path | None) -> None:
    """Refuse a file whose folder is not there before anything is computed."""
    if path is not None and not path.parent.is_dir():
        raise CaseError(f"{path}: there is no folder {path.parent}")


def draw(plot: Callable[[], Any], path: Path) -> None:
    """Draw to a file without a display; `plot` returns the axes."""
    import matplotlib as mpl

    mpl.use("Agg")
    plot().figure.savefig(path, dpi=150, bbox_inches="tight")
    typer.echo(f"drawn to {path}", err=True)
