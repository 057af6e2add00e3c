"""Checks that look across rows: what a single row cannot know of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mesenbayes.errors import did_you_mean, nearest
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.evidence.records import Count, parse_conditions, quote_has_numbers

PANEL = "PANEL"
"""Code of a pooled control group: several types that the authors did not split."""


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Parameters
    ----------
    problems
        Rows that must be mended, ``file:line column: reason``.
    remarks
        Rows that deserve a look.
    """

    rows: int
    sources: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The outcome in one line."""
        return (
            f"{self.rows} rows from {self.sources} sources: {len(self.problems)} problems, "
            f"{len(self.remarks)} remarks"
        )


def check_evidence(
    base: EvidenceBase,
    tumours: Collection[str],
    states: Mapping[str, Collection[str]],
) -> CheckReport:
    """Check every row of an evidence base.

    Parameters
    ----------
    tumours
        Codes that a row may name.
    states
        Finding -> its states, for the findings that the network models.
    """
    problems: list[str] = []
    remarks: list[str] = []
    seen: dict[tuple[object, ...], str] = {}
    for row in base.counts:
        where = base.location(row)
        known = {*tumours, PANEL, ""}
        if row.tumour not in known:
            hint = did_you_mean(nearest(row.tumour, known))
            problems.append(f"{where} column tumour: unknown code '{row.tumour}'{hint}")
        if row.source_id not in base.sources:
            hint = did_you_mean(nearest(row.source_id, base.sources))
            problems.append(f"{where} column source_id: unknown source '{row.source_id}'{hint}")
        allowed = states.get(row.finding)
        if allowed is not None and row.state not in allowed and row.tumour:
            problems.append(
                f"{where} column state: {row.finding} cannot be '{row.state}'; it can be "
                f"{', '.join(allowed)}"
            )
        try:
            parse_conditions(row.given)
        except ValueError as error:
            problems.append(f"{where} column given: {error}")
        key = (row.tumour, row.finding, row.state, row.k, row.n, row.given, row.subgroup,
               row.source_id)  # fmt: skip
        if key in seen:
            problems.append(f"{where} is the same row as {seen[key]}")
        seen.setdefault(key, where)
        if row.is_pooled and row.trust == "primary" and not quote_has_numbers(row):
            remarks.append(f"{where} column quote: holds neither k = {row.k} nor n = {row.n}")
    problems += _overlaps(base)
    remarks += _one_paper_twice(base)
    for kind in (base.joint_patterns, base.age_summaries, base.incidence):
        for other in kind:
            if other.source_id not in base.sources:
                problems.append(
                    f"{base.location(other)} column source_id: unknown source '{other.source_id}'"
                )
    rows = len(base.counts) + len(base.joint_patterns) + len(base.age_summaries)
    rows += len(base.incidence)
    return CheckReport(rows, len(base.sources), tuple(problems), tuple(remarks))


def _overlaps(base: EvidenceBase) -> list[str]:
    """One paper twice in one cell: the same source, population and state with other numbers."""
    groups: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], Count] = {}
    problems = []
    for row in base.counts:
        if not row.is_pooled:
            continue
        key = (row.tumour, row.finding, row.state, row.given, row.subgroup, row.source_id)
        groups[key] += 1
        if groups[key] == 2 and not row.overlap:
            problems.append(
                f"{base.location(row)}: {row.source_id} speaks twice of {row.finding}="
                f"{row.state} in {row.tumour or 'all'} ({row.subgroup}); see "
                f"{base.location(first[key])}; exclude one or name an overlap group"
            )
        first.setdefault(key, row)
    return problems


def _one_paper_twice(base: EvidenceBase) -> list[str]:
    """Two sources with the same identifier or address: their cases would count twice."""
    remarks = []
    first: dict[str, str] = {}
    for source in base.sources.values():
        addresses = {source.identifier.lower(), source.url.lower().rstrip("/")}
        for key in sorted(a for a in addresses if any(c.isdigit() for c in a)):
            if first.setdefault(key, source.source_id) != source.source_id:
                remarks.append(
                    f"sources {first[key]} and {source.source_id} have one address ({key}): the "
                    "same paper?"
                )
    return remarks
