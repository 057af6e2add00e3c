"""The same run on a Dask cluster that exists already (extra ``dask``).

The rows are read here and sent out in chunks; workers answer them and send parts back. A worker
that dies takes nothing with it: its chunks are sent to another. Parts are bytes that depend on
their rows alone, so the results are those of one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.cohort.run import Part, Task, Workers
from mesenbayes.cohort.source import Chunk
from mesenbayes.errors import CaseError

IN_FLIGHT = 4
"""Chunks under way for each thread of the cluster: enough to keep it busy, few enough that
this machine does not hold the whole file."""

_PATIENCE = "30s"


def on_dask(address: str, network: str) -> Workers:
    """Return workers that answer chunks on the cluster of a scheduler.

    Parameters
    ----------
    address
        ``tcp://host:port``.
    network
        Name or path under which every worker finds the same network.
    """

    def workers(task: Task, chunks: Iterator[Chunk]) -> Iterator[Part]:
        client = _connect(address)
        try:
            yield from _answers(client, network, task, chunks)
        finally:
            client.close()

    return workers


def _connect(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise CaseError("--dask needs distributed; install mesenbayes[dask]") from None
    try:
        return _untyped(distributed.Client)(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CaseError(f"no Dask scheduler answers at {address}: {error}") from None


def _untyped(function: Any) -> Any:
    return function


def _answers(
    client: Any, network: str, task: Task, chunks: Iterator[Chunk]
) -> Iterator[Part]:
    import distributed

    reader = task.reader
    settings = (
        network, reader.network.digest, reader.mapping, reader.target, reader.ignore_unknown
    )  # fmt: skip
    threads = max(sum(client.nthreads().values()), 1)
    under_way: Any = _untyped(distributed.as_completed)(loop=client.loop)

    def send() -> bool:
        chunk = next(chunks, None)
        if chunk is None:
            return False
        # A worker may die with its chunk as often as it likes; the chunk is not to blame.
        under_way.add(
            client.submit(_answer_there, settings, task.truths, task.kind, chunk,
                          pure=False, retries=10)
        )  # fmt: skip
        return True

    for _ in range(threads * IN_FLIGHT):
        if not send():
            break
    for future in under_way:
        part: Part = future.result()
        future.release()
        send()
        yield part


Settings = tuple[str, str, ColumnMapping, str, bool]


def _answer_there(settings: Settings, truths: tuple[str, ...], kind: str, chunk: Chunk) -> Part:
    """Answer one chunk on a worker."""
    name, digest, mapping, target, ignore_unknown = settings
    reader = _reader(name, digest, target, ignore_unknown, _Held(mapping))
    return Task(reader, truths, kind).part(chunk)


class _Held:
    """A mapping that is looked up by its text: lru_cache needs a hash, a dict has none."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self.mapping = mapping

    def __hash__(self) -> int:
        return hash(repr(self.mapping.to_dict()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.mapping == other.mapping


@lru_cache(maxsize=4)
def _reader(
    name: str, digest: str, target: str, ignore_unknown: bool, held: _Held
) -> CellReader:
    from mesenbayes.facade import load_network

    network = load_network(name)
    if network.digest != digest:
        raise CaseError(
            f"the worker's network {name} ({network.digest}) is not the one asked for ({digest}); "
            "install the same version everywhere"
        )
    return CellReader(network, held.mapping, target=target, ignore_unknown=ignore_unknown)
