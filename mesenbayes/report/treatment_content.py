"""What a report says of treatment: risk, options, guideline points, follow-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mesenbayes.report.document import (
    Block,
    Bullets,
    Citations,
    Heading,
    Paragraph,
    Table,
    join_words,
)

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.treatment import Decision, FollowUp, GuidelinePoint

LEAST_GIST = 0.02
"""Genotype and risk of a GIST are told from this probability on."""


def may_be_gist(diagnosis: Diagnosis) -> bool:
    """Whether a GIST is probable enough for its genotype and risk to be told."""
    p = next((c.probability for c in diagnosis.posterior if c.code == "GIST"), 0.0)
    return bool(diagnosis.genotype) and p >= LEAST_GIST


def risk(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    """The risk of a GIST, with the table it was read from."""
    found = diagnosis.risk
    if found is None or not may_be_gist(diagnosis):
        return
    yield Heading("Risk, if a GIST")
    sources = cited.cite(*(cell.source_id for cell in found.cells))
    yield Paragraph(f"{found.sentence} {sources}".strip())


def treatment(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    """The options with their uncertainty, what each class gains, and what was not offered."""
    decision = diagnosis.decision
    if decision is None or diagnosis.network.treatment is None:
        return
    yield Heading("Treatment options compared")
    yield Paragraph(decision.sentence)
    yield Table(
        f"Options of the {decision.setting} setting, by expected {decision.unit}",
        ("Option", f"Expected {decision.unit}", "95 % interval", "Regret", "P(best)"),
        tuple(
            (
                option.label,
                f"{option.expected_utility:.2f}",
                f"{option.interval[0]:.2f} to {option.interval[1]:.2f}",
                f"{option.regret:.2f}",
                f"{option.probability_best:.2f}",
            )
            for option in decision.options
        ),
        frozenset({1, 2, 3, 4}),
    )
    yield from _gains(decision)
    worth = decision.value_of_perfect_information
    yield Paragraph(
        f"Knowing the tumour class for certain before choosing would be worth {worth:.2f} "
        f"{decision.unit}. Computed from {decision.draws} joint draws of the posterior and of the "
        "numbers of the treatment model."
    )
    if decision.not_offered:
        reasons = "; ".join(
            f"{name.replace('_', ' ')} ({why.replace('|', ' or ')})"
            for name, why in decision.not_offered.items()
        )
        yield Paragraph(f"Not offered: {reasons}.", "small")
    lines = diagnosis.network.treatment.lines(diagnosis.belief, 0.05)
    if lines:
        yield Paragraph(
            "Published lines of systemic treatment used for the types that are possible: "
            + "; ".join(
                dict.fromkeys(f"{row.label} {cited.cite(row.source_id)}".strip() for row in lines)
            )
            + "."
        )


def _gains(decision: Decision) -> Iterator[Block]:
    rows = []
    chosen = decision.option(decision.recommended)
    others = [option for option in decision.options if option.name != chosen.baseline]
    option = chosen if chosen in others or not others else others[0]
    for gain in option.by_class:
        if gain.probability < 0.01:
            continue
        low, high = gain.interval
        rows.append(
            (
                gain.label,
                f"{gain.probability:.2f}",
                f"{gain.gain:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
            )
        )
    if rows and option.baseline != option.name:
        base = decision.option(option.baseline).label
        yield Table(
            f"What '{option.label}' gains over '{base}', by class of tumour ({decision.unit})",
            ("If the tumour is", "P", "Gain", "95 % interval"),
            tuple(rows),
            frozenset({1, 2, 3}),
        )


def guidelines(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    """The points that apply, where the model departs from one, and what others wait for."""
    points = [point for point in diagnosis.guidelines if point.probability >= 0.5]
    if not points:
        return

    def source(point: GuidelinePoint) -> str:
        strength = f", {point.strength}" if point.strength else ""
        return f"{point.source}{strength} {cited.cite(point.source_id)}".strip()

    yield Heading("Guideline points that apply")
    yield Table(
        "Every condition known, applying with probability 0.5 or more",
        ("Topic", "Point", "Applies", "Source"),
        tuple(
            (point.topic, point.recommendation, point.applies.replace("_", " "), source(point))
            for point in points
            if not point.needs
        ),
    )
    if diagnosis.disagreements:
        yield Bullets(tuple(d.sentence for d in diagnosis.disagreements), "warning")
    waiting: dict[tuple[str, ...], list[str]] = {}
    for point in points:
        if point.needs:
            waiting.setdefault(point.needs, []).append(f"{point.recommendation} ({source(point)})")
    if waiting:
        yield Paragraph("Further points hang on what is not stated:", "small")
        yield Bullets(
            tuple(f"if {join_words(needs)}: {'; '.join(told)}." for needs, told in waiting.items()),
            "small",
        )


def follow_up(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    """The visits by examination, in months: dates would make the report hang on the day."""
    plan = diagnosis.follow_up
    if plan is None:
        return
    yield Heading("Follow-up")
    if not plan.visits:
        yield Paragraph("No fixed visits; see the guideline points.")
        return
    yield Paragraph(
        f"Schedule {plan.schedule.replace('_', ' ')}, applies with probability "
        f"{plan.probability:.2f}. Months count from the operation, or from the first visit."
    )
    yield Table(
        "Visits",
        ("Examination", "How often", "Months", "Source"),
        tuple(_visits(plan, cited)),
    )


def _visits(plan: FollowUp, cited: Citations) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for visit in plan.visits:
        key = (visit.examination, visit.interval, visit.source, visit.source_id)
        groups.setdefault(key, []).append(visit.month)
    for (examination, interval, source, source_id), months in groups.items():
        yield (
            examination,
            interval,
            ", ".join(map(str, sorted(months))),
            f"{source} {cited.cite(source_id)}".strip(),
        )
