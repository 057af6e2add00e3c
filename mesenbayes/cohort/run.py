"""A cohort run: a file of cases in, a file of posteriors out, resumable at any moment.

The input is cut into chunks of a fixed number of rows. Each chunk becomes a part in the folder
``OUT.parts`` and is marked as done; when all are done, the parts are joined and the folder goes.
A run that was killed finds its parts and computes only what is missing, so that nothing is lost
and nothing counted twice. The folder remembers what was asked; another question, another
network or another input is refused rather than mixed in.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesenbayes import __version__
from mesenbayes.cohort.answer import answer, read_chunk
from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.identity import Identities
from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.cohort.sink import join_parts, part_bytes, sink_format, write_whole
from mesenbayes.cohort.source import Chunk, Source, open_source
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from mesenbayes.facade import Network

CHUNK = 20_000
"""Rows of a chunk: a few dozen megabytes while it is being answered."""

Progress = Callable[[int, int | None], None]
"""Called with rows done and rows in all (None where the file does not say)."""


@dataclass(frozen=True)
class CohortRun:
    """What became of a cohort.

    Parameters
    ----------
    out
        The results.
    n_rows, n_answered, n_rejected
        Rows of the input, cases with a posterior, rows set aside.
    rejected
        File of the rows set aside with the reason; None where there were none.
    columns_aside
        Columns that the network does not know.
    n_resumed
        Rows that an earlier, interrupted run had done.
    """

    out: Path
    n_rows: int
    n_answered: int
    n_rejected: int
    rejected: Path | None
    columns_aside: tuple[str, ...] = ()
    n_resumed: int = 0


@dataclass(frozen=True)
class Part:
    """A chunk answered, ready to be written."""

    number: int
    first_row: int
    n_rows: int
    results: bytes
    rejected: bytes
    n_answered: int
    n_rejected: int
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """What has to be done to every chunk."""

    reader: CellReader = field(repr=False)
    truths: tuple[str, ...]
    kind: str

    def part(self, chunk: Chunk) -> Part:
        """Answer one chunk."""
        result = answer(self.reader, read_chunk(self.reader, chunk, self.truths))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(result.rejected)
        return Part(
            chunk.number,
            chunk.first_row,
            chunk.n_rows,
            part_bytes(result.frame, self.kind),
            text.getvalue().encode(),
            len(result.frame),
            len(result.rejected),
            tuple(str(c) for c in result.frame.columns),
        )


Workers = Callable[[Task, Iterator[Chunk]], Iterator[Part]]
"""Answers chunks, in any order, somewhere."""


def here(task: Task, chunks: Iterator[Chunk]) -> Iterator[Part]:
    """Answer chunks one after the other in this process."""
    return map(task.part, chunks)


def run_cohort(
    network: Network,
    cases: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    mapping: ColumnMapping | None = None,
    target: str = "tumour",
    ignore_unknown: bool = False,
    chunk_size: int = CHUNK,
    progress: Progress | None = None,
    workers: Workers = here,
) -> CohortRun:
    """Answer every case of a file.

    Parameters
    ----------
    cases, out
        Files that end in .csv, .tsv, .jsonl or .parquet.
    workers
        Who answers the chunks; this process, unless told otherwise.

    Raises
    ------
    CaseError
        If the input cannot be read at all, a column means nothing, or a run of something else
        stands in the way. Single bad rows do not raise: they are set aside.
    """
    target_file = Path(out)
    kind = sink_format(target_file)
    source = open_source(cases)
    if not target_file.parent.is_dir():
        raise CaseError(f"{target_file}: there is no folder {target_file.parent}")
    reader = CellReader(network, mapping, target=target, ignore_unknown=ignore_unknown)
    truths, aside = _columns(reader, source)
    store = _Store(target_file, kind, _question(network, source, reader, chunk_size))
    finished = store.finished()
    if finished is not None:
        return finished
    done = store.open()
    identities = Identities(reader)
    rows_before = 0

    def missing() -> Iterator[Chunk]:
        nonlocal rows_before
        for chunk in source.chunks(chunk_size):
            checked = identities.check(chunk)  # also of chunks already done: their ids count
            if chunk.number in done:
                rows_before += chunk.n_rows
                if progress is not None:
                    progress(chunk.n_rows, source.n_rows)
            else:
                yield checked

    for part in workers(Task(reader, truths, kind), missing()):
        store.add(part)
        if progress is not None:
            progress(part.n_rows, source.n_rows)
    return replace(store.close(), columns_aside=aside, n_resumed=rows_before)


def _columns(reader: CellReader, source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns of answers and those that mean nothing."""
    if source.format == "jsonl":
        return tuple(name for name in source.header if reader.is_truth(name)), ()
    try:
        reader.id_column(source.header)
        _, truths, aside = reader.match_header(source.header)
    except CaseError as error:
        lines = [f"{source.path}: {line}" for line in str(error).splitlines()]
        raise CaseError("\n".join(lines)) from None
    return tuple(truths), tuple(aside)


def _question(
    network: Network, source: Source, reader: CellReader, chunk_size: int
) -> dict[str, str]:
    """Return everything on which the results depend."""
    return {
        "input": source.fingerprint(),
        "network": f"{network.name} {network.version} {network.digest}",
        "target": reader.target,
        "mapping": json.dumps(reader.mapping.to_dict(), sort_keys=True, default=dict),
        "ignore_unknown": str(reader.ignore_unknown),
        "chunk": str(chunk_size),
        "mesenbayes": __version__,
    }


class _Store:
    """The parts of a run on disk."""

    def __init__(self, out: Path, kind: str, question: dict[str, str]) -> None:
        self.out, self.kind, self.question = out, kind, question
        self.folder = out.with_name(out.name + ".parts")
        self.rejected = out.with_name(out.name + ".rejected.csv")
        self.record = out.with_name(out.name + ".run.json")

    def finished(self) -> CohortRun | None:
        """Return the run if it was finished before; refuse to overwrite another's results."""
        if not self.out.exists():
            return None
        known = _read_json(self.record)
        if known.get("question") != self.question:
            raise CaseError(
                f"{self.out}: stands there already and is not the answer to this question; "
                "remove it or name another file"
            )
        if self.folder.exists():  # killed between joining and tidying up
            shutil.rmtree(self.folder)
        return self._run(known["answered"], known["rejected"])

    def open(self) -> set[int]:
        """Return the chunks that are done."""
        asked = self.folder / "question.json"
        if self.folder.exists() and asked.exists():
            if _read_json(asked) != self.question:
                raise CaseError(
                    f"{self.folder}: holds parts of a run with another input, network or setting; "
                    "remove the folder to begin again"
                )
            return {int(p.stem.removeprefix("part-")) for p in self.folder.glob("part-*.done")}
        self.folder.mkdir(exist_ok=True)
        write_whole(asked, json.dumps(self.question, indent=1).encode())
        return set()

    def add(self, part: Part) -> None:
        """Keep a part; the mark that it is done is written last."""
        name = self.folder / f"part-{part.number:06d}"
        write_whole(name.with_suffix(".rejected"), part.rejected)
        write_whole(name.with_suffix(".results"), part.results)
        about = {"answered": part.n_answered, "rejected": part.n_rejected,
                 "columns": part.columns}  # fmt: skip
        write_whole(name.with_suffix(".done"), json.dumps(about).encode())

    def close(self) -> CohortRun:
        """Join the parts."""
        marks = sorted(self.folder.glob("part-*.done"))
        abouts = [_read_json(mark) for mark in marks]
        answered = sum(about["answered"] for about in abouts)
        rejected = sum(about["rejected"] for about in abouts)
        if not marks:
            shutil.rmtree(self.folder)
            raise CaseError(f"{self.out}: the input has no cases")
        if rejected:
            self._join_rejected(marks)
        counts = {"answered": answered, "rejected": rejected}
        record = {"question": self.question, **counts}
        write_whole(self.record, json.dumps(record, indent=1).encode())
        join_parts(
            (mark.with_suffix(".results") for mark in marks),
            self.out, self.kind, abouts[0]["columns"], self.question,
        )  # fmt: skip
        shutil.rmtree(self.folder)
        return self._run(answered, rejected)

    def _join_rejected(self, marks: Sequence[Path]) -> None:
        temporary = self.rejected.with_name(self.rejected.name + ".tmp")
        with temporary.open("wb") as file:
            file.write(b"row,id,reason\n")
            for mark in marks:
                file.write(mark.with_suffix(".rejected").read_bytes())
        temporary.replace(self.rejected)

    def _run(self, answered: int, rejected: int) -> CohortRun:
        return CohortRun(
            self.out, answered + rejected, answered, rejected,
            self.rejected if rejected else None,
        )  # fmt: skip


def _read_json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return loaded
