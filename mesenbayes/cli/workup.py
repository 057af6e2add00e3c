"""``mesenbayes workup``: what to do next, and when to stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import CASE, IGNORE, JSON, NETWORK
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from mesenbayes.workup.panel import PanelSearch
    from mesenbayes.workup.panel_search import Objective
    from mesenbayes.workup.plan import WorkUp

_SHOWN = 10


def workup(
    case: Annotated[str, CASE],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    panel: Annotated[
        int, typer.Option("--panel", help="Stains in the panel to look for, 2 to 6; 0 for none.")
    ] = 4,
    among: Annotated[
        str, typer.Option("--among", help="Findings to choose from, separated by commas.")
    ] = "",
    by: Annotated[
        str, typer.Option("--by", help="What a panel is chosen by: information or decision.")
    ] = "information",
    budget: Annotated[
        float | None, typer.Option("--budget", help="Money that the panel may cost.")
    ] = None,
    costs: Annotated[
        Path | None, typer.Option("--costs", help="Your own tests.csv with costs.")
    ] = None,
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rank the tests that can still be ordered by what they tell and by what they change,
    against money, days and tissue; find the best panel; say when to stop.

    Example: mesenbayes workup networks/gi-mesenchymal/cases/gastric_gist.yaml --panel 3
    """
    if by not in ("information", "decision"):
        raise CaseError(f"--by is information or decision, not '{by}'")
    from mesenbayes.facade import load_network

    loaded = load_network(network)
    answer = loaded.diagnose(case, ignore_unknown=ignore_unknown)
    plan = answer.plan_workup(costs)
    names = [loaded.vocabulary.find(n.strip())[0].name for n in among.split(",") if n.strip()]
    found = None
    objective: Objective = "decision" if by == "decision" else "information"
    if panel and len(names or plan.stains()) >= panel:
        with _bar(f"panels of {panel}", quiet=as_json) as progress:
            found = plan.panel(
                panel, among=names or None, objective=objective, budget=budget, progress=progress
            )
    if as_json:
        data = {
            "case": {**answer.case.case.to_dict(), "where": answer.case.case.where},
            "network": {"name": loaded.name, "version": loaded.version, "digest": loaded.digest},
            **plan.to_dict(),
            "panel": None if found is None else _panel_data(plan, found),
        }
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    from mesenbayes.cli.terminal import console

    _print(console(), answer.case.case.name, plan, found)


@contextmanager
def _bar(what: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on standard error while a search runs, where there is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    err = Console(stderr=True)
    with Progress(console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda done: progress.update(task, completed=done)


def _panel_data(plan: WorkUp, found: PanelSearch) -> dict[str, Any]:
    bill = plan.panel_bill(found.best.tests)
    return {
        "size": found.size,
        "objective": found.objective,
        "exhaustive": found.exhaustive,
        "looked_at": found.looked_at,
        "bound": found.bound,
        "gap": found.gap,
        "sentence": found.sentence,
        "money": bill.money,
        "days": bill.days,
        "tissue": bill.tissue,
        "panels": [
            {"tests": list(p.tests), "bits": p.bits, "value": p.value} for p in found.panels
        ],
        "greedy": {"tests": list(found.greedy.tests), "bits": found.greedy.bits},
    }


def _print(out: Console, name: str, plan: WorkUp, found: PanelSearch | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from mesenbayes.report.diagnosis import DISCLAIMER

    out.rule(Text(name, style="bold"), align="left")
    out.print(Text(plan.sentence, style="bold"))
    out.print(Text("The order of the clinic", style="bold"))
    for step in plan.steps:
        mark = "x" if step.done else " "
        strength = f", {step.strength}" if step.strength else ""
        source = step.source_id or step.trust
        out.print(f"  [{mark}] {step.stage}: {step.text} ({source}{strength})")
    unit = "" if plan.problem is None else plan.problem.unit
    table = Table(box=None, pad_edge=False)
    table.add_column("Test")
    for heading in ("bits", f"gain, {unit}", "less its price", "money", "days", "sections"):
        table.add_column(heading, justify="right")
    table.add_column("price by")
    for a in plan.tests[:_SHOWN]:
        error = f" ±{a.error:.2f}" if a.error else ""
        table.add_row(
            a.test.label, f"{a.bits:.2f}{error}", "" if a.value is None else f"{a.value:.4f}",
            "" if a.net is None else f"{a.net:+.4f}", f"{a.bill.money:.0f}",
            f"{a.bill.days:.0f}", f"{a.bill.tissue:.0f}", a.test.source_id or a.test.trust,
        )  # fmt: skip
    out.print(table)
    if found is not None:
        bill = plan.panel_bill(found.best.tests)
        out.print(
            f"Panel of {found.size}: {found.sentence} It costs {bill.money:.0f} and "
            f"{bill.tissue:.0f} of about {plan.table.rates['slides']:.0f} sections."
        )
    if plan.two_steps and plan.two_steps[0].value > 0.01:
        out.print(f"Two steps: {plan.two_steps[0].sentence}")
    if plan.same_decision is not None and len(plan.same_decision.changes) > 1:
        told = "; ".join(
            f"{c.test} {c.state} ({c.probability:.1%}): {c.plan}"
            for c in plan.same_decision.changes[:5]
        )
        out.print(f"Results that would change the plan: {told}")
    out.print(Text(f"Prices marked as assumption are nobody's. {DISCLAIMER}", style="dim"))
