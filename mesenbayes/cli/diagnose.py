"""``mesenbayes diagnose``: cases in, reports out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mesenbayes.cli.options import CASES, IGNORE, JSON, NETWORK, TARGET

REPORT = typer.Option("--report", metavar="FILE", help="Write the full report: .html or .md.")


def diagnose(
    cases: Annotated[list[str], CASES],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
    target: Annotated[str, TARGET] = "tumour",
    report: Annotated[Path | None, REPORT] = None,
) -> None:
    """Rank the tumour types of one or more cases and say why, how sure, and what next.

    Example: mesenbayes diagnose networks/gi-mesenchymal/cases/gastric_gist.yaml --report out.html
    """
    from mesenbayes.diagnosis.case import read_cases
    from mesenbayes.facade import load_network

    read = [case for path in cases for case in read_cases(path)]
    loaded = load_network(network)
    # Everything is answered before anything is printed: a bad case leaves no half report.
    answers = [loaded.diagnose(case, ignore_unknown=ignore_unknown, target=target) for case in read]
    if report is not None:
        from mesenbayes.report.file import write_report

        write_report(report, answers)
    if as_json:
        data = [answer.to_dict() for answer in answers]
        one = len(cases) == 1 and len(data) == 1
        typer.echo(json.dumps(data[0] if one else data, indent=2, ensure_ascii=False))
        return
    if report is not None:
        typer.echo(f"{report}: report of {len(answers)} case{'s' * (len(answers) != 1)}")
        return
    from mesenbayes.cli.terminal import console
    from mesenbayes.report.text import print_report

    out = console(plain_width=100)
    for answer in answers:
        print_report(answer, out)
