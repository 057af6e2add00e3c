"""Reads an evidence folder into one immutable object, or says everything that is wrong."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from mesenbayes.errors import EvidenceError
from mesenbayes.evidence.records import AgeSummary, Count, Incidence, JointPattern, Source

Record = TypeVar("Record", bound=BaseModel)

COUNTS, JOINT, AGES, INCIDENCE, SOURCES = (
    "counts",
    "joint_patterns",
    "age_summaries",
    "incidence",
    "sources",
)
"""Folder or file names inside an evidence folder. ``counts`` is a folder of CSV files that
share one header, so that a contributor's table stays one file; the others are one file."""


@dataclass(frozen=True)
class Located:
    """Where a row stands, for error messages and links."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, eq=False)
class EvidenceBase:
    """All facts of one folder.

    Parameters
    ----------
    counts, joint_patterns, age_summaries, incidence
        Rows in file order.
    sources
        By source id.
    where
        Row -> file and line.
    digest
        Hash of the bytes read.
    """

    counts: tuple[Count, ...]
    joint_patterns: tuple[JointPattern, ...]
    age_summaries: tuple[AgeSummary, ...]
    incidence: tuple[Incidence, ...]
    sources: dict[str, Source]
    where: dict[int, Located] = field(repr=False, default_factory=dict)
    digest: str = ""

    @cached_property
    def by_cell(self) -> dict[tuple[str, str], tuple[Count, ...]]:
        """Rows by (tumour, finding), pooled or not."""
        cells: dict[tuple[str, str], list[Count]] = {}
        for row in self.counts:
            cells.setdefault((row.tumour, row.finding), []).append(row)
        return {cell: tuple(rows) for cell, rows in cells.items()}

    def location(self, row: BaseModel) -> str:
        """Return ``file:line`` of a row."""
        return str(self.where.get(id(row), "(not from a file)"))

    def without_source(self, source_id: str) -> EvidenceBase:
        """Return the base as if one source had never been read."""

        def kept(rows: tuple[Record, ...]) -> tuple[Record, ...]:
            return tuple(row for row in rows if getattr(row, "source_id", "") != source_id)

        return EvidenceBase(
            kept(self.counts),
            kept(self.joint_patterns),
            kept(self.age_summaries),
            kept(self.incidence),
            self.sources,
            self.where,
            hashlib.sha256(f"{self.digest}-{source_id}".encode()).hexdigest()[:16],
        )


def read_evidence(folder: Path) -> EvidenceBase:
    """Read every table of an evidence folder.

    Raises
    ------
    EvidenceError
        With one line ``file:line column: reason`` for every broken row of every file.
    """
    problems: list[str] = []
    where: dict[int, Located] = {}
    hasher = hashlib.sha256()
    if not folder.is_dir():
        raise EvidenceError([f"{folder}: there is no such evidence folder"])

    def table(path: Path, record: type[Record]) -> list[Record]:
        rows = []
        name = str(path.relative_to(folder.parent))
        for line, parsed in _read_csv(path, record, problems, hasher):
            where[id(parsed)] = Located(name, line)
            rows.append(parsed)
        return rows

    counts: list[Count] = []
    for path in sorted((folder / COUNTS).glob("*.csv")):
        counts += table(path, Count)
    base = EvidenceBase(
        counts=tuple(counts),
        joint_patterns=tuple(table(folder / f"{JOINT}.csv", JointPattern)),
        age_summaries=tuple(table(folder / f"{AGES}.csv", AgeSummary)),
        incidence=tuple(table(folder / f"{INCIDENCE}.csv", Incidence)),
        sources={row.source_id: row for row in table(folder / f"{SOURCES}.csv", Source)},
        where=where,
        digest=hasher.hexdigest()[:16],
    )
    if problems:
        raise EvidenceError(problems)
    return base


def _read_csv(
    path: Path, record: type[Record], problems: list[str], hasher: hashlib._Hash
) -> Iterator[tuple[int, Record]]:
    """Yield (line, record) of a CSV file; a missing file is an empty table."""
    if not path.exists():
        return
    raw = path.read_bytes()
    hasher.update(path.name.encode() + raw)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(f"{path.name}:1 is not UTF-8 text (byte {error.start})")
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    known = set(record.model_fields)
    strange = [name for name in reader.fieldnames or () if name not in known]
    if strange:
        problems.append(
            f"{path.name}:1 column {strange[0]}: not a column of this table; "
            f"it has {', '.join(record.model_fields)}"
        )
        return
    try:
        for cells in reader:
            line = reader.line_num
            if None in cells:
                problems.append(f"{path.name}:{line} has more cells than the header")
                continue
            given = {name: value for name, value in cells.items() if value is not None}
            try:
                yield line, record.model_validate(given)
            except ValidationError as error:
                for item in error.errors():
                    column = item["loc"][0] if item["loc"] else "row"
                    reason = item["msg"].removeprefix("Value error, ")
                    shown = "" if item["loc"] == () else f" (found '{item['input']}')"
                    problems.append(f"{path.name}:{line} column {column}: {reason}{shown}")
    except csv.Error as error:
        problems.append(f"{path.name}:{reader.line_num} is not a CSV table: {error}")
