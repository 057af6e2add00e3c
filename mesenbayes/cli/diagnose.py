"""``mesenbayes diagnose``: cases in, reports out."""

from __future__ import annotations

import json
from typing import Annotated

import typer

CASES = typer.Argument(help="Case files, YAML or JSON; - is standard input.", show_default=False)
NETWORK = typer.Option("--network", "-n", help="Network by name, or its folder.")
IGNORE = typer.Option("--ignore-unknown", help="Set aside findings that the network lacks.")
JSON = typer.Option("--json", help="Print data instead of a report.")


def diagnose(
    cases: Annotated[list[str], CASES],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rank the tumour types of one or more cases and say why, how sure, and what next.

    Example: mesenbayes diagnose networks/gi-mesenchymal/cases/gastric_schwannoma.yaml
    """
    from mesenbayes.diagnosis.case import read_cases
    from mesenbayes.facade import load_network

    read = [case for path in cases for case in read_cases(path)]
    loaded = load_network(network)
    # Everything is answered before anything is printed: a bad case leaves no half report.
    answers = [loaded.diagnose(case, ignore_unknown=ignore_unknown) for case in read]
    if as_json:
        data = [answer.to_dict() for answer in answers]
        one = len(cases) == 1 and len(data) == 1
        typer.echo(json.dumps(data[0] if one else data, indent=2, ensure_ascii=False))
        return
    from mesenbayes.report.text import print_report

    for answer in answers:
        print_report(answer)
