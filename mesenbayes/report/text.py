"""The report in a terminal: what a pathologist or a student reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mesenbayes.diagnosis.weight import in_words
from mesenbayes.report.diagnosis import DISCLAIMER

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.treatment import Decision

_WIDTH = 22
_SHOWN_FROM = 0.005
_SHOWN_POINTS = 6


def print_report(diagnosis: Diagnosis, out: Console) -> None:
    """Print one answer."""
    case, network = diagnosis.case.case, diagnosis.network
    out.rule(Text(case.name, style="bold"), align="left")
    if case.source:
        out.print(Text(case.source, style="dim"))
    _differential(out, diagnosis)
    if diagnosis.genotype:
        shown = [f"{g} {p:.0%}" for g, p in diagnosis.genotype.items() if p >= 0.03]
        out.print(Text.assemble(("If a GIST, its genotype: ", "bold"), ", ".join(shown)))
    _findings(out, diagnosis)
    out.print(Text.assemble(("Fit: ", "bold"), diagnosis.conflict.sentence))
    _next_tests(out, diagnosis)
    _treatment(out, diagnosis)
    for alert in diagnosis.alerts:
        out.print(Text.assemble(("! ", "bold red"), alert))
    if diagnosis.missing:
        labels = [network.variable(name).label.lower() for name in diagnosis.missing]
        out.print(Text.assemble(("Not stated: ", "bold"), ", ".join(labels)))
    out.print(
        Text(
            f"Network {network.name} {network.version} ({network.digest}). {DISCLAIMER}",
            style="dim",
        )
    )
    out.print()


def _differential(out: Console, diagnosis: Diagnosis) -> None:
    table = Table(box=None, pad_edge=False, title_justify="left", show_header=True)
    table.add_column("Diagnosis")
    table.add_column("P", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("")
    shown = [c for c in diagnosis.posterior if c.probability >= _SHOWN_FROM] or [diagnosis.leading]
    for candidate in shown[:8]:
        low, high = candidate.interval
        table.add_row(
            f"{candidate.code}  {candidate.name}",
            f"{candidate.probability:.3f}",
            f"{low:.3f} to {high:.3f}",
            "█" * round(candidate.probability * _WIDTH),
        )
    out.print(table)
    rest = sum(c.probability for c in diagnosis.posterior) - sum(c.probability for c in shown[:8])
    if rest > 0.0005:
        out.print(Text(f"all others together {rest:.3f}", style="dim"))


def _findings(out: Console, diagnosis: Diagnosis) -> None:
    if not diagnosis.findings:
        return
    code = diagnosis.leading.code
    table = Table(box=None, pad_edge=False)
    table.add_column("Finding")
    table.add_column(f"decibans for {code}", justify="right")
    table.add_column("given everything else it")
    quiet = []
    for weight in diagnosis.findings:
        if not in_words(weight.decibans):
            quiet.append(diagnosis.network.variable(weight.variable).label.lower())
            continue
        variable = diagnosis.network.variable(weight.variable)
        state = (
            variable.state_label(weight.state) if weight.state in variable.states else weight.state
        )
        table.add_row(f"{variable.label}: {state}", f"{weight.decibans:+.1f}", weight.words)
    if table.row_count:
        out.print(table)
    if quiet:
        out.print(Text.assemble(("Says little here: ", "bold"), ", ".join(quiet)))


def _next_tests(out: Console, diagnosis: Diagnosis) -> None:
    tests = [t for t in diagnosis.next_tests if t.bits >= 0.01][:3]
    if not tests:
        out.print(
            Text.assemble(
                ("Next test: ", "bold"),
                "no stain or gene test is expected to change this (each under 0.01 bits).",
            )
        )
        return
    heading = "Most useful next test (expected information about the diagnosis)"
    out.print(Text(heading, style="bold"))
    for test in tests:
        results = "; ".join(
            f"{state} ({p:.0%}) then {lead} {q:.0%}" for state, p, lead, q in test.results
        )
        out.print(f"  {test.label}: {test.bits:.2f} bits. {results}")


def _treatment(out: Console, diagnosis: Diagnosis) -> None:
    if diagnosis.risk is not None:
        out.print(Text.assemble(("Risk, if a GIST: ", "bold"), diagnosis.risk.sentence))
    if diagnosis.decision is not None:
        print_treatment(out, diagnosis, diagnosis.decision)


def print_treatment(out: Console, diagnosis: Diagnosis, decision: Decision) -> None:
    """Print the options, the choice, the guideline points and the follow-up."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Treatment option")
    table.add_column(f"expected {decision.unit}", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("P(best)", justify="right")
    for option in decision.options[:6]:
        low, high = option.interval
        table.add_row(
            option.label,
            f"{option.expected_utility:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{option.probability_best:.2f}",
        )
    out.print(table)
    out.print(Text.assemble(("Choice: ", "bold"), decision.sentence))
    _guidelines(out, diagnosis)
    for disagreement in diagnosis.disagreements:
        out.print(Text.assemble(("Model and guideline differ: ", "bold"), disagreement.sentence))
    _follow_up(out, diagnosis)


def _guidelines(out: Console, diagnosis: Diagnosis) -> None:
    points = [p for p in diagnosis.guidelines if p.probability >= 0.5][:_SHOWN_POINTS]
    if not points:
        return
    out.print(Text("Guideline points that apply", style="bold"))
    for point in points:
        strength = f", {point.strength}" if point.strength else ""
        out.print(f"  {point.recommendation} ({point.applies}; {point.source}{strength})")


def _follow_up(out: Console, diagnosis: Diagnosis) -> None:
    plan = diagnosis.follow_up
    if plan is None:
        return
    if not plan.visits:
        nothing = "no fixed visits; see the guideline points."
        out.print(Text.assemble(("Follow-up: ", "bold"), nothing))
        return
    visits = ", ".join(f"{v.date:%Y-%m-%d}" for v in plan.visits[:4])
    first = plan.visits[0]
    out.print(
        Text.assemble(
            ("Follow-up: ", "bold"),
            f"{first.examination}, {first.interval}: {visits}, ... "
            f"({len(plan.visits)} visits; {first.source})",
        )
    )
