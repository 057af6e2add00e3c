"""How far apart two networks are: the distance of Chan and Darwiche.

D(P, P') = ln max_w P'(w)/P(w) - ln min_w P'(w)/P(w) (IJAR 38:149, 2005) bounds how much any odds
can move: |ln O'(x|y) - ln O(x|y)| <= D. One row changed: the same expression over its entries.
One entry, the others in proportion: |logit t - logit theta|. Several tables: at most the sum.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from mesenbayes.sensitivity.entries import FloatArray


def row_distance(before: ArrayLike, after: ArrayLike) -> float:
    """Return D when one row (or, of shape (rows, states), one whole table) changes.

    Infinite if the two disagree on what is impossible.
    """
    p, q = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if ((p == 0) != (q == 0)).any():
        return float("inf")
    ratio = np.log(q[p > 0] / p[p > 0])
    return float(max(ratio.max(), 0.0) - min(ratio.min(), 0.0)) if p.ndim > 1 else float(
        ratio.max() - ratio.min()
    )


def network_distance_bound(
    before: Mapping[str, ArrayLike], after: Mapping[str, ArrayLike]
) -> float:
    """Return an upper bound of D when several tables change: the sum over the tables."""
    return sum(
        row_distance(
            np.asarray(before[n]).reshape(-1, np.shape(before[n])[-1]),
            np.asarray(after[n]).reshape(-1, np.shape(after[n])[-1]),
        )
        for n in after
    )


def logit(p: ArrayLike) -> FloatArray:
    """Return ln p/(1-p); infinite at 0 and 1."""
    p = np.asarray(p, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))


def parameter_distance(theta: ArrayLike, t: ArrayLike) -> FloatArray:
    """Return |logit t - logit theta|, the distance of a proportional change of one entry."""
    with np.errstate(invalid="ignore"):
        moved = np.abs(logit(t) - logit(theta))
    return np.asarray(np.where(np.asarray(t) == np.asarray(theta), 0.0, moved))


def odds_range(probability: float, distance: float) -> tuple[float, float]:
    """Return the bounds of a probability after a change of at most `distance`.

    ln odds moves by at most D: p e^-D / (p e^-D + 1 - p) to p e^D / (p e^D + 1 - p).
    """
    if distance == float("inf"):
        return 0.0, 1.0
    up = np.exp(distance)
    low = probability / (probability + (1 - probability) * up)
    high = probability * up / (probability * up + 1 - probability)
    return float(low), float(high)


def finding_distance(likelihood: ArrayLike) -> float:
    """Return ln max - ln min of a likelihood: no odds can move more by this finding."""
    values = np.asarray(likelihood, dtype=np.float64)
    if (values <= 0).any():
        return float("inf")
    return float(np.log(values.max() / values.min()))
