"""``mesenbayes learn``: a local cohort on top of the published evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import IGNORE, MAPPING, NETWORK, PREVALENCE, TARGET, prevalence_shares

CASES = typer.Argument(help="Cases (.csv, .jsonl, .parquet); diagnosis in true_tumour.",
                       show_default=False)  # fmt: skip
OUT = typer.Option("--out", "-o", help="The network learned (.jsonld).", show_default=False)
WEIGHT = typer.Option("--prior-weight", help="Weight of the published evidence.")
ONLY = typer.Option("--only", help="Update this variable alone; repeatable.")


def learn(
    cases: Annotated[Path, CASES],
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    prior_weight: Annotated[float, WEIGHT] = 1.0,
    only: Annotated[list[str] | None, ONLY] = None,
    prevalence: Annotated[list[str] | None, PREVALENCE] = None,
    mapping: Annotated[Path | None, MAPPING] = None,
    target: Annotated[str, TARGET] = "tumour",
    ignore_unknown: Annotated[bool, IGNORE] = False,
) -> None:
    """Update a network with a local cohort and say what moved and why.

    What is missing is filled by expectation; the published evidence is the prior. The report
    of what moved stands beside the network as CSV.

    Example: mesenbayes learn cohort.csv --out here.jsonld --prior-weight 0.5
    """
    from mesenbayes.cohort.learn import learn as run
    from mesenbayes.cohort.mapping import read_mapping
    from mesenbayes.cohort.prevalence import set_prevalence
    from mesenbayes.cohort.source import read_frame_file
    from mesenbayes.errors import NetworkError
    from mesenbayes.facade import load_network
    from mesenbayes.interop.files import write_network

    if out.suffix.lower() != ".jsonld":
        raise NetworkError(f"{out}: a network with its counts is written as .jsonld")
    start = load_network(network)
    shares = prevalence_shares(prevalence or [])
    if shares:
        start = set_prevalence(start, shares, target)
    result = run(
        start, read_frame_file(cases), target=target, prior_weight=prior_weight,
        variables=only, mapping=None if mapping is None else read_mapping(mapping),
        ignore_unknown=ignore_unknown,
    )  # fmt: skip
    write_network(result.network, out)
    moved = out.with_name(out.stem + ".moved.csv")
    result.moved.to_csv(moved, index=False, lineterminator="\n")
    rounds = len(result.objective)
    typer.echo(f"learned from {result.n_cases} cases in {rounds} rounds: {out}; moved: {moved}")
    for _, line in result.moved.head(8).iterrows():
        given = f" | {line['given']}" if line["given"] else ""
        typer.echo(
            f"  P({line['variable']}={line['state']}{given}) "
            f"{line['before']:.3f} -> {line['after']:.3f}: {line['reason']}"
        )
    for row, case, reason in result.rejected[:20]:
        typer.echo(f"left out: row {row} {case}: {reason}", err=True)
    if result.rejected:
        raise typer.Exit(1)
