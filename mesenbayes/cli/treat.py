"""``mesenbayes treat``: what to do, by expected utility over the whole posterior."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesenbayes.cli.options import CASES, IGNORE, JSON, NETWORK
from mesenbayes.cli.picture import can_draw, can_write, draw
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from rich.console import Console

    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.treatment import Decision

PREFERENCES = typer.Option(
    "--preferences",
    "-p",
    help="What the utilities count: qaly, life_years, recurrence_free_years, or a JSON file of "
    "state -> utility.",
)

TREE = typer.Option("--tree", metavar="FILE", help="Draw the decision tree: .png, .svg or .pdf.")
OCCUPANCY = typer.Option(
    "--occupancy",
    metavar="FILE",
    help="Draw the share of patients in each state over time, for the recommended option and the "
    "leading diagnosis.",
)
CALENDAR = typer.Option("--calendar", metavar="FILE", help="Write the follow-up as iCalendar.")

treatment = typer.Typer(help="Look at the treatment model of a network.", no_args_is_help=True)


def treat(
    cases: Annotated[list[str], CASES],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    preferences: Annotated[str, PREFERENCES] = "qaly",
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
    tree: Annotated[Path | None, TREE] = None,
    occupancy: Annotated[Path | None, OCCUPANCY] = None,
    calendar: Annotated[Path | None, CALENDAR] = None,
) -> None:
    """Rank the treatment options of one or more cases, with guideline points and follow-up.

    Example: mesenbayes treat networks/gi-mesenchymal/cases/gastric_gist.yaml
    """
    from mesenbayes.diagnosis.case import read_cases
    from mesenbayes.facade import load_network

    loaded = load_network(network)
    read = [case for path in cases for case in read_cases(path)]
    wanted = _preferences(preferences)
    files = [file for file in (tree, occupancy, calendar) if file is not None]
    if files and len(read) != 1:
        raise CaseError(f"{files[0]}: a picture or calendar is of one case, not of {len(read)}")
    for file in (tree, occupancy):
        can_draw(file)
    can_write(calendar)
    answers = [loaded.diagnose(case, ignore_unknown=ignore_unknown) for case in read]
    model = loaded.require_treatment()
    decisions = [model.decide(answer.belief, preferences=wanted) for answer in answers]
    if tree is not None:
        draw(decisions[0].plot_tree, tree)
    if occupancy is not None:
        genotype = next(iter(answers[0].genotype), "")
        code = answers[0].leading.code
        state = model.occupancy(
            answers[0].belief, decisions[0].recommended, code, genotype if code == "GIST" else ""
        )
        draw(state.plot, occupancy)
    if calendar is not None:
        plan = model.follow_up(answers[0].belief, strategy=decisions[0].recommended)
        calendar.write_text(plan.to_ical(), encoding="utf-8", newline="")
    if as_json:
        data = [
            {
                "case": answer.case.case.to_dict(),
                "decision": decision.to_dict(),
                "guidelines": model.guidelines(answer.belief, decision).to_dict(),
                "follow_up": model.follow_up(
                    answer.belief, strategy=decision.recommended
                ).to_dict(),
                "lines": [line.to_dict() for line in model.lines(answer.belief)],
            }
            for answer, decision in zip(answers, decisions, strict=True)
        ]
        typer.echo(json.dumps(data[0] if len(data) == 1 else data, indent=2, ensure_ascii=False))
        return
    from mesenbayes.cli.terminal import console

    out = console()
    for answer, decision in zip(answers, decisions, strict=True):
        _print(out, answer, decision)


def _preferences(text: str) -> str | dict[str, float]:
    """Return a named preference, or the table of a JSON file."""
    if not text.endswith(".json"):
        return text
    try:
        table = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CaseError(f"{text}: not a readable JSON file ({error})") from None
    if not isinstance(table, dict):
        raise CaseError(f"{text}: preferences are a mapping of state to utility")
    return table


def _print(out: Console, answer: Diagnosis, decision: Decision) -> None:
    from mesenbayes.report.text import print_treatment

    out.rule(answer.case.case.name, align="left")
    leading = answer.leading
    out.print(f"Leading diagnosis: {leading.code}, {leading.name} ({leading.probability:.3f})")
    print_treatment(out, answer, decision)
    out.print()


@treatment.command("assumptions")
def assumptions(
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List every number and rule of the treatment model that nobody has published."""
    from mesenbayes.facade import load_network

    rows = load_network(network).require_treatment().assumptions()
    if as_json:
        typer.echo(json.dumps([row.to_dict() for row in rows], indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    from mesenbayes.cli.terminal import console

    table = Table(title=f"{len(rows)} assumptions", show_lines=False)
    for heading in ("where", "what", "value", "reason"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        value = f"{row.value} {row.unit}".strip()
        table.add_row(f"{row.table}:{row.line}", row.what, value, row.reason)
    console().print(table)
