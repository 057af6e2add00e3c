"""``mesenbayes evidence``: who says so."""

from __future__ import annotations

from typing import Annotated

import typer

from mesenbayes.cli.diagnose import NETWORK

app = typer.Typer(help="Look at the counts behind a network.", no_args_is_help=True)


@app.command()
def check(network: Annotated[str, NETWORK] = "mesenchymal") -> None:
    """Check every row of the evidence tables; name file, line, column and reason."""
    from mesenbayes.evidence.check import check_evidence
    from mesenbayes.network.folder import builder_of, find_network

    builder = builder_of(find_network(network))
    report = check_evidence(
        builder.evidence,
        tumours=[t.code for t in builder.structure.relatives],
        states={s.variable.name: s.variable.states for s in builder.structure.specifications},
    )
    for line in report.remarks:
        typer.echo(f"remark: {line}")
    for line in report.problems:
        typer.echo(f"problem: {line}", err=True)
    typer.echo(report.sentence)
    if report.problems:
        raise typer.Exit(2)
