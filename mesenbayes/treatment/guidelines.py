"""Guideline points and alerts: data, evaluated on the case with the uncertainty kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mesenbayes.treatment.conditions import Facts, Truth
from mesenbayes.treatment.decision import Decision, lower_first
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result

LEAST = 0.01
"""Points less probable than this are not listed."""


@dataclass(frozen=True)
class GuidelinePoint(Result):
    """One point of a guideline and how probable it is that it applies.

    Parameters
    ----------
    probability
        Probability of the conditions that are known.
    applies
        In words: ``applies``, ``applies if GIST, 0.83`` ...
    needs
        Conditions about findings that are not stated.
    options
        Options of the model that follow the point (``!`` before what it speaks against).
    """

    guideline_id: str
    topic: str
    kind: str
    recommendation: str
    probability: float
    applies: str
    needs: tuple[str, ...]
    strength: str
    source: str
    source_id: str
    trust: str
    quote: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Disagreement(Result):
    """Where the model and a guideline point differ."""

    guideline_id: str
    probability: float
    sentence: str


def among_equals(points: Sequence[GuidelinePoint], names: Sequence[str]) -> list[int]:
    """Return the places of the options in the order in which they are preferred among equals:
    those first that depart least from what is called standard, and of those, the first.

    An option departs by the summed probabilities of the standard points that probably apply,
    whose conditions are all known, and that name other options or speak against it.
    """
    standard = [
        point
        for point in points
        if point.strength.lower().startswith("standard")
        and point.probability >= 0.5
        and not point.needs
    ]
    departure = [sum(p.probability for p in standard if _departs(name, p)) for name in names]
    return sorted(range(len(names)), key=lambda d: (round(departure[d], 6), d))


def _departs(name: str, point: GuidelinePoint) -> bool:
    named = [option for option in point.options if not option.startswith("!")]
    return f"!{name}" in point.options or (bool(named) and name not in named)


@dataclass(frozen=True)
class Guidelines(Result):
    """The points that apply, most probable first, and where the model disagrees."""

    points: tuple[GuidelinePoint, ...]
    disagreements: tuple[Disagreement, ...]

    def rows(self) -> list[dict[str, object]]:
        """One row per point."""
        return [point.to_dict() for point in self.points]

    @property
    def applying(self) -> tuple[GuidelinePoint, ...]:
        """Points whose conditions are all known."""
        return tuple(point for point in self.points if not point.needs)

    def __iter__(self) -> Iterator[GuidelinePoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Alert(Result):
    """A pitfall that the case shows."""

    alert_id: str
    severity: str
    message: str
    probability: float
    applies: str
    source: str
    source_id: str
    trust: str


def applicable_points(records: Sequence[Record], facts: Facts) -> tuple[GuidelinePoint, ...]:
    """Return the guideline points with a probability of at least `LEAST`."""
    points = []
    for record in records:
        truth = facts.evaluate(record.text("condition"))
        if truth.probability < LEAST:
            continue
        points.append(
            GuidelinePoint(
                guideline_id=record.text("guideline_id"),
                topic=record.text("topic"),
                kind=record.text("kind"),
                recommendation=record.text("recommendation"),
                probability=truth.probability,
                applies=_applies(truth),
                needs=truth.open_atoms,
                strength=record.text("strength"),
                source=record.text("source"),
                source_id=record.text("source_id"),
                trust=record.text("trust"),
                quote=record.text("quote"),
                options=record.options("options"),
            )
        )
    points.sort(key=lambda point: (bool(point.needs), -point.probability, point.topic))
    return tuple(points)


def _applies(truth: Truth) -> str:
    text = "applies"
    if truth.because:
        text += f" if {' and '.join(truth.because)}"
    if truth.open_atoms:
        text += f"{';' if truth.because else ''} if {' and '.join(truth.open_atoms)} (not stated)"
    return text


def disagreements(points: Sequence[GuidelinePoint], decision: Decision) -> tuple[Disagreement, ...]:
    """Compare the recommended option with every point that probably applies.

    A point is compared only when all its conditions are known and it is more likely than not.
    A general point (high risk: imatinib) gives way to a particular one that speaks against the
    same option (D842V: no imatinib).
    """
    chosen = decision.option(decision.recommended)
    offered = {option.name: option for option in decision.options}
    found = []
    binding = [p for p in points if not p.needs and p.probability >= 0.5 and p.options]
    words = {name[1:] for p in binding for name in p.options if name.startswith("!")}
    opposed = {name for name in offered if any(word in name for word in words)}
    for point in binding:
        against = [name[1:] for name in point.options if name.startswith("!")]
        favours = [n for n in point.options if n in offered and n not in opposed]
        where = f"{point.source}{f' [{point.strength}]' if point.strength else ''}"
        if any(word in chosen.name for word in against):
            text = (
                f"The model recommends {lower_first(chosen.label)}; {where} speaks against it: "
                f"{point.recommendation} ({point.applies})."
            )
        elif favours and chosen.name not in favours:
            best = max(favours, key=lambda name: offered[name].expected_utility)
            gap = chosen.expected_utility - offered[best].expected_utility
            text = (
                f"The model recommends {lower_first(chosen.label)}, {gap:.2f} {decision.unit} "
                f"before {lower_first(offered[best].label)}; {where}: {point.recommendation} "
                f"({point.applies})."
            )
        else:
            continue
        found.append(Disagreement(point.guideline_id, point.probability, text))
    return tuple(found)


def raised_alerts(records: Sequence[Record], facts: Facts) -> tuple[Alert, ...]:
    """Return the pitfalls that the case shows: every condition known, and likely enough."""
    rank = {"important": 0, "warning": 1, "note": 2}
    alerts = []
    for record in records:
        truth = facts.evaluate(record.text("condition"))
        if truth.open_atoms or truth.probability < 0.1:
            continue
        alerts.append(
            Alert(
                record.text("alert_id"), record.text("severity"), record.text("message"),
                truth.probability, _applies(truth), record.text("source"),
                record.text("source_id"), record.text("trust"),
            )
        )  # fmt: skip
    alerts.sort(key=lambda alert: (rank.get(alert.severity, 3), -alert.probability))
    return tuple(alerts)
