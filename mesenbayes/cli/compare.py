"""``mesenbayes compare``: scenarios of one case, or several cases, side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import CASES, IGNORE, JSON, NETWORK
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from rich.console import Console

    from mesenbayes.diagnosis.scenario import Comparison

_SHOWN = 8


def compare(
    cases: Annotated[list[str], CASES],
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            help="Change of findings such as CD117=negative,DOG1=positive; CD117= takes it out. "
            "May be given more than once: one scenario each.",
        ),
    ] = None,
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Answer several cases, or several versions of one, side by side.

    Example: mesenbayes compare networks/gi-mesenchymal/cases/gastric_gist.yaml
    --what-if CD117=negative
    """
    from mesenbayes.diagnosis.case import read_cases
    from mesenbayes.diagnosis.scenario import Comparison
    from mesenbayes.facade import load_network

    changes = [_parse(text) for text in what_if or ()]
    read = [case for path in cases for case in read_cases(path)]
    if len(read) < 2 and not changes:
        raise CaseError("one case alone is not a comparison; give another, or --what-if")
    loaded = load_network(network)
    answers = [loaded.diagnose(case, ignore_unknown=ignore_unknown) for case in read]
    answers += [answer.what_if(change) for answer in answers[: len(read)] for change in changes]
    comparison = Comparison(tuple(answer.scenario for answer in answers))
    if as_json:
        data = {
            "network": {"name": loaded.name, "version": loaded.version, "digest": loaded.digest},
            **comparison.to_dict(),
        }
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    from mesenbayes.cli.terminal import console

    _print(console(), comparison)


def _parse(text: str) -> dict[str, Any]:
    """Return the changes of ``name=state,name=state``; an empty state takes a finding out."""
    changes: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, state = part.partition("=")
        if not equals or not name.strip():
            raise CaseError(f"--what-if '{part.strip()}' is not of the form finding=state")
        changes[name.strip()] = state.strip() or None
    return changes


def _print(out: Console, comparison: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from mesenbayes.report.diagnosis import DISCLAIMER

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for i, scenario in enumerate(comparison.scenarios, 1):
        table.add_column(f"{i}. {scenario.name}", justify="right", overflow="fold")
    for name in comparison.differing:
        table.add_row(name, *(s.findings.get(name, "not stated") for s in comparison.scenarios))
    table.add_section()
    for code in comparison.diagnoses()[:_SHOWN]:
        cells = []
        for s in comparison.scenarios:
            low, high = s.intervals.get(code, (float("nan"), float("nan")))
            cells.append(f"{s.probabilities.get(code, 0.0):.3f} ({low:.2f} to {high:.2f})")
        table.add_row(code, *cells)
    if any(s.plan for s in comparison.scenarios):
        table.add_section()
        table.add_row("plan", *(s.plan for s in comparison.scenarios))
    out.print(table)
    for i, scenario in enumerate(comparison.scenarios, 1):
        out.print(f"{i}. {scenario.fits}")
    out.print(Text(DISCLAIMER, style="dim"))
