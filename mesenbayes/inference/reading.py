"""Reading answers off the tables of the two passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.arrays import on_host
from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import IntArray
from mesenbayes.inference.prepare import Prepared
from mesenbayes.inference.program import Pass
from mesenbayes.inference.semiring import LOG_SUM

FloatArray = NDArray[np.float64]


def root_log(prepared: Prepared, up: Pass, evidence: Evidence) -> FloatArray:
    """Return ln P(e) of a forward pass, -inf where it is 0, shape (cases,)."""
    root = prepared.plan.root
    logs: FloatArray = np.broadcast_to(on_host(up.tables[root]), (evidence.size,))
    if prepared.program.semiring is not LOG_SUM:
        with np.errstate(divide="ignore"):
            logs = np.log(logs)
    return np.asarray(logs + on_host(up.log_scales.get(root, 0.0)) + evidence.log_scale)


def joint(
    prepared: Prepared,
    up: Pass,
    down: Pass,
    node: int,
    numbers: Sequence[int],
    cards: Sequence[int],
) -> FloatArray:
    """Return P(variables, e) up to each case's scale, shape (cases, *states).

    It is the table at a node times the derivative there, summed over the other variables.
    """
    places = [prepared.model.place(v) for v in numbers]
    wanted = tuple(dict.fromkeys(p for p, _ in places))
    scope, outside = up.scopes[node], down.scopes[node]
    letters = {v: i for i, v in enumerate(dict.fromkeys((*scope, *outside)))}
    batch = len(letters)
    terms: list[Any] = [
        up.tables[node],
        [*(letters[v] for v in scope), *([batch] if prepared.plan.batched(node) else [])],
        down.tables[node],
        [*(letters[v] for v in outside), batch],
        [*(letters[v] for v in wanted), batch],
    ]
    table = on_host(prepared.program.semiring.xp.einsum(*terms))
    shape: list[int] = []
    found: list[int] = []
    for place in wanted:
        members = [i for i, (p, _) in enumerate(places) if p == place]
        table = _spread(
            table, len(shape), [places[i][1] for i in members], [cards[i] for i in members]
        )
        shape += [cards[i] for i in members]
        found += members
    table = table.transpose(*(found.index(i) for i in range(len(numbers))), len(numbers))
    return np.asarray(np.moveaxis(table, -1, 0))


def _spread(
    table: FloatArray, axis: int, states: Sequence[IntArray | None], cards: Sequence[int]
) -> FloatArray:
    """Return `table` with an axis of possible joint states as one axis for each member."""
    if states[0] is None:
        return table
    flat = np.ravel_multi_index([s for s in states if s is not None], tuple(cards))
    before, after = table.shape[:axis], table.shape[axis + 1 :]
    out = np.zeros((*before, int(np.prod(cards)), *after))
    into, rows = np.moveaxis(out, axis, 0), np.moveaxis(table, axis, 0)
    for target, row in zip(flat, rows, strict=True):
        into[target] += row
    return out.reshape(*before, *cards, *after)


def normalised(table: FloatArray, otherwise: float) -> FloatArray:
    """Return (cases, *states) divided by each case's total; `otherwise` where that is 0."""
    total = table.sum(axis=tuple(range(1, table.ndim)), keepdims=True)
    shares = np.full(table.shape, otherwise)
    np.divide(table, total, out=shares, where=total > 0)
    return shares


def with_fixed(
    table: FloatArray, numbers: Sequence[int], cards: Sequence[int], fixed: Mapping[int, int]
) -> FloatArray:
    """Return `table` with an axis for each variable that was sliced out, 0 at other states."""
    if not any(v in fixed for v in numbers):
        return table
    full = np.zeros((len(table), *cards))
    full[(slice(None), *(fixed.get(v, slice(None)) for v in numbers))] = table
    return full
