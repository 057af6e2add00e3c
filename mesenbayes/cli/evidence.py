"""``mesenbayes evidence``: who says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import JSON, NETWORK
from mesenbayes.cli.picture import can_draw, draw
from mesenbayes.cli.terminal import console

if TYPE_CHECKING:
    from mesenbayes.facade import Network

app = typer.Typer(help="Look at the counts behind a network.", no_args_is_help=True)

DEFAULT = "mesenchymal"
SEED = typer.Option("--seed", help="Start of the random numbers: same seed, same output.")
PLOT = typer.Option("--plot", metavar="FILE", help="Draw to a file: .png, .svg or .pdf.")


@app.command()
def check(network: Annotated[str, NETWORK] = DEFAULT) -> None:
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


@app.command()
def fit(network: Annotated[str, NETWORK] = DEFAULT) -> None:
    """Fit the pooling model afresh and keep the result beside the evidence (after a change)."""
    from mesenbayes.network.fits import write_fits
    from mesenbayes.network.folder import builder_of, find_network

    builder = builder_of(find_network(network))
    fits = builder.fit()
    write_fits(builder.structure.fit_file, builder.fit_key, fits)
    for kind, found in fits.items():
        between = found.between
        typer.echo(f"{kind}: rho {between.rho_0:.3f} + {between.tau2:.3f} p (1 - p)")
    typer.echo(f"written to {builder.structure.fit_file}")


@app.command()
def coverage(
    network: Annotated[str, NETWORK] = DEFAULT,
    as_json: Annotated[bool, JSON] = False,
    plot: Annotated[Path | None, PLOT] = None,
) -> None:
    """Show which cells (tumour, finding) rest on counts, and the worst holes."""
    can_draw(plot)
    result = _load(network).coverage()
    if as_json:
        _print_json(result.to_dict())
    else:
        from mesenbayes.report.evidence import print_coverage

        print_coverage(result, console())
    if plot is not None:
        draw(result.plot, plot)


@app.command()
def cell(
    tumour: Annotated[str, typer.Argument(help="Tumour code, such as GIST.")],
    finding: Annotated[str, typer.Argument(help="Finding, such as DOG1.")],
    network: Annotated[str, NETWORK] = DEFAULT,
    state: Annotated[
        str | None, typer.Option("--state", help="State whose rate is shown.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    plot: Annotated[Path | None, PLOT] = None,
) -> None:
    """Show each study of one cell, the pooled rate, and how much laboratories disagree.

    Example: mesenbayes evidence cell GIST DOG1 --plot forest.svg
    """
    can_draw(plot)
    result = _load(network).cell(tumour, finding, state)
    if as_json:
        _print_json(result.to_dict())
    else:
        from mesenbayes.report.evidence import print_cell

        print_cell(result, console())
    if plot is not None:
        draw(result.plot, plot)


@app.command()
def sources(
    network: Annotated[str, NETWORK] = DEFAULT, as_json: Annotated[bool, JSON] = False
) -> None:
    """List every source with its rows, cells and citation."""
    found = _load(network).sources()
    if as_json:
        _print_json([use.to_dict() for use in found])
        return
    from mesenbayes.report.evidence import print_sources

    print_sources(found, console())


@app.command()
def source(
    source_id: Annotated[str, typer.Argument(help="Id of the source, such as ESPINOSA2008.")],
    network: Annotated[str, NETWORK] = DEFAULT,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Show every row of one source with the words that support it."""
    from mesenbayes.evidence.sources import rows_of_source

    _print_lines(rows_of_source(_evidence(network), source_id), as_json)


@app.command()
def sample(
    n: Annotated[int, typer.Option("-n", min=1, help="Number of rows.")] = 50,
    seed: Annotated[int, SEED] = 1,
    network: Annotated[
        str, typer.Option("--network", help="Network by name, or its folder.")
    ] = DEFAULT,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Draw rows at random, to be checked against their quotes and sources."""
    from mesenbayes.evidence.sources import sample_rows

    _print_lines(sample_rows(_evidence(network), n, rng=seed), as_json)


@app.command("leave-out")
def leave_out(
    cases: Annotated[
        list[str] | None,
        typer.Argument(help="Case files; the cases of the network if none.", show_default=False),
    ] = None,
    network: Annotated[str, NETWORK] = DEFAULT,
    as_json: Annotated[bool, JSON] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the result as a Markdown page.")
    ] = None,
) -> None:
    """Show which source's removal, or which rounding, changes the first diagnosis.

    Takes minutes for all cases. Example: mesenbayes evidence leave-out case.yaml
    """
    from rich.console import Console
    from rich.progress import Progress

    from mesenbayes.cli.picture import can_write
    from mesenbayes.diagnosis.case import read_cases

    can_write(out)
    loaded = _load(network)
    read = [case for path in cases or _cases_of(loaded) for case in read_cases(path)]
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sources left out", total=None)
        result = loaded.leave_one_source_out(
            read, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if out is not None:
        made_by = (
            f"`mesenbayes evidence leave-out` with {loaded.name} {loaded.version} "
            f"(`{loaded.digest}`)"
        )
        out.write_text(result.page(made_by), encoding="utf-8")
    if as_json:
        _print_json(result.to_dict())
        return
    from mesenbayes.report.evidence import print_leave_out

    print_leave_out(result, console())


@app.command()
def joint(
    network: Annotated[str, NETWORK] = DEFAULT,
    draws: Annotated[int, typer.Option("--draws", min=50, help="Drawn sets of tables.")] = 500,
    seed: Annotated[int, SEED] = 1,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Hold joint patterns of the model against published joint counts."""
    result = _load(network).check_joint_patterns(draws, rng=seed)
    if as_json:
        _print_json(result.to_dict())
        return
    from mesenbayes.report.evidence import print_joint

    print_joint(result, console())


def _load(name: str) -> Network:
    from mesenbayes.facade import load_network

    return load_network(name)


def _evidence(name: str) -> Any:
    """Return the evidence base of a network without building its tables."""
    from mesenbayes.network.folder import builder_of, find_network

    return builder_of(find_network(name)).evidence


def _cases_of(network: Network) -> list[str]:
    """Return the case files that come with a network."""
    from mesenbayes.errors import CaseError

    assert network.structure is not None
    folder = network.structure.folder / "cases"
    found = sorted(str(path) for path in folder.glob("*.y*ml"))
    if not found:
        raise CaseError(f"{folder}: there are no cases here; name a case file")
    return found


def _print_lines(lines: tuple[Any, ...], as_json: bool) -> None:
    if as_json:
        _print_json([line.to_dict() for line in lines])
        return
    from mesenbayes.report.evidence import print_lines

    print_lines(lines, console())


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
