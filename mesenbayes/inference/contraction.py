"""One multiply-and-sum of two tables whose last axis, if batched, is the batch.

With the batch last every inner loop runs over contiguous cases. A product with a
constant table that brings axes of its own is a matrix product (BLAS); a product of two
batched tables is an einsum. Other semirings (max-product, log-sum-exp) are written once,
plainly, in :mod:`mesenbayes.inference.semiring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.plan import Scope

FloatArray = NDArray[np.float64]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
_BATCH = "Z"


class Contraction:
    """``out[out_scope, batch] = sum over summed of left[...] * right[...]``.

    Attributes
    ----------
    scope
        Axes of the result, without the batch axis.
    xp
        The array library of both operands.
    """

    def __init__(
        self,
        left: Scope,
        left_batched: bool,
        right: Scope,
        right_batched: bool,
        summed: Iterable[int],
        sizes: Mapping[int, int],
        xp: Any = np,
    ) -> None:
        self._xp = xp
        gone = frozenset(summed)
        self.batched = left_batched or right_batched
        shared = [v for v in left if v in right]
        kept = [v for v in shared if v not in gone]
        self._inner = prod(sizes[v] for v in gone)
        if left_batched != right_batched and gone and gone <= frozenset(shared):
            constant, varying = (right, left) if left_batched else (left, right)
            own = [v for v in constant if v not in varying]
            if own:
                self._prepare_matrix(constant, varying, left_batched, kept, own, gone, sizes)
                return
        if gone:
            self.scope = tuple(v for v in (*left, *right) if v not in gone)
            self.scope = tuple(dict.fromkeys(self.scope))
            self._prepare_einsum(left, left_batched, right, right_batched)
            return
        self._prepare_product(left, left_batched, right, right_batched)

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return the contraction; layouts are those the object was made for."""
        if self._kind == "matrix":
            return self._matrix(left, right)
        if self._kind == "einsum":
            contracted: FloatArray = self._xp.einsum(self._expression, left, right)
            return contracted
        a, b = self.aligned(left, right)
        return a * b

    def aligned(self, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return views of both operands along the axes of the result (nothing summed)."""
        a = left.transpose(self._left_axes)[self._left_index]
        b = right.transpose(self._right_axes)[self._right_index]
        return a, b

    # A product without a sum: both operands are seen along the axes of the result.
    def _prepare_product(
        self, left: Scope, left_batched: bool, right: Scope, right_batched: bool
    ) -> None:
        self._kind = "product"
        wide, narrow = (left, right) if len(left) >= len(right) else (right, left)
        self.scope = (*(v for v in narrow if v not in wide), *wide)
        self._left_axes, self._left_index = self._along(left, left_batched)
        self._right_axes, self._right_index = self._along(right, right_batched)

    def _along(
        self, scope: Scope, batched: bool
    ) -> tuple[tuple[int, ...], tuple[slice | None, ...]]:
        axes = [scope.index(v) for v in self.scope if v in scope]
        index: list[slice | None] = [slice(None) if v in scope else None for v in self.scope]
        if self.batched:
            index.append(slice(None) if batched else None)
            if batched:
                axes.append(len(scope))
        return tuple(axes), tuple(index)

    def _prepare_einsum(
        self, left: Scope, left_batched: bool, right: Scope, right_batched: bool
    ) -> None:
        self._kind = "einsum"
        letter = {v: _LETTERS[i] for i, v in enumerate(dict.fromkeys((*left, *right)))}

        def term(scope: Scope, batched: bool) -> str:
            return "".join(letter[v] for v in scope) + (_BATCH if batched else "")

        self._expression = (
            f"{term(left, left_batched)},{term(right, right_batched)}"
            f"->{term(self.scope, self.batched)}"
        )

    def _prepare_matrix(
        self,
        constant: Scope,
        varying: Scope,
        constant_is_right: bool,
        kept: list[int],
        own: list[int],
        gone: frozenset[int],
        sizes: Mapping[int, int],
    ) -> None:
        self._kind = "matrix"
        self._constant_is_right = constant_is_right
        summed = [v for v in varying if v in gone]
        free = [v for v in varying if v not in constant]
        # `kept` in the sequence of the varying operand, which is the one worth not copying.
        kept = [v for v in varying if v in kept]
        self._constant_axes = [constant.index(v) for v in (*kept, *own, *summed)]
        self._varying_axes = [*(varying.index(v) for v in (*kept, *summed, *free)), len(varying)]
        self._groups = prod(sizes[v] for v in kept)
        self._rows = prod(sizes[v] for v in own)
        self.scope = (*kept, *own, *free)
        self._shape = tuple(sizes[v] for v in self.scope)

    def _matrix(self, left: FloatArray, right: FloatArray) -> FloatArray:
        constant, varying = (right, left) if self._constant_is_right else (left, right)
        n = varying.shape[-1]
        a: FloatArray = constant.transpose(self._constant_axes)
        b: FloatArray = varying.transpose(self._varying_axes)
        groups = () if self._groups == 1 else (self._groups,)
        a = a.reshape(*groups, self._rows, self._inner)
        b = b.reshape(*groups, self._inner, -1)
        product: FloatArray = self._xp.matmul(a, b)
        return product.reshape(*self._shape, n)


def sum_out(table: FloatArray, scope: Scope, summed: Iterable[int]) -> FloatArray:
    """Return `table` summed over variables."""
    total: FloatArray = table.sum(axis=tuple(scope.index(v) for v in summed))
    return total
