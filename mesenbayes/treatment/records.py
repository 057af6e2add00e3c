"""Reading the tables of a treatment folder: every number with its source.

A treatment folder holds CSV tables. All problems of all tables are collected and raised
at once as ``file:line column: reason``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesenbayes.errors import EvidenceError, NetworkError
from mesenbayes.treatment.result import Result

TRUSTS = ("primary", "secondary", "tertiary", "derived", "definition", "assumption")
Trust = Literal["primary", "secondary", "tertiary", "derived", "definition", "assumption"]
"""Who says so: the study's own text; a review or digest; a web page; computed from printed
numbers; true by definition; or nobody, and the row gives the reason."""


@dataclass(frozen=True)
class Record(Result):
    """One row of a table: where it stands and its cells as text."""

    file: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell as text ('' if empty)."""
        return self.cells.get(column, "")

    def number(self, column: str, default: float | None = None) -> float | None:
        """Return a cell as a number, or `default` if it is empty."""
        cell = self.cells.get(column, "")
        return default if cell == "" else float(cell)

    def options(self, column: str) -> tuple[str, ...]:
        """Return a cell as alternatives (``a|b``); empty means any."""
        return tuple(part for part in self.text(column).split("|") if part)


def read_table(
    path: Path, required: Sequence[str], numeric: Sequence[str] = ()
) -> tuple[Record, ...]:
    """Read a CSV table.

    Parameters
    ----------
    path
        The file.
    required
        Columns that must exist.
    numeric
        Columns whose cells are numbers or empty.

    Raises
    ------
    NetworkError
        If the file is missing or lacks a column.
    EvidenceError
        With one line for every cell that is wrong.
    """
    if not path.is_file():
        raise NetworkError(f"{path.parent}: no {path.name} in this treatment folder")
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        columns = reader.fieldnames or []
        missing = [column for column in required if column not in columns]
        if missing:
            raise NetworkError(f"{path}: no column {', '.join(missing)}")
        records = tuple(
            Record(path.name, line, {key: (cell or "").strip() for key, cell in row.items() if key})
            for line, row in enumerate(reader, start=2)
        )
    problems = []
    for record in records:
        for column in numeric:
            cell = record.text(column)
            try:
                float(cell or 0)
            except ValueError:
                problems.append(f"{path}:{record.line} {column}: '{cell}' is not a number")
        trust = record.text("trust")
        if "trust" in columns:
            if trust not in TRUSTS:
                problems.append(f"{path}:{record.line} trust: '{trust}' is not one of {TRUSTS}")
            elif trust == "assumption" and not record.text("note"):
                problems.append(f"{path}:{record.line} note: an assumption gives its reason")
            elif trust not in ("assumption", "definition") and not record.text("source_id"):
                problems.append(f"{path}:{record.line} source_id: empty, and not an assumption")
    if problems:
        raise EvidenceError(problems)
    return records
