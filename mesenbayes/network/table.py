"""A conditional probability table whose every row can be asked who says so.

A row is a Dirichlet: the counts behind it (already discounted for trust, overlap and
between-study variation), plus a declared prior. Rows are *shared*: one row may serve
several parent states (a stain in a tumour whose genotype was not studied apart), and a
change of that row changes all of them, which is what sensitivity to a source means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Origin = Literal["counts", "borrowed", "prior", "definition"]
"""Who says so: studies of this very cell; studies of its neighbours, widely; a declared
prior; or a definition (a leiomyoma of the uterus sits in the uterus)."""


@dataclass(frozen=True)
class Study:
    """One study behind a row: `k` of `n` per state, and the cases it counts for after
    discounting."""

    source_id: str
    counts: tuple[tuple[str, int], ...]
    n: int
    effective_n: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Row:
    """One Dirichlet distribution over the states of a variable.

    Parameters
    ----------
    alpha : (states,)
        Dirichlet parameters. An entry of 0 is a state excluded by definition. A row with
        ``origin="definition"`` is certain: it is not varied in any uncertainty analysis.
    origin, reason
        Who says so, and the sentence that explains it.
    studies
        The studies pooled into `alpha`.
    """

    alpha: NDArray[np.float64]
    origin: Origin
    reason: str = ""
    studies: tuple[Study, ...] = ()

    @property
    def mean(self) -> NDArray[np.float64]:
        """Expected probabilities, shape (states,)."""
        return np.asarray(self.alpha / self.alpha.sum())

    @property
    def strength(self) -> float:
        """Total of the Dirichlet parameters: how many cases the row is worth."""
        return float(self.alpha.sum())

    @property
    def is_certain(self) -> bool:
        """Whether the row holds by definition or leaves only one state possible."""
        return self.origin == "definition" or int((self.alpha > 0).sum()) < 2


@dataclass(frozen=True, eq=False)
class Table:
    """P(variable | parents).

    Parameters
    ----------
    variable
        Name of the child.
    parents
        Names of the parents, in the order of the axes.
    rows
        The distinct Dirichlet rows.
    row_index : integer array, shape of the parents' cardinalities
        Which row serves each combination of parent states.
    """

    variable: str
    parents: tuple[str, ...]
    rows: tuple[Row, ...]
    row_index: NDArray[np.intp] = field(repr=False)

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """Mean probabilities, shape (*parents, states)."""
        means = np.stack([row.mean for row in self.rows])
        return np.asarray(means[self.row_index])

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw `size` tables, shape (size, *parents, states); shared rows stay shared."""
        sampled = draw_dirichlets(np.stack([row.alpha for row in self.rows]), size, rng)
        certain = np.array([row.is_certain for row in self.rows])
        sampled[:, certain] = np.stack([row.mean for row in self.rows])[certain]
        return np.asarray(sampled[:, self.row_index])


def draw_dirichlets(
    alpha: NDArray[np.float64], size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw probabilities from rows: what the counts behind them leave open.

    A Dirichlet is a vector of gamma variates divided by its sum. A state worth less than one
    case (a rare tumour in a prior, a stain that nobody saw positive) would get a gamma of
    shape far below 1, of which nearly all draws are 0 to a hundred decimals: not what is
    believed of it. Its variate is an exponential of the same mean instead, known to about a
    factor of ten either way; see :func:`spread_factor` for the same in a variance.

    Parameters
    ----------
    alpha : (rows, states)

    Returns
    -------
    (size, rows, states), each row summing to 1
    """
    shape = np.maximum(alpha, 1.0)
    gamma = rng.standard_gamma(shape, size=(size, *alpha.shape)) * (alpha / shape)
    return np.asarray(gamma / gamma.sum(axis=-1, keepdims=True))


def spread_factor(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor on a state's share of a Dirichlet variance: min(1, alpha).

    With independent variates of mean alpha and variance alpha^2 / max(alpha, 1), the linear
    variance of sum_x g_x theta_x is  sum_x min(1, alpha_x) theta_x (g_x - g)^2 / (N + 1),
    g the mean of the g_x: that of a Dirichlet where every alpha is 1 or more.
    """
    return np.minimum(alpha, 1.0)
