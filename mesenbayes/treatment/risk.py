"""Risk classes and stages from the published tables, chosen by name.

Every scheme is rows of one table: a box in site, size, mitoses, rupture, nodes, metastasis
and grade, with the class and, where printed, the proportion that progressed. A value that
is not known spreads over the boxes that remain possible.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.treatment.belief import TreatmentBelief
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result
from mesenbayes.treatment.values import Interval, intervals, states

DEFAULT_SCHEME = "AFIP_Miettinen2006"
NOT_DETERMINED = "not determined"
CLASS_ORDER = (
    "None", "Very low", "Low", "Intermediate", "Moderate", "High", "Insufficient data",
    "I", "IA", "IB", "II", "IIIA", "IIIB", "IV",
    "Grade 1", "Grade 2", "Grade 3",
)  # fmt: skip
_CATEGORIES = {
    "rupture": "rupture",
    "nodes": "nodal_metastasis",
    "metastasis": "metastasis",
    "grade": "grade",
}


@dataclass(frozen=True)
class RiskCell(Result):
    """One cell of a printed table, as it applies to the case."""

    site: str
    size_over: float
    size_up_to: float
    mitoses_over: float
    mitoses_up_to: float
    risk_class: str
    percent: float | None
    probability: float
    source_id: str
    trust: str
    note: str = ""


@dataclass(frozen=True)
class RiskResult(Result):
    """Risk class of the case under one scheme.

    Parameters
    ----------
    scheme
        Name of the table.
    classes
        Class -> probability, given that the scheme applies to the tumour.
    risk_class
        The most probable class; ``not determined`` if none reaches one half.
    progression
        Expected proportion that progresses without adjuvant treatment; None if the scheme
        prints none.
    progression_range
        Smallest and largest proportion among the cells that remain possible.
    applies_to_probability
        Probability that the tumour is of the kind the scheme is made for.
    cells
        The cells that remain possible, with their probabilities.
    unknown
        What would have to be known to leave one cell.
    assumptions
        Sentences about what was assumed.
    """

    scheme: str
    classes: Mapping[str, float]
    risk_class: str
    progression: float | None
    progression_range: tuple[float, float] | None
    applies_to_probability: float
    cells: tuple[RiskCell, ...]
    unknown: tuple[str, ...]
    assumptions: tuple[str, ...]
    sentence: str

    def rows(self) -> list[dict[str, object]]:
        """One row per possible cell."""
        return [cell.to_dict() for cell in self.cells]


@dataclass(frozen=True)
class RiskTables:
    """The printed tables, the column each site uses, and the cells filled by assumption."""

    cells: tuple[Record, ...]
    sites: tuple[Record, ...]
    fills: tuple[Record, ...]

    @property
    def schemes(self) -> tuple[str, ...]:
        """Names of the schemes."""
        return tuple(dict.fromkeys(record.text("scheme") for record in self.cells))

    def assess(self, belief: TreatmentBelief, scheme: str = DEFAULT_SCHEME) -> RiskResult:
        """Return the risk class of a case under a scheme.

        Raises
        ------
        CaseError
            If the scheme does not exist, or no cell of it fits the case.
        """
        table = [record for record in self.cells if record.text("scheme") == scheme]
        if not table:
            raise CaseError(
                f"unknown risk scheme '{scheme}'{did_you_mean(nearest(scheme, self.schemes))}; "
                f"there are {', '.join(self.schemes)}"
            )
        columns, notes = self._columns(belief, scheme, table)
        found: dict[tuple[int, str], float] = {}
        unknown: set[str] = set()
        for (column, p_site), size, mitoses, facts in itertools.product(
            columns.items(),
            _measure(belief, "size_cm", _bands(table, "size")),
            _measure(belief, "mitoses_per_5mm2", _bands(table, "mitoses")),
            _facts(belief, table),
        ):
            weight = p_site * size.probability * mitoses.probability * facts[1]
            matches = [
                index
                for index, record in enumerate(table)
                if _fits(record, column, size, mitoses, facts[0])
            ]
            if weight <= 0 or not matches:
                continue
            matches = _strictest(table, matches)
            for index in matches:
                key = (index, column)
                found[key] = found.get(key, 0.0) + weight / len(matches)
        for name in ("site", "size_cm", "mitoses_per_5mm2"):
            used = any(record.text(_column(name)) for record in table)
            if used and name not in belief.findings:
                unknown.add(name)
        total = math.fsum(found.values())
        if total <= 0:
            raise CaseError(
                f"{scheme} has no cell for this case (site {belief.state('site', 'not stated')})"
            )
        if unknown:
            notes.append(
                f"{', '.join(sorted(unknown))} not stated: every band counts alike (assumption)"
            )
        cells = tuple(
            self._cell(table[index], column, p / total, notes)
            for (index, column), p in sorted(found.items())
        )
        return _summary(scheme, cells, belief, tuple(sorted(unknown)), tuple(dict.fromkeys(notes)))

    def _columns(
        self, belief: TreatmentBelief, scheme: str, table: Sequence[Record]
    ) -> tuple[dict[str, float], list[str]]:
        """Return column of the table -> probability, and what was assumed about sites."""
        printed = list(dict.fromkeys(s for record in table for s in record.options("site")))
        if not printed:
            return {"": 1.0}, []
        rules = {r.text("site"): r for r in self.sites if r.text("scheme") == scheme}
        if "site" not in belief.findings:
            known = {site: 1 / len(printed) for site in printed}
        else:
            known = states(belief.findings["site"])
        columns: dict[str, float] = {}
        notes = []
        for site, p in known.items():
            rule = rules.get(site)
            column = rule.text("column") if rule else site
            if rule and rule.text("trust") == "assumption" and p > 0:
                notes.append(rule.text("note"))
            anywhere = any(not record.options("site") for record in table)
            if column in printed or anywhere:
                columns[column] = columns.get(column, 0.0) + p
        return columns, notes

    def _cell(self, record: Record, column: str, probability: float, notes: list[str]) -> RiskCell:
        percent, source, trust = record.number("percent"), record.text("source_id"), "trust"
        trust, note = record.text("trust"), record.text("note")
        if percent is None:
            for fill in self.fills:
                if _same_box(fill, record) and fill.text("site") == column:
                    percent = fill.number("percent")
                    trust, note = "assumption", fill.text("note")
                    notes.append(note)
        size, mitoses = _box(record, "size"), _box(record, "mitoses")
        return RiskCell(
            column, *size, *mitoses, record.text("class"), percent, probability, source, trust, note
        )


def _column(name: str) -> str:
    return {"size_cm": "size_up_to", "mitoses_per_5mm2": "mitoses_over"}.get(name, name)


def _box(record: Record, measure: str) -> tuple[float, float]:
    over = record.number(f"{measure}_over", 0.0)
    up_to = record.number(f"{measure}_up_to", math.inf)
    assert over is not None
    assert up_to is not None
    return over, up_to


def _bands(table: Sequence[Record], measure: str) -> list[tuple[float, float]]:
    """Return the finest bands into which the scheme cuts a measure."""
    edges = {0.0, math.inf}
    for record in table:
        edges.update(_box(record, measure))
    ordered = sorted(edges)
    return list(itertools.pairwise(ordered))


def _measure(
    belief: TreatmentBelief, name: str, bands: Sequence[tuple[float, float]]
) -> list[Interval]:
    if name not in belief.findings:
        return [Interval(1 / len(bands), *band) for band in bands]
    parts = []
    for part in intervals(name, belief.findings[name]):
        if part.over == part.up_to:
            # 0 mitoses belong to the lowest band, whose lower end is open
            value = part.over if part.over > 0 else bands[0][1] / 2
            parts.append(Interval(part.probability, value, value))
            continue
        inside = [b for b in bands if part.overlaps(*b)]
        for over, up_to in inside:
            low, high = max(over, part.over), min(up_to, part.up_to)
            parts.append(Interval(part.probability / len(inside), low, high))
    return parts


def _facts(
    belief: TreatmentBelief, table: Sequence[Record]
) -> Iterator[tuple[dict[str, str], float]]:
    """Yield the combinations of rupture, nodes, metastasis and grade with probabilities."""
    names = [name for name in _CATEGORIES if any(record.text(name) for record in table)]
    choices = []
    for name in names:
        variable = _CATEGORIES[name]
        if variable in belief.findings:
            choices.append(list(states(belief.findings[variable]).items()))
        elif name == "grade":
            choices.append([(f"grade_{g}", 1 / 3) for g in (1, 2, 3)])
        else:
            choices.append([("absent", 1.0)])
    for combination in itertools.product(*choices):
        yield (
            dict(zip(names, (state for state, _ in combination), strict=True)),
            math.prod(p for _, p in combination),
        )


def _fits(
    record: Record, column: str, size: Interval, mitoses: Interval, facts: Mapping[str, str]
) -> bool:
    sites = record.options("site")
    return (
        (not sites or column in sites)
        and size.overlaps(*_box(record, "size"))
        and mitoses.overlaps(*_box(record, "mitoses"))
        and all(not record.text(name) or facts[name] in record.options(name) for name in facts)
    )


def _strictest(table: Sequence[Record], matches: Sequence[int]) -> list[int]:
    """Where printed rules overlap ("any size, > 10 mitoses"), the highest class holds."""
    if len(matches) == 1:
        return list(matches)
    rank = {name: position for position, name in enumerate(CLASS_ORDER)}
    best = max(matches, key=lambda index: rank.get(table[index].text("class"), -1))
    return [best]


def _same_box(fill: Record, record: Record) -> bool:
    return (
        fill.text("scheme") == record.text("scheme")
        and _box(fill, "size") == _box(record, "size")
        and _box(fill, "mitoses") == _box(record, "mitoses")
    )


def _summary(
    scheme: str,
    cells: tuple[RiskCell, ...],
    belief: TreatmentBelief,
    unknown: tuple[str, ...],
    notes: tuple[str, ...],
) -> RiskResult:
    classes: dict[str, float] = {}
    for cell in cells:
        classes[cell.risk_class] = classes.get(cell.risk_class, 0.0) + cell.probability
    classes = {name: classes[name] for name in sorted(classes, key=_rank)}
    percents = [(cell.percent, cell.probability) for cell in cells if cell.percent is not None]
    weight = math.fsum(p for _, p in percents)
    progression = math.fsum(q * p for q, p in percents) / weight if weight > 0 else None
    span = (min(q for q, _ in percents), max(q for q, _ in percents)) if percents else None
    best = max(classes, key=classes.__getitem__)
    if classes[best] < 0.5:
        best = NOT_DETERMINED
    applies = 1.0 if scheme.endswith("STS") else belief.tumour.get("GIST", 0.0)
    spread = ", ".join(f"{name} {p:.0%}" for name, p in classes.items() if p >= 0.005)
    sentence = f"{scheme}: {best}" + (f" ({spread})" if len(classes) > 1 else "")
    if unknown:
        sentence += f"; not stated: {', '.join(unknown)}"
    if progression is not None and span is not None:
        sentence += f"; {progression:.1%} progress without adjuvant treatment"
        if span[0] != span[1]:
            sentence += f" (between {span[0]:.1%} and {span[1]:.1%})"
    if belief.is_advanced and not scheme.startswith("AJCC"):
        sentence += "; made for localised disease, and metastases are present"
    if applies < 0.9995:
        sentence += f"; applies if GIST, {applies:.2f}"
    return RiskResult(
        scheme, classes, best, progression, span, applies, cells, unknown, notes, sentence + "."
    )


def _rank(name: str) -> int:
    return CLASS_ORDER.index(name) if name in CLASS_ORDER else len(CLASS_ORDER)
