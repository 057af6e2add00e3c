"""Writes results in parts and joins the parts: CSV, JSON lines or Parquet.

A part is bytes that depend on its cases alone, so that it is the same on whatever machine it
was made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesenbayes.cohort.source import FORMATS
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    import pandas as pd


def sink_format(path: Path) -> str:
    """Return the format of a results file by its ending.

    Raises
    ------
    CaseError
        If the ending is unknown, or pyarrow is needed and missing.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise CaseError(f"{path}: results end in {', '.join(FORMATS)}")
    if kind == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise CaseError(
                f"{path}: Parquet files need pyarrow; install mesenbayes[cohort]"
            ) from None
    return kind


def part_bytes(frame: pd.DataFrame, kind: str) -> bytes:
    """Return one part of the results."""
    if kind == "csv":
        return frame.to_csv(index=False, header=False, lineterminator="\n").encode()
    if kind == "jsonl":
        text = frame.to_json(orient="records", lines=True, double_precision=15)
        return (text if text.strip() else "").encode()
    import pyarrow.parquet as parquet

    buffer = BytesIO()
    parquet.write_table(_arrow(frame), buffer, compression="zstd")
    return buffer.getvalue()


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as arrow

    kinds = {"O": arrow.string(), "i": arrow.int32(), "f": arrow.float64()}
    schema = arrow.schema([(str(name), kinds[frame[name].dtype.kind]) for name in frame.columns])
    return arrow.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()


def join_parts(
    parts: Iterable[Path], out: Path, kind: str, columns: Iterable[str], about: Mapping[str, str]
) -> None:
    """Join the parts into `out`, which appears whole or not at all.

    Parameters
    ----------
    about
        What made the file; kept in the schema of a Parquet file.
    """
    temporary = out.with_name(out.name + ".tmp")
    if kind == "parquet":
        _join_parquet(parts, temporary, about)
    else:
        with temporary.open("wb") as file:
            if kind == "csv":
                file.write((",".join(columns) + "\n").encode())
            for part in parts:
                file.write(part.read_bytes())
    temporary.replace(out)


def _join_parquet(parts: Iterable[Path], out: Path, about: Mapping[str, str]) -> None:
    import pyarrow.parquet as parquet

    writer = None
    for part in parts:
        table = parquet.read_table(part)
        if writer is None:
            schema = table.schema.with_metadata({f"mesenbayes.{k}": v for k, v in about.items()})
            writer = parquet.ParquetWriter(out, schema, compression="zstd")
        writer.write_table(table.replace_schema_metadata(schema.metadata))
    if writer is not None:
        writer.close()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there completely or not at all, even after a power cut."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class FrameWriter:
    """Writes frames of the same columns one after the other to one file.

    Parameters
    ----------
    out, temporary
        The name that decides the format, and the file that is written.
    about
        What made the file; kept in the schema of a Parquet file.
    """

    def __init__(self, out: Path, temporary: Path, about: Mapping[str, str]) -> None:
        self.kind = sink_format(out)
        self.temporary = temporary
        self.about = {f"mesenbayes.{k}": v for k, v in about.items()}
        self._file: Any = None
        self._is_first = True

    def __enter__(self) -> FrameWriter:
        if self.kind != "parquet":
            self._file = self.temporary.open("wb")
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Add a frame."""
        if self.kind == "parquet":
            import pyarrow.parquet as parquet

            table = _arrow(frame).replace_schema_metadata(self.about)
            if self._file is None:
                self._file = parquet.ParquetWriter(
                    self.temporary, table.schema, compression="zstd"
                )
            self._file.write_table(table)
            return
        if self._is_first and self.kind == "csv":
            self._file.write((",".join(map(str, frame.columns)) + "\n").encode())
        self._is_first = False
        self._file.write(part_bytes(frame, self.kind))

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
