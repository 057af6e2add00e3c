"""How sure a score is, and what it would be where tumours are as common as they are.

A series of rare tumours is collected by diagnosis, so its mixture is not that of any clinic.
Weights w_i = pi(y_i) / pi_sample(y_i) make the scores those of a population with prevalence pi
(Elkan 2001); the forecasts themselves move by p'(k) ~ p(k) pi(k) / pi_model(k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, did_you_mean, nearest

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Scores = Callable[[FloatArray, IntArray, FloatArray], FloatArray]


def bootstrap(
    scores: Scores,
    p: FloatArray,
    y: IntArray,
    w: FloatArray,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    rng: np.random.Generator | int | None = None,
) -> FloatArray:
    """Return the percentile interval of each score, (scores, 2), over resamples of the cases."""
    generator = np.random.default_rng(rng)
    drawn = []
    for _ in range(resamples):
        rows = generator.integers(0, len(y), len(y))
        if w[rows].sum() > 0:
            drawn.append(scores(p[rows], y[rows], w[rows]))
    tail = (1 - level) / 2
    return np.quantile(np.array(drawn), [tail, 1 - tail], axis=0).T


def prevalence_vector(
    shares: Mapping[str, float], classes: Sequence[str]
) -> FloatArray:
    """Return declared prevalences as a vector; classes not named share what is left.

    Raises
    ------
    CaseError
        For an unknown class, a negative share, or shares that add up to more than 1.
    """
    for name, share in shares.items():
        if name not in classes:
            raise CaseError(f"prevalence: unknown class '{name}'"
                            f"{did_you_mean(nearest(name, classes))}")  # fmt: skip
        if not 0 <= share <= 1:
            raise CaseError(f"prevalence: the share of {name} is {share:g}, not between 0 and 1")
    total = sum(shares.values())
    others = [name for name in classes if name not in shares]
    if total > 1 + 1e-9 or (not others and abs(total - 1) > 1e-6):
        raise CaseError(f"prevalence: the shares add up to {total:g}, not 1")
    rest = max(1 - total, 0.0) / max(len(others), 1)
    return np.array([shares.get(name, rest) for name in classes])


def prevalence_weights(y: IntArray, prevalence: FloatArray) -> FloatArray:
    """Return the weight of each case that makes the sample's mixture that of `prevalence`.

    Raises
    ------
    CaseError
        If no case at all is of a class that the population has.
    """
    sample = np.bincount(y, minlength=len(prevalence)) / len(y)
    ratio = np.divide(prevalence, sample, out=np.zeros_like(sample), where=sample > 0)
    weights = ratio[y]
    if weights.sum() <= 0:
        raise CaseError("prevalence: the cohort has no case of the classes that are named")
    return np.asarray(weights / weights.mean())


def move_prevalence(p: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return forecasts for another prevalence: p'(k) ~ p(k) after(k) / before(k)."""
    ratio = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    moved = p * ratio
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))
