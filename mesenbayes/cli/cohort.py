"""``mesenbayes cohort``: a file of cases in, a file of posteriors out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import IGNORE, MAPPING, NETWORK, TARGET

CASES = typer.Argument(help="Cases, one a row (.csv, .tsv, .jsonl, .parquet).", show_default=False)
OUT = typer.Option("--out", "-o", help="Results (.csv, .jsonl, .parquet).", show_default=False)
CHUNK = typer.Option("--chunk", min=1, help="Rows answered at a time.")
DASK = typer.Option("--dask", help="Address of a Dask scheduler, tcp://host:port.")


def cohort(
    cases: Annotated[Path, CASES],
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    mapping: Annotated[Path | None, MAPPING] = None,
    target: Annotated[str, TARGET] = "tumour",
    ignore_unknown: Annotated[bool, IGNORE] = False,
    chunk: Annotated[int, CHUNK] = 20_000,
    dask: Annotated[str | None, DASK] = None,
) -> None:
    """Answer every case of a file; go on where an interrupted run stopped.

    Rows that cannot be read are written to OUT.rejected.csv with the reason, the rest is
    answered; the exit status is then 1. A file that cannot be read at all is status 2.

    Example: mesenbayes cohort cases.csv --out posteriors.parquet
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from mesenbayes.cohort.mapping import read_mapping
    from mesenbayes.cohort.run import Workers, here, run_cohort
    from mesenbayes.facade import load_network

    console = Console(stderr=True)
    workers: Workers = here
    if dask is not None:
        from mesenbayes.cohort.cluster import on_dask

        workers = on_dask(dask, network)
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, disable=not sys.stderr.isatty(),
    ) as bar:  # fmt: skip
        line = bar.add_task("cases", total=None)
        run = run_cohort(
            load_network(network),
            cases,
            out,
            mapping=None if mapping is None else read_mapping(mapping),
            target=target,
            ignore_unknown=ignore_unknown,
            chunk_size=chunk,
            progress=lambda done, total: bar.update(line, advance=done, total=total),
            workers=workers,
        )
    resumed = f", {run.n_resumed} of them before the interruption" if run.n_resumed else ""
    typer.echo(f"{run.n_answered} of {run.n_rows} cases answered{resumed}: {run.out}")
    if run.columns_aside:
        typer.echo(f"columns set aside: {', '.join(run.columns_aside)}", err=True)
    if run.rejected is not None:
        typer.echo(f"{run.n_rejected} rows set aside, reasons in {run.rejected}", err=True)
        raise typer.Exit(1)
