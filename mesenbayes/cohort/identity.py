"""One id, one case: a second row with the id of an earlier one is set aside.

Ids are kept as 8-byte hashes, so that a file of a hundred million cases needs 800 MB for them
and a million 8. Two of a million different ids share a hash with a probability of 3e-8.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.source import Chunk


class Identities:
    """The ids that have been seen so far."""

    def __init__(self, reader: CellReader) -> None:
        self._reader = reader
        self._seen: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def check(self, chunk: Chunk) -> Chunk:
        """Return the chunk with the rows refused whose id stood before."""
        import pandas as pd

        ids = self._ids(chunk)
        if ids is None:
            return chunk
        named = np.array([bool(text) for text in ids])
        hashes = pd.util.hash_array(ids)
        refused = {}
        again = pd.Series(hashes).duplicated().to_numpy() | np.isin(hashes, self._seen)
        for i in np.flatnonzero(again & named):
            refused[chunk.rows[i]] = f"the id '{ids[i]}' was given to an earlier row"
        self._seen = np.union1d(self._seen, hashes[named])
        return replace(chunk, refused=refused)

    def _ids(self, chunk: Chunk) -> NDArray[np.object_] | None:
        mapping = self._reader.mapping
        if chunk.objects is not None:
            name = mapping.id or "id"
            values = [entry.get(name) for entry in chunk.objects]
        else:
            column = self._reader.id_column(tuple(chunk.columns))
            if column is None:
                return None
            values = list(chunk.columns[column])
        return np.array(
            ["" if v is None or v != v else str(v).strip() for v in values], dtype=object
        )
