"""``mesenbayes validate``: a network put to the test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import IGNORE, MAPPING, NETWORK, PREVALENCE, TARGET, prevalence_shares

CASES = typer.Argument(help="Cases with their diagnosis (.csv, .jsonl, .parquet).",
                       show_default=False)  # fmt: skip
OUT = typer.Option("--out", "-o", help="Folder for the report and its tables.", show_default=False)
TRUTH = typer.Option("--truth", help="Column of the diagnosis; true_tumour by default.")
COMPARE = typer.Option("--compare", help="Another network, tested on the same cases.")
RESAMPLES = typer.Option("--resamples", min=10, help="Bootstrap samples.")
INTERVALS = typer.Option("--interval-cases", min=0, help="Cases with credible intervals.")
SEED = typer.Option("--seed", help="Seed of the bootstrap.")


def validate(
    cases: Annotated[Path, CASES],
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    truth: Annotated[str | None, TRUTH] = None,
    mapping: Annotated[Path | None, MAPPING] = None,
    target: Annotated[str, TARGET] = "tumour",
    compare: Annotated[str | None, COMPARE] = None,
    prevalence: Annotated[list[str] | None, PREVALENCE] = None,
    ignore_unknown: Annotated[bool, IGNORE] = False,
    resamples: Annotated[int, RESAMPLES] = 1000,
    interval_cases: Annotated[int, INTERVALS] = 200,
    seed: Annotated[int, SEED] = 1,
) -> None:
    """Score a network on cases with a known diagnosis and write a one-page report.

    The exit status is 1 where forecasts and outcomes cannot be of one kind.

    Example: mesenbayes validate cohort.csv --out validation
    """
    from mesenbayes.cohort.mapping import read_mapping
    from mesenbayes.cohort.source import read_frame_file
    from mesenbayes.cohort.validation import Validation
    from mesenbayes.cohort.validation import compare as difference
    from mesenbayes.cohort.validation import validate as run
    from mesenbayes.cohort.validation_report import verdict, write_validation
    from mesenbayes.facade import load_network

    frame = read_frame_file(cases)
    words = None if mapping is None else read_mapping(mapping)
    shares = prevalence_shares(prevalence or [])

    def test(name: str, interval_cases: int) -> Validation:
        return run(
            load_network(name), frame, truth=truth, target=target, mapping=words,
            ignore_unknown=ignore_unknown, prevalence=shares or None, resamples=resamples,
            interval_cases=interval_cases, rng=seed,
        )  # fmt: skip

    result = test(network, interval_cases)
    other = None if compare is None else difference(result, test(compare, 0), rng=seed)
    page = write_validation(result, out, other)
    for score, row in result.to_frame().iterrows():
        typer.echo(f"{score:<17} {row['value']:.3f}  ({row['low']:.3f} to {row['high']:.3f})")
    typer.echo(verdict(result))
    typer.echo(f"report: {page}")
    for row_number, case, reason in result.rejected[:20]:
        typer.echo(f"left out: row {row_number} {case}: {reason}", err=True)
    if not result.is_consistent:
        raise typer.Exit(1)
