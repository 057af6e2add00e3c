"""The numbers of a batch: likelihoods, stacked findings and drawn tables, batch last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import Leaf, Model, Skeleton
from mesenbayes.inference.plan import Scope
from mesenbayes.inference.semiring import Semiring

FloatArray = NDArray[np.float64]

_LOG_ZERO = -(2.0**14)
"""Stands for ln 0 in a matrix product, where -inf would turn into NaN. A hundred findings
of probability 1e-60 stay above it, and its double still adds without loss."""

_SPARSE_CASES = 128
"""Cases in a chunk from which loading scipy.sparse is worth it."""
_SPARSE_COST = 6
"""How much dearer a sparse multiply-add is than one of a matrix product, as measured."""


class BatchLeaves:
    """Fills the batched leaves of a model.

    Parameters
    ----------
    skeleton, model
        The network and the leaves of the question.
    """

    def __init__(self, skeleton: Skeleton, model: Model) -> None:
        self._cards = skeleton.cards
        self._leaves = {i: leaf for i, leaf in enumerate(model.leaves) if leaf.batched}
        self._lookups = {
            i: _with_missing(np.eye(skeleton.cards[leaf.variable])[leaf.index])
            for i, leaf in self._leaves.items()
            if leaf.kind == "evidence"
        }
        self._stacks = {
            i: Stack(leaf, model.sizes) for i, leaf in self._leaves.items() if leaf.kind == "stack"
        }

    @property
    def one_hot(self) -> int:
        """Entries a case of the one-hot matrices, where they are made in full."""
        return sum(stack.rows for stack in self._stacks.values())

    def fill(
        self,
        evidence: Evidence,
        semiring: Semiring,
        draws: Mapping[int, FloatArray] | None = None,
    ) -> tuple[dict[int, FloatArray], dict[int, FloatArray | float]]:
        """Return leaf -> table with the batch last, and leaf -> log of what was taken out.

        Parameters
        ----------
        draws
            Variable -> (draws, *parents, states), in which case the draws are the batch.
        """
        tables: dict[int, FloatArray] = {}
        scales: dict[int, FloatArray | float] = {}
        for i, leaf in self._leaves.items():
            if leaf.kind == "stack":
                tables[i], scales[i] = self._stacks[i].fill(evidence, semiring.xp)
                continue
            if leaf.kind == "table":
                assert draws is not None
                drawn = draws[leaf.variable]
                table = drawn.reshape(len(drawn), -1).T[leaf.index]
            elif leaf.kind == "slice":
                table = _slice(leaf, evidence)
            else:
                table = self._likelihood(i, leaf, evidence)
            tables[i] = semiring.lift(table)
        return tables, scales

    def _likelihood(self, i: int, leaf: Leaf, evidence: Evidence) -> FloatArray:
        table = np.take(self._lookups[i], evidence.codes[leaf.variable], axis=1)
        vector = evidence.likelihoods.get(leaf.variable)
        return table if vector is None else np.asarray(table * vector[leaf.index])


def _slice(leaf: Leaf, evidence: Evidence) -> FloatArray:
    """Return a constant at each case's states of the variables that are its last axes."""
    assert leaf.table is not None
    kept = len(leaf.scope)
    shape, cards = leaf.table.shape[:kept], leaf.table.shape[kept:]
    code = np.zeros(evidence.size, dtype=np.intp)
    for v, card in zip(leaf.at, cards, strict=True):
        code = code * card + evidence.codes[v]
    flat = leaf.table.reshape(-1, int(np.prod(cards)))
    return np.take(flat, code, axis=1).reshape(*shape, evidence.size)


class Stack:
    """Findings that hang on the same variables: one matrix of log-likelihoods.

    Column k of a case's product is ``sum over findings of ln P(finding's state | k)``,
    which is a one-hot vector times a matrix. A missing finding contributes nothing if its
    probabilities sum to 1; where more was multiplied into its table, or for a combination
    of findings, missing is a state like others.
    """

    def __init__(self, leaf: Leaf, sizes: Mapping[int, int]) -> None:
        self._shape = tuple(sizes[v] for v in leaf.scope)
        parents = int(np.prod(self._shape))
        single = [m for m in leaf.stacked if _is_silent(*m)]
        several = [m for m in leaf.stacked if not _is_silent(*m)]
        self._findings = np.array([xs[0] for xs, _ in single], dtype=np.intp)
        self._several = [(xs, table.shape[len(self._shape) :]) for xs, table in several]
        extended = [
            _with_missing(table, len(self._shape)).reshape(parents, -1)
            for _, table in (*single, *several)
        ]
        starts = np.cumsum([0, *(table.shape[1] for table in extended)])
        self._starts = starts[: len(extended)].astype(np.int32)[:, None]
        joined = np.concatenate(extended, axis=1)
        self._only = joined if len(extended) == 1 else None
        with np.errstate(divide="ignore"):
            logs = np.log(joined)
        # Stored by finding state, so that both ways to multiply read whole rows.
        self._matrix = np.ascontiguousarray(np.where(joined > 0, logs, _LOG_ZERO).T).T
        widths = [table.shape[1] for table in extended]
        self._finding_of_row = np.repeat(np.arange(len(widths)), widths)
        self.rows = sum(widths)

    def _columns(self, codes: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the matrix column of each finding (findings, cases), -1 for none."""
        count = len(self._findings)
        columns = np.empty((len(self._starts), codes.shape[1]), dtype=np.int32)
        columns[:count] = codes[self._findings]
        missing = columns[:count] < 0
        for row, (xs, cards) in enumerate(self._several, start=count):
            columns[row] = 0
            for x, card in zip(xs, cards, strict=True):
                state = codes[x]
                columns[row] = columns[row] * (card + 1) + np.where(state < 0, card, state)
        columns += self._starts
        columns[:count][missing] = -1
        return columns

    def fill(self, evidence: Evidence, xp: Any = np) -> tuple[FloatArray, FloatArray | float]:
        """Return the likelihood of each parent state, its maximum 1, and that maximum's log."""
        n = evidence.size
        columns = self._columns(evidence.codes)
        if self._only is not None:
            # Column -1, missing, is the last of the table.
            only: FloatArray = xp.asarray(np.take(self._only, columns[0], axis=1))
            return only.reshape(*self._shape, n), 0.0
        logs = self._log_likelihood(columns) if xp is np else self._dense(columns, xp)
        top = logs.max(axis=0)
        # A case that is impossible in every parent state stays impossible: its true
        # likelihood is 0, not the stand-in's exponential.
        impossible = top < _LOG_ZERO / 2
        likelihood: FloatArray = _exponential(logs, top, xp)
        if impossible.any():
            likelihood = xp.where(impossible, 0.0, likelihood)
            top = xp.where(impossible, 0.0, top)
        return likelihood.reshape(*self._shape, n), top

    def _log_likelihood(self, columns: NDArray[np.int32]) -> FloatArray:
        """Return (parent states, cases): sums of rows of the matrix, sparsely or by BLAS."""
        n, rows = columns.shape[1], self._matrix.shape[1]
        count = np.count_nonzero(columns >= 0)
        if n >= _SPARSE_CASES and count * _SPARSE_COST < n * rows:
            from scipy.sparse import csr_array

            by_case = np.ascontiguousarray(columns.T)
            chosen = by_case >= 0
            start = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))])
            one_hot = csr_array((np.ones(count), by_case[chosen], start), shape=(n, rows))
            return np.ascontiguousarray((one_hot @ self._matrix.T).T)
        return self._dense(columns, np)

    def _dense(self, columns: NDArray[np.int32], xp: Any) -> FloatArray:
        """Return the same by one matrix product with a one-hot matrix, on any library: the
        columns are all that travels to it."""
        rows = xp.arange(self.rows)[:, None]
        one_hot = (xp.asarray(columns)[self._finding_of_row] == rows) * 1.0
        product: FloatArray = xp.matmul(xp.asarray(self._matrix), one_hot)
        return product


def _exponential(logs: FloatArray, top: FloatArray, xp: Any) -> FloatArray:
    """Return exp(logs - top), in place where the library can."""
    if xp is np:
        logs -= top
        return np.exp(logs, out=logs)
    likelihood: FloatArray = xp.exp(logs - top)
    return likelihood


def _is_silent(findings: Scope, table: FloatArray) -> bool:
    """Return whether a finding says nothing when it is missing."""
    return len(findings) == 1 and bool(np.allclose(table.sum(axis=-1), 1.0, rtol=0, atol=1e-12))


def _with_missing(table: FloatArray, first: int = 1) -> FloatArray:
    """Return the table with a state more on each axis from `first` on: missing, the sum."""
    for axis in range(first, table.ndim):
        table = np.concatenate([table, table.sum(axis=axis, keepdims=True)], axis=axis)
    return np.ascontiguousarray(table)
