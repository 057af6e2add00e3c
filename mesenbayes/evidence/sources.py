"""Which sources stand behind a network, what each says, and rows drawn for checking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import EvidenceError, did_you_mean, nearest
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.evidence.records import AgeSummary, Count, Incidence, JointPattern, Source

if TYPE_CHECKING:
    import pandas as pd

AnyRow = Count | JointPattern | AgeSummary | Incidence


@dataclass(frozen=True)
class EvidenceLine:
    """One row of a table, ready to be held against its source.

    Parameters
    ----------
    where
        ``file:line``.
    statement
        The row in words.
    exclude
        Why the row is not pooled; empty if it is.
    """

    where: str
    statement: str
    quote: str
    trust: str
    exclude: str
    source_id: str
    citation: str
    url: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class SourceUse:
    """What one source contributes.

    Parameters
    ----------
    rows, pooled
        Rows of all tables, and those that may enter an estimate.
    cells
        Cells (tumour, finding) that its pooled rows speak of.
    """

    source: Source
    rows: int
    pooled: int
    cells: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return {
            "source_id": self.source.source_id,
            "rows": self.rows,
            "pooled": self.pooled,
            "cells": self.cells,
            "citation": self.source.citation(),
            "url": self.source.url,
        }


@dataclass(frozen=True)
class Sources:
    """All sources of an evidence base, those with most rows first."""

    uses: tuple[SourceUse, ...]

    def __len__(self) -> int:
        return len(self.uses)

    def __iter__(self) -> Iterator[SourceUse]:
        return iter(self.uses)

    @property
    def sentence(self) -> str:
        """The sources in one line."""
        speaking = sum(use.pooled > 0 for use in self.uses)
        rows = sum(use.rows for use in self.uses)
        pooled = sum(use.pooled for use in self.uses)
        return (
            f"{len(self.uses)} sources with {rows} rows; {pooled} rows of {speaking} sources "
            "are pooled"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line a source, indexed by its id."""
        import pandas as pd

        columns = ["source_id", "rows", "pooled", "cells", "citation", "url"]
        frame = pd.DataFrame([use.to_dict() for use in self.uses], columns=columns)
        return frame.set_index("source_id")

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.to_frame().to_html(max_rows=20)}"


def sources_of(base: EvidenceBase) -> Sources:
    """Return every source with what it contributes; sources without a row come last."""
    rows: dict[str, list[AnyRow]] = {source_id: [] for source_id in base.sources}
    for row in _every_row(base):
        rows.setdefault(row.source_id, []).append(row)
    uses = [
        SourceUse(
            base.sources.get(source_id, Source(source_id=source_id)),
            len(members),
            sum(row.is_pooled for row in members),
            len({_cell(row) for row in members if row.is_pooled}),
        )
        for source_id, members in rows.items()
    ]
    return Sources(tuple(sorted(uses, key=lambda u: (-u.rows, u.source.source_id))))


def rows_of_source(base: EvidenceBase, source_id: str) -> tuple[EvidenceLine, ...]:
    """Return every row of one source; its id may be written in any case.

    Raises
    ------
    EvidenceError
        If there is no such source; names the nearest.
    """
    known = {name.lower(): name for name in base.sources}
    found = known.get(source_id.lower())
    if found is None:
        hint = did_you_mean(nearest(source_id, base.sources)) if base.sources else ""
        if hint.startswith(" ("):
            hint = " (`mesenbayes evidence sources` lists them all)"
        raise EvidenceError([f"unknown source '{source_id}'{hint}"])
    return tuple(_line(base, row) for row in _every_row(base) if row.source_id == found)


def sample_rows(
    base: EvidenceBase, n: int, rng: np.random.Generator | int | None = None
) -> tuple[EvidenceLine, ...]:
    """Draw `n` different rows of all tables at random, in file order.

    Raises
    ------
    EvidenceError
        If `n` is negative.
    """
    if n < 0:
        raise EvidenceError([f"cannot draw {n} rows"])
    rows = list(_every_row(base))
    drawn = np.random.default_rng(rng).choice(len(rows), min(n, len(rows)), replace=False)
    return tuple(_line(base, rows[i]) for i in sorted(drawn))


def lines_to_frame(lines: Sequence[EvidenceLine]) -> pd.DataFrame:
    """Return rows as a frame, one line each."""
    import pandas as pd

    return pd.DataFrame([line.to_dict() for line in lines])


def _every_row(base: EvidenceBase) -> Iterator[AnyRow]:
    yield from base.counts
    yield from base.joint_patterns
    yield from base.age_summaries
    yield from base.incidence


def _cell(row: AnyRow) -> tuple[str, str]:
    match row:
        case Count():
            # A series of lesions of one site has no tumour; the diagnosis is what it counts.
            return (row.tumour, row.finding) if row.tumour else (row.state, "tumour")
        case JointPattern():
            return row.tumour, ", ".join(name for name, _ in row.findings)
        case AgeSummary():
            return row.tumour, "age"
        case Incidence():
            return row.tumour, "incidence"


def _line(base: EvidenceBase, row: AnyRow) -> EvidenceLine:
    source = base.sources.get(row.source_id, Source(source_id=row.source_id))
    return EvidenceLine(
        base.location(row),
        _statement(row),
        row.quote,
        row.trust,
        row.exclude,
        row.source_id,
        source.citation(),
        source.url,
    )


def _statement(row: AnyRow) -> str:
    match row:
        case Count():
            who = row.tumour or "all lesions"
            words = f"{who}: {row.finding} = {row.state} in {row.k} of {row.n}"
        case JointPattern():
            words = f"{row.tumour}: {row.pattern} in {row.k} of {row.n}"
        case AgeSummary():
            spread = "" if row.sd is None else f" (SD {row.sd:g})"
            words = f"{row.tumour}: {row.statistic} age {row.years:g} years{spread}, n = {row.n}"
        case Incidence():
            words = f"{row.tumour}: {row.per_million_per_year:g} per million and year"
    details = [
        f"given {given}" if (given := getattr(row, "given", "")) else "",
        str(getattr(row, "subgroup", "") or getattr(row, "population", "")),
    ]
    shown = "; ".join(detail for detail in details if detail)
    return f"{words} [{shown}]" if shown else words
