"""What every exchange format boils down to: variables with states, parents and a table each.

K states of a variable; a table is (*parents, K) with the child last, rows add up to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import NetworkError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import Role, Variable

FloatArray = NDArray[np.float64]

ROUNDING = 0.02
"""How far a printed row may be from 1: three digits of fifty states."""
_ROLES: dict[str, Role] = {"tumour": "tumour", "genotype": "genotype"}


@dataclass(frozen=True, eq=False)
class PlainTable:
    """One variable of a file with P(variable | parents)."""

    variable: str
    parents: tuple[str, ...]
    values: FloatArray
    """Numbers in the order of the file, child fastest, first parent slowest."""


def assemble(
    name: str,
    states: Mapping[str, Sequence[str]],
    tables: Sequence[PlainTable],
    labels: Mapping[str, str] | None = None,
) -> BayesianNetwork:
    """Return the network of a file; its rows hold as given and count as definitions.

    Raises
    ------
    NetworkError
        A variable without table, an unknown parent, a table of the wrong size, a row that
        does not add up to 1, or a cycle.
    """
    by_name = {table.variable: table for table in tables}
    if not states:
        raise NetworkError(f"{name}: the file has no variables")
    for variable, words in states.items():
        if variable not in by_name:
            raise NetworkError(f"{name}: {variable} has no table")
        if len(set(words)) != len(words) or not words:
            raise NetworkError(f"{name}: the states of {variable} are not different words")
    order = _ordered(name, states, by_name)
    made = {variable: _table(name, states, by_name[variable]) for variable in order}
    shown = labels or {}
    variables = tuple(
        Variable(v, tuple(states[v]), label=shown.get(v, v), role=_ROLES.get(v, "finding"))
        for v in order
    )
    return BayesianNetwork(name, "", variables, made)


def _ordered(
    name: str, states: Mapping[str, Sequence[str]], tables: Mapping[str, PlainTable]
) -> list[str]:
    """Return the variables, parents first, otherwise in the order of the file."""
    placed: dict[str, None] = {}
    for start in states:
        path: list[tuple[str, int]] = [(start, 0)]
        while path:
            variable, next_parent = path.pop()
            if variable in placed:
                continue
            parents = tables[variable].parents
            if next_parent == len(parents):
                placed[variable] = None
                continue
            parent = parents[next_parent]
            if parent not in states:
                raise NetworkError(f"{name}: {variable} has an unknown parent '{parent}'")
            if parent == variable or parent in (v for v, _ in path):
                raise NetworkError(f"{name}: {variable} and {parent} stand in a circle")
            path += [(variable, next_parent + 1), (parent, 0)]
    return list(placed)


def _table(name: str, states: Mapping[str, Sequence[str]], plain: PlainTable) -> Table:
    cards = [len(states[p]) for p in (*plain.parents, plain.variable)]
    values = np.asarray(plain.values, dtype=np.float64).ravel()
    if values.size != int(np.prod(cards)):
        raise NetworkError(
            f"{name}: the table of {plain.variable} has {values.size} numbers, "
            f"{int(np.prod(cards))} are needed"
        )
    flat = values.reshape(-1, cards[-1])
    total = flat.sum(axis=1)
    if not np.isfinite(flat).all() or (flat < 0).any() or (np.abs(total - 1) > ROUNDING).any():
        worst = float(total[np.argmax(np.abs(total - 1))])
        raise NetworkError(
            f"{name}: a row of {plain.variable} is no distribution (it adds up to {worst:g})"
        )
    rows = tuple(
        Row(row / row.sum(), "definition", f"as given in {name}") for row in flat
    )
    index = np.arange(len(rows), dtype=np.intp).reshape(cards[:-1])
    return Table(plain.variable, plain.parents, rows, index)


def numbers(values: FloatArray) -> list[str]:
    """Return numbers in the shortest form that reads back as the same number."""
    return [repr(float(v)) for v in np.asarray(values).ravel()]
