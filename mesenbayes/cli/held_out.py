"""``mesenbayes held-out``: every source predicted from the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import NETWORK

OUT = typer.Option("--out", "-o", help="Table (.csv).", show_default=False)
SOURCE = typer.Option("--source", help="Only this source; repeatable. All take minutes.")
SERIES = typer.Option("--series", help="Take each series for one case and diagnose it instead.")


def held_out(
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    source: Annotated[list[str] | None, SOURCE] = None,
    series: Annotated[bool, SERIES] = False,
) -> None:
    """Leave each source out and predict its counts from the other sources; or take what it
    prints of a tumour for one case, and see whether the tumour is found without it.

    Examples: mesenbayes held-out --out held_out.csv --source HASEGAWA2002G;
    mesenbayes held-out --series -n mesenchymal --out series.csv
    """
    from rich.console import Console
    from rich.progress import Progress

    from mesenbayes.cli.picture import can_write
    from mesenbayes.cohort.held_out import leave_one_source_out
    from mesenbayes.cohort.series import series_as_cases
    from mesenbayes.errors import CaseError
    from mesenbayes.facade import load_network

    if series and source:
        raise CaseError("--series takes every source that has a profile: leave --source out")
    can_write(out)
    console = Console(stderr=True)
    with Progress(console=console, disable=not sys.stderr.isatty()) as bar:
        line = bar.add_task("sources", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(line, completed=done, total=total)

        loaded = load_network(network)
        if series:
            cases = series_as_cases(loaded, progress)
        else:
            result = leave_one_source_out(loaded, source or None, progress)
    if series:
        cases.frame.to_csv(out, index=False, lineterminator="\n")
        typer.echo(f"{cases.sentence}: {out}")
        return
    result.frame.to_csv(out, index=False, lineterminator="\n")
    typer.echo(
        f"{len(result.frame)} counts of {result.frame['source_id'].nunique()} sources, "
        f"{result.coverage:.1%} inside their 95 % prediction interval: {out}"
    )
    for _, row in result.surprises.head(8).iterrows():
        typer.echo(
            f"  {row['source_id']}: {row['finding']}={row['state']} in {row['tumour']} "
            f"{row['k']}/{row['n']}, expected {row['predicted']:.0%} "
            f"({row['low']:.0%} to {row['high']:.0%})"
        )
