"""The terminal that reports are printed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_WIDTH = 120
"""Columns of a report that goes to a file or a pipe."""


def console() -> Console:
    """Return a console that does not colour figures, wide enough where it is no terminal."""
    from rich.console import Console

    out = Console(highlight=False, markup=False)
    if not out.is_terminal:
        out.width = _PLAIN_WIDTH
    return out
