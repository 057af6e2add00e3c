"""``mesenbayes convert``: networks and cases to and from the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.diagnose import NETWORK

app = typer.Typer(help="Networks and cases to and from other formats.", no_args_is_help=True)
OUT = typer.Argument(help="File; its ending decides the format.", show_default=False)
CASE = typer.Argument(help="Case file (YAML or JSON).", show_default=False)


@app.command("network")
def to_file(out: Annotated[Path, OUT], network: Annotated[str, NETWORK] = "gi-mesenchymal") -> None:
    """Write a network as BIF, XMLBIF, XDSL, NET, UAI or JSON-LD, or its counts as CSV.

    Example: mesenbayes convert network gi.xdsl --network gi-mesenchymal
    """
    from mesenbayes.facade import load_network
    from mesenbayes.interop.files import write_network
    from mesenbayes.interop.jsonld import counts_frame

    loaded = load_network(network)
    if out.suffix.lower() == ".csv":
        counts_frame(loaded).to_csv(out, index=False, lineterminator="\n")
    else:
        write_network(loaded, out)
    typer.echo(f"{loaded.name} {loaded.version}: {out}")
