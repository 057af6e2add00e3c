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
        """Draw `size` tables, shape (size, *parents, states); shared rows stay shared.

        A Dirichlet is a vector of gamma variates divided by its sum; where all of them
        underflow (every parameter far below 1) the mean stands.
        """
        alpha = np.stack([row.alpha for row in self.rows])
        mean = np.stack([row.mean for row in self.rows])
        gamma = rng.standard_gamma(alpha, size=(size, *alpha.shape))
        total = gamma.sum(axis=-1, keepdims=True)
        certain = np.array([row.is_certain for row in self.rows])[:, None]
        fixed = certain | (total <= 0)
        sampled = np.where(fixed, mean, gamma / np.where(total > 0, total, 1.0))
        return np.asarray(sampled[:, self.row_index])
