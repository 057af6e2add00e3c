"""``mesenbayes explain``: how sure, why, and whether it fits."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import CASE, IGNORE, JSON, NETWORK

if TYPE_CHECKING:
    from rich.console import Console

    from mesenbayes.diagnosis.balance import Balance
    from mesenbayes.report.diagnosis import Diagnosis

_RIVALS = 2
_SHOWN = 8


def explain(
    case: Annotated[str, CASE],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="Rival diagnosis by code; may be given more than once."),
    ] = None,
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say how sure a diagnosis is and on which studies it rests, what each finding contributed
    against each rival, what speaks against it, whether the findings fit, and what would have
    to be different for another diagnosis to lead.

    Example: mesenbayes explain networks/gi-mesenchymal/cases/gastric_gist.yaml --against LM
    """
    from mesenbayes.facade import load_network

    answer = load_network(network).diagnose(case, ignore_unknown=ignore_unknown)
    sheets = answer.balance if against is None else answer.balance_against(against)
    rival = None if against is None else against[0]
    if as_json:
        typer.echo(json.dumps(_as_data(answer, sheets, rival), indent=2, ensure_ascii=False))
        return
    from mesenbayes.cli.terminal import console

    _print(console(), answer, sheets, rival)


def _as_data(answer: Diagnosis, sheets: tuple[Balance, ...], rival: str | None) -> dict[str, Any]:
    c = answer.certainty
    change = answer.smallest_change(rival)
    picture = answer.full_picture
    return {
        "case": {**answer.case.case.to_dict(), "where": answer.case.case.where},
        "network": {
            "name": answer.network.name,
            "version": answer.network.version,
            "digest": answer.network.digest,
        },
        "certainty": {
            "method": c.method,
            "reason": c.reason,
            "sentence": c.sentence,
            "states": c.to_frame().to_dict(orient="records"),
            "rows": c.shares_frame().to_dict(orient="records"),
            "sources": c.sources_frame().to_dict(orient="records"),
        },
        "balance": [sheet.to_dict() for sheet in sheets],
        "conflict": {
            "value": answer.conflict.value,
            "tail": answer.conflict.tail,
            "is_odd": answer.conflict.is_odd,
            "sentence": answer.conflict.sentence,
            "misfit": None if answer.conflict.misfit is None else asdict(answer.conflict.misfit),
            "findings": answer.conflict.to_frame().to_dict(orient="records"),
        },
        "repairs": [{**r.__dict__, "sentence": r.sentence} for r in answer.repairs],
        "counterfactual": {
            "rival": change.rival,
            "changes": [{"variable": v, "stated": a, "instead": b} for v, a, b in change.changes],
            "probability": change.probability,
            "relative": change.relative,
            "sentence": change.sentence,
        },
        "most_probable_explanation": {
            "diagnosis": picture.diagnosis,
            "log_probability": picture.log_probability,
            "states": dict(picture.states),
        },
    }


def _print(
    out: Console, answer: Diagnosis, sheets: tuple[Balance, ...], rival: str | None
) -> None:
    from rich.text import Text

    from mesenbayes.report.diagnosis import DISCLAIMER

    def heading(text: str) -> None:
        out.print(Text(text, style="bold"))

    out.rule(Text(answer.case.case.name, style="bold"), align="left")
    heading("How sure")
    out.print(f"  {answer.certainty.sentence}")
    _print_shares(out, answer)
    heading("Why")
    for sheet in sheets[: _RIVALS + 1]:
        _print_sheet(out, sheet)
    heading("Does it fit")
    out.print(f"  {answer.conflict.sentence}")
    for repair in answer.repairs:
        out.print(f"  - {repair.sentence}")
    heading("What if")
    out.print(f"  {answer.smallest_change(rival).sentence}")
    picture = answer.full_picture
    if picture.diagnosis and picture.diagnosis != answer.leading.code:
        out.print(f"  The single most probable full picture has {picture.diagnosis}.")
    out.print(Text(DISCLAIMER, style="dim"))


def _print_shares(out: Console, answer: Diagnosis) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("  Which study would sharpen this")
    table.add_column("of the variance", justify="right")
    table.add_column("cases behind it", justify="right")
    table.add_column("after 50 more", justify="right")
    for share in answer.certainty.shares[:5]:
        given = f" given {share.parents}" if share.parents else ""
        label = answer.network.variable(share.variable).label
        table.add_row(
            f"  {label}{given}", f"{share.share:.0%}", f"{share.row.strength:.0f}",
            f"{share.share_after(50):.0%}",
        )  # fmt: skip
    if table.row_count:
        out.print(table)
    sources = ", ".join(f"{s.source} {s.share:.0%}" for s in answer.certainty.sources[:5])
    if sources:
        out.print(f"  By source: {sources}")


def _print_sheet(out: Console, sheet: Balance) -> None:
    from rich.table import Table

    out.print(f"  {sheet.sentence}")
    table = Table(box=None, pad_edge=False)
    table.add_column("  finding")
    for name in ("Shapley", "alone", "last"):
        table.add_column(name, justify="right")
    table.add_column("studies")
    for w in sheet.weights[:_SHOWN]:
        sources = list(dict.fromkeys(x for s in w.support for x in s.source_ids[:2]))
        table.add_row(
            f"  {w.variable}={w.state}", f"{w.shapley:+.1f}", f"{w.alone:+.1f}",
            f"{w.leave_one_out:+.1f}", ", ".join(sources[:3]) or "no study",
        )  # fmt: skip
    out.print(table)
    for interaction in sheet.interactions[:3]:
        out.print(f"  {interaction.sentence}")
    if sheet.against:
        told = ", ".join(f"{w.variable}={w.state}" for w in sheet.against)
        out.print(f"  Against {sheet.leading}: {told}")
