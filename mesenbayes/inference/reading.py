"""Reading answers off the tables of the two passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.prepare import Prepared
from mesenbayes.inference.program import Pass
from mesenbayes.inference.semiring import LOG_SUM

FloatArray = NDArray[np.float64]


def root_log(prepared: Prepared, up: Pass, evidence: Evidence) -> FloatArray:
    """Return ln P(e) of a forward pass, -inf where it is 0, shape (cases,)."""
    root = prepared.plan.root
    logs: FloatArray = np.broadcast_to(up.tables[root], (evidence.size,))
    if prepared.program.semiring is not LOG_SUM:
        with np.errstate(divide="ignore"):
            logs = np.log(logs)
    return np.asarray(logs + up.log_scales.get(root, 0.0) + evidence.log_scale)


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
    table = np.asarray(np.einsum(*terms))
    if any(index is not None for _, index in places):
        # From possible joint states back to the variables they are made of.
        terms = [table, [*range(len(wanted) + 1)]]
        after = len(wanted) + 1
        for axis, ((place, index), card) in enumerate(zip(places, cards, strict=True)):
            count = prepared.plan.sizes[place]
            hit = np.eye(card)[np.arange(count) if index is None else index]
            terms += [hit, [wanted.index(place), after + axis]]
        terms.append([*(after + axis for axis in range(len(places))), len(wanted)])
        table = np.asarray(np.einsum(*terms, optimize="greedy"))
    return np.asarray(np.moveaxis(table, -1, 0))


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
