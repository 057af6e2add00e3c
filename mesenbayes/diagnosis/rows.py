"""The Dirichlet rows behind an answer, each counted once.

Tables share rows: the reading of a slide serves every stain, a stain whose genotypes were not
studied apart serves all of them. An uncertainty about a row moves all its places together, so
rows are told apart by identity, not by place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, draw_dirichlets
from mesenbayes.network.variable import NOT_OBSERVED

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """The rows of some tables, each once.

    Parameters
    ----------
    rows
        The rows.
    first
        Table and position in it where each row is met first.
    places
        Table -> (rows of the table,) numbers in `rows`.
    """

    rows: tuple[Row, ...]
    first: tuple[tuple[str, int], ...]
    places: Mapping[str, NDArray[np.intp]] = field(repr=False)


def relevant_tables(network: BayesianNetwork, encoded: Encoded, target: str) -> tuple[str, ...]:
    """Return the tables that the posterior can depend on: of what is known, the target and
    their ancestors (all others are barren)."""
    wanted = [
        v.name for v, code in zip(network.variables, encoded.codes, strict=True)
        if code != NOT_OBSERVED
    ]  # fmt: skip
    open_names = [target, *wanted, *encoded.likelihoods]
    seen: set[str] = set()
    while open_names:
        name = open_names.pop()
        if name not in seen:
            seen.add(name)
            open_names += network.tables[name].parents
    return tuple(v.name for v in network.variables if v.name in seen)


def distinct_rows(network: BayesianNetwork, tables: Collection[str]) -> DistinctRows:
    """Return the rows of `tables`, told apart by identity."""
    number: dict[int, int] = {}
    rows: list[Row] = []
    first: list[tuple[str, int]] = []
    places: dict[str, NDArray[np.intp]] = {}
    for name in tables:
        here = network.tables[name].rows
        for position, row in enumerate(here):
            if id(row) not in number:
                number[id(row)] = len(rows)
                rows.append(row)
                first.append((name, position))
        places[name] = np.array([number[id(row)] for row in here], dtype=np.intp)
    return DistinctRows(tuple(rows), tuple(first), places)


def draw_tables(
    network: BayesianNetwork,
    distinct: DistinctRows,
    tables: Collection[str],
    size: int,
    rng: np.random.Generator,
    vary: Collection[int] | None = None,
) -> dict[str, FloatArray]:
    """Draw `tables` from their rows' Dirichlets: table -> (size, *parents, states).

    Only the rows numbered in `vary` are drawn, if it is given; the others stay at their means.
    A row that several tables share is drawn once.
    """
    drawn: dict[int, FloatArray] = {}
    wanted = np.unique(np.concatenate([distinct.places[name] for name in tables]))
    chosen = set(wanted.tolist() if vary is None else vary)
    by_length: dict[int, list[int]] = {}
    for number in wanted.tolist():
        row = distinct.rows[number]
        if number in chosen and not row.is_certain:
            by_length.setdefault(len(row.alpha), []).append(number)
    for numbers in by_length.values():
        alpha = np.stack([distinct.rows[n].alpha for n in numbers])
        values = draw_dirichlets(alpha, size, rng)
        drawn.update(dict(zip(numbers, np.moveaxis(values, 1, 0), strict=True)))
    answer = {}
    for name in tables:
        table = network.tables[name]
        full = np.repeat(table.probability[None], size, axis=0)
        flat = full.reshape(size, -1, full.shape[-1])
        for position, number in enumerate(distinct.places[name].tolist()):
            if number in drawn:
                at = np.flatnonzero(table.row_index.ravel() == position)
                flat[:, at] = drawn[number][:, None, :]
        answer[name] = full
    return answer


def parents_in_words(network: BayesianNetwork, name: str, row: int) -> str:
    """Return the parent states that a row of a table serves: ``tumour=GIST``."""
    table = network.tables[name]
    if not table.parents:
        return ""
    places = np.argwhere(table.row_index == row)
    words = []
    for axis, parent in enumerate(table.parents):
        states = network.variable(parent).states
        used = sorted(set(places[:, axis]))
        if len(used) == len(states):
            continue
        shown = [states[i] for i in used]
        words.append(f"{parent}={'|'.join(shown[:3])}{'|...' if len(shown) > 3 else ''}")
    return ", ".join(words)
