"""``mesenbayes open-cases``: the published single cases and how the network does on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import NETWORK

OUT = typer.Option("--out", "-o", help="Page to write (Markdown).")


def open_cases(
    network: Annotated[str, NETWORK] = "mesenchymal",
    out: Annotated[Path | None, OUT] = None,
) -> None:
    """Answer the open cases that come with a network and say what they show.

    Example: mesenbayes open-cases --out docs/open_cases.md
    """
    from mesenbayes.cohort.open_cases import open_cases_page, run_open_cases
    from mesenbayes.cohort.sink import write_whole
    from mesenbayes.facade import load_network
    from mesenbayes.network.folder import find_network

    loaded = load_network(network)
    cases = run_open_cases(loaded, find_network(network) / "cases")
    page = open_cases_page(loaded, cases)
    if out is None:
        typer.echo(page)
        return
    write_whole(out, page.encode())
    kept = sum(case.as_expected for case in cases)
    typer.echo(f"{kept} of {len(cases)} open cases as expected: {out}")
