"""Reads a cohort in chunks: CSV, TSV, JSON lines, Parquet. Memory holds one chunk.

A chunk is the same rows every time the file is read, whatever happened before: that is what
makes a run resumable and the same on one machine and on many.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesenbayes.errors import CaseError

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
           ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip
_EDGE = 1 << 20
_LINES_LOOKED_AT = 1000


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a file.

    Parameters
    ----------
    number
        Position of the chunk in the file.
    first_row
        Number of rows before it; rows count from 1 in every message.
    n_rows
        Rows in it, broken ones included.
    columns
        Column -> values, for a table; every row of the chunk that could be read.
    objects
        The same for JSON lines: one mapping a row.
    rows
        Number of each row that could be read.
    broken
        Row -> why it could not be read.
    refused
        Row -> why it is not wanted although it can be read (an id that stood before).
    """

    number: int
    first_row: int
    n_rows: int
    rows: list[int]
    columns: dict[str, Any] = field(default_factory=dict)
    objects: list[dict[str, Any]] | None = None
    broken: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A file of cases."""

    path: Path
    format: str
    header: tuple[str, ...]
    delimiter: str = ","
    n_rows: int | None = None

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in chunks of `size`.

        Raises
        ------
        CaseError
            If the file turns out to be broken at some row.
        """
        if self.format == "csv":
            return _csv_chunks(self, size)
        if self.format == "jsonl":
            return _jsonl_chunks(self, size)
        return _parquet_chunks(self, size)

    def fingerprint(self) -> str:
        """Return a hash of size and both ends of the file: enough to see that it changed."""
        length = self.path.stat().st_size
        digest = hashlib.sha256(str(length).encode())
        with self.path.open("rb") as file:
            digest.update(file.read(_EDGE))
            file.seek(max(length - _EDGE, 0))
            digest.update(file.read(_EDGE))
        return digest.hexdigest()[:16]


def open_source(path: str | os.PathLike[str]) -> Source:
    """Look at a file of cases: its format, its columns, its rows where it says how many.

    Raises
    ------
    CaseError
        If there is no such file, the ending is unknown, or the file is broken or cut short.
    """
    file = Path(path)
    if not file.is_file():
        raise CaseError(f"{file}: there is no such file")
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise CaseError(f"{file}: a cohort ends in {', '.join(FORMATS)}")
    if kind == "parquet":
        opened = _parquet(file)
        return Source(file, kind, tuple(opened.schema_arrow.names),
                      n_rows=opened.metadata.num_rows)  # fmt: skip
    if kind == "jsonl":
        return Source(file, kind, _keys(file))
    with file.open("rb") as lines:
        first = lines.readline().decode("utf-8-sig", "replace")
    if not first.strip():
        raise CaseError(f"{file}: the file is empty")
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    header = tuple(name.strip() for name in next(csv.reader([first], delimiter=delimiter)))
    return Source(file, kind, header, delimiter)


# ---------------------------------------------------------------------------------- CSV


def _lines(file: Any) -> Iterator[str]:
    """Decode line by line; a byte that is not UTF-8 spoils its own row and no other."""
    first = True
    for raw in file:
        if first:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
            first = False
        yield raw.decode("utf-8", "backslashreplace")


def _csv_chunks(source: Source, size: int) -> Iterator[Chunk]:
    width = len(source.header)
    with source.path.open("rb") as file:
        reader = csv.reader(_lines(file), delimiter=source.delimiter)
        next(reader)
        number = row = 0
        while True:
            first = row
            rows: list[int] = []
            cells: list[list[str]] = []
            broken: dict[int, str] = {}
            while row - first < size:
                try:
                    fields = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    row += 1
                    broken[row] = f"not a row of a table: {error}"
                    continue
                if not fields:
                    continue  # an empty line is no row
                row += 1
                if len(fields) != width:
                    broken[row] = f"{len(fields)} fields, the header has {width}"
                    continue
                rows.append(row)
                cells.append(fields)
            if row == first:
                return
            columns = dict(zip(source.header, _transposed(cells, width), strict=True))
            yield Chunk(number, first, row - first, rows, columns, broken=broken)
            number += 1


def _transposed(cells: list[list[str]], width: int) -> list[Any]:
    import numpy as np

    if not cells:
        return [np.empty(0, dtype=object) for _ in range(width)]
    columns = []
    for values in zip(*cells, strict=True):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        columns.append(column)
    return columns


# ---------------------------------------------------------------------------------- JSON lines


def _keys(file: Path) -> tuple[str, ...]:
    """Return the keys of the first lines, in the order of their appearance."""
    keys: dict[str, None] = {}
    with file.open("rb") as lines:
        for line, _ in zip(_lines(lines), range(_LINES_LOOKED_AT), strict=False):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                keys.update(dict.fromkeys(value))
    return tuple(keys)


def _jsonl_chunks(source: Source, size: int) -> Iterator[Chunk]:
    with source.path.open("rb") as file:
        number = row = first = 0
        rows: list[int] = []
        objects: list[dict[str, Any]] = []
        broken: dict[int, str] = {}
        for line in _lines(file):
            if not line.strip():
                continue
            row += 1
            try:
                value = json.loads(line)
                if not isinstance(value, dict):
                    raise ValueError("a case is an object")
                rows.append(row)
                objects.append(value)
            except json.JSONDecodeError as error:
                broken[row] = f"not JSON at column {error.colno}: {error.msg}"
            except (ValueError, RecursionError) as error:
                broken[row] = str(error)
            if row - first == size:
                yield Chunk(number, first, size, rows, objects=objects, broken=broken)
                number, first = number + 1, row
                rows, objects, broken = [], [], {}
        if row > first:
            yield Chunk(number, first, row - first, rows, objects=objects, broken=broken)


# ---------------------------------------------------------------------------------- Parquet


def _parquet(file: Path) -> Any:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise CaseError(
            f"{file}: Parquet files need pyarrow; install mesenbayes[cohort]"
        ) from None
    try:
        return parquet.ParquetFile(file)
    except (arrow.ArrowInvalid, OSError) as error:
        raise CaseError(
            f"{file}: not a Parquet file, or cut short ({str(error).splitlines()[0]})"
        ) from None


def _parquet_chunks(source: Source, size: int) -> Iterator[Chunk]:
    import pyarrow as arrow

    opened = _parquet(source.path)
    number = row = 0
    batches = opened.iter_batches(batch_size=size)
    while True:
        try:
            batch = next(batches, None)
        except (arrow.ArrowInvalid, OSError) as error:
            raise CaseError(
                f"{source.path}: broken after row {row} ({str(error).splitlines()[0]})"
            ) from None
        if batch is None:
            return
        n = batch.num_rows
        if n == 0:
            continue
        frame = batch.to_pandas()
        columns = {name: frame[name].array for name in frame.columns}
        yield Chunk(number, row, n, list(range(row + 1, row + n + 1)), columns)
        number, row = number + 1, row + n


def read_frame_file(path: str | os.PathLike[str]) -> Any:
    """Read a whole file of cases into a DataFrame, for studies that need all of it at once.

    Raises
    ------
    CaseError
        If the file or one of its rows is broken, or its lines are nested.
    """
    import pandas as pd

    source = open_source(path)
    frames = []
    for chunk in source.chunks(100_000):
        if chunk.broken:
            row, reason = next(iter(chunk.broken.items()))
            raise CaseError(f"{source.path}: row {row}: {reason}")
        frames.append(
            pd.DataFrame(chunk.columns if chunk.objects is None else chunk.objects,
                         index=pd.Index(chunk.rows, name="row"))
        )  # fmt: skip
    if not frames:
        raise CaseError(f"{source.path}: the file has no cases")
    return pd.concat(frames)
