"""Three arithmetics for the same tree.

``SUM_PRODUCT`` gives P(e) with numpy, :func:`sum_product` with another array library;
``MAX_PRODUCT`` gives the probability of the most probable explanation; ``LOG_SUM`` is
sum-product in logarithms: slow, and safe where a product of findings is too small for float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.contraction import Contraction, sum_out
from mesenbayes.inference.plan import Scope

FloatArray = NDArray[np.float64]
Reduce = Callable[[FloatArray, tuple[int, ...]], FloatArray]


class Kernel(Protocol):
    """A prepared multiply-and-sum."""

    scope: Scope

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return the result, axes as in `scope`, batch last."""
        ...


@dataclass(frozen=True)
class Semiring:
    """How tables are multiplied and summed.

    Attributes
    ----------
    lift
        Turns probabilities into elements.
    kernel
        Prepares a multiply-and-sum (see :class:`~.contraction.Contraction`).
    reduce
        Sums out axes of one table.
    scaled
        Whether tables are kept near 1 by factors whose logarithms are carried apart.
    xp
        The array library of the tables (see :mod:`mesenbayes.inference.arrays`).
    """

    lift: Callable[[FloatArray], FloatArray]
    kernel: Callable[[Scope, bool, Scope, bool, Iterable[int], Mapping[int, int]], Kernel]
    reduce: Callable[[FloatArray, Scope, Iterable[int]], FloatArray]
    scaled: bool
    xp: Any = np


def log_sum_exp(array: FloatArray, axis: tuple[int, ...]) -> FloatArray:
    """Return ln sum exp over `axis`; a sum of nothing but zeros is -inf."""
    top = array.max(axis=axis, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(array - top).sum(axis=axis))
    return np.asarray(total + np.squeeze(top, axis=axis))


def log_probability(array: FloatArray) -> FloatArray:
    """Return the logarithm, -inf at zero without a warning."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(array))


class _Plain:
    """Multiply along common axes, then reduce: any semiring, no speed."""

    def __init__(
        self,
        left: Scope,
        left_batched: bool,
        right: Scope,
        right_batched: bool,
        summed: Iterable[int],
        sizes: Mapping[int, int],
        times: Callable[[FloatArray, FloatArray], FloatArray],
        plus: Reduce,
    ) -> None:
        gone = [v for v in dict.fromkeys((*left, *right)) if v in frozenset(summed)]
        self.scope = tuple(v for v in dict.fromkeys((*left, *right)) if v not in gone)
        self._product = Contraction(left, left_batched, right, right_batched, (), sizes)
        batched = left_batched or right_batched
        axes = [self._product.scope.index(v) for v in (*gone, *self.scope)]
        self._axes = (*axes, len(axes)) if batched else tuple(axes)
        self._gone = tuple(range(len(gone)))
        self._times, self._plus = times, plus

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        a, b = self._product.aligned(left, right)
        table = self._times(a, b).transpose(self._axes)
        return self._plus(table, self._gone) if self._gone else table


def _plain(
    times: Callable[[FloatArray, FloatArray], FloatArray], plus: Reduce
) -> Callable[[Scope, bool, Scope, bool, Iterable[int], Mapping[int, int]], Kernel]:
    def kernel(
        left: Scope,
        left_batched: bool,
        right: Scope,
        right_batched: bool,
        summed: Iterable[int],
        sizes: Mapping[int, int],
    ) -> Kernel:
        return _Plain(left, left_batched, right, right_batched, summed, sizes, times, plus)

    return kernel


def _reduce(plus: Reduce) -> Callable[[FloatArray, Scope, Iterable[int]], FloatArray]:
    def reduce(table: FloatArray, scope: Scope, summed: Iterable[int]) -> FloatArray:
        return plus(table, tuple(scope.index(v) for v in summed))

    return reduce


def _max(array: FloatArray, axis: tuple[int, ...]) -> FloatArray:
    return np.asarray(array.max(axis=axis))


SUM_PRODUCT = Semiring(lambda array: array, Contraction, sum_out, scaled=True)


def sum_product(xp: Any) -> Semiring:
    """Return sum-product on the arrays of another library."""
    if xp is np:
        return SUM_PRODUCT
    return Semiring(xp.asarray, partial(Contraction, xp=xp), sum_out, scaled=True, xp=xp)


MAX_PRODUCT = Semiring(lambda array: array, _plain(np.multiply, _max), _reduce(_max), scaled=True)
LOG_SUM = Semiring(log_probability, _plain(np.add, log_sum_exp), _reduce(log_sum_exp), scaled=False)
