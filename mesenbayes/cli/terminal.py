"""The terminal that reports are printed on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

def console(plain_width: int = 120) -> Console:
    """Return a console that does not colour figures, wide enough where it is no terminal, and
    content with a reader who stops early (``| head``).

    Parameters
    ----------
    plain_width
        Columns of a report that goes to a file or a pipe, unless COLUMNS says otherwise.
    """
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            raise SystemExit(0)

    out = Terminal(highlight=False, markup=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = plain_width
    return out
