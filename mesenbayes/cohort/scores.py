"""Proper scores of probabilistic diagnoses, for many classes and weighted cases.

N cases, K classes: `p` is (N, K) with rows that add up to 1, `y` (N,) the true class, `w` (N,)
weights (None: all alike).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def shares(w: FloatArray | None, n: int) -> FloatArray:
    """Return the weights as shares that add up to 1."""
    if w is None:
        return np.full(n, 1.0 / n)
    return np.asarray(w / w.sum())


def check(p: FloatArray, y: IntArray, w: FloatArray | None = None) -> None:
    """Refuse what is not a set of forecasts with their outcomes.

    Raises
    ------
    CaseError
        In a sentence.
    """
    if p.ndim != 2 or len(p) == 0 or len(p) != len(y):
        raise CaseError(f"forecasts of shape {p.shape} do not go with {len(y)} outcomes")
    if not np.allclose(p.sum(axis=1), 1, atol=1e-6) or (p < 0).any():
        raise CaseError("the forecasts of a case are probabilities that add up to 1")
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise CaseError("an outcome is none of the classes")
    if w is not None and (len(w) != len(y) or (w < 0).any() or w.sum() <= 0):
        raise CaseError("weights are one number >= 0 for each case, not all 0")


def log_score(p: FloatArray, y: IntArray, w: FloatArray | None = None) -> float:
    """Return the mean of -ln p(truth), nats; infinite where the truth was called impossible."""
    with np.errstate(divide="ignore"):
        surprise = -np.log(p[np.arange(len(y)), y])
    used = shares(w, len(y))
    return float(surprise[used > 0] @ used[used > 0])


def brier_score(p: FloatArray, y: IntArray, w: FloatArray | None = None) -> float:
    """Return the mean of sum_k (p_k - [y = k])^2, between 0 and 2 (Brier 1950)."""
    outcome = np.eye(p.shape[1])[y]
    return float(((p - outcome) ** 2).sum(axis=1) @ shares(w, len(y)))


def top_k(p: FloatArray, y: IntArray, k: int, w: FloatArray | None = None) -> float:
    """Return how often the truth is among the `k` most probable classes.

    A class as probable as the truth that stands before it counts against it.
    """
    truth = p[np.arange(len(y)), y][:, None]
    before = np.arange(p.shape[1])[None, :] < y[:, None]
    rank = (p > truth).sum(axis=1) + ((p == truth) & before).sum(axis=1)
    return float((rank < k) @ shares(w, len(y)))


@dataclass(frozen=True)
class BrierParts:
    """The Brier score taken apart (Stephenson, Coelho & Jolliffe 2008), summed over classes.

        Brier = reliability - resolution + uncertainty + within_bins

    The last term is what binning hides; without it the parts of Murphy (1973) do not add up.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float

    @property
    def total(self) -> float:
        """The Brier score."""
        return self.reliability - self.resolution + self.uncertainty + self.within_bins


def brier_parts(
    p: FloatArray, y: IntArray, w: FloatArray | None = None, bins: int = 10
) -> BrierParts:
    """Return the parts of the Brier score over equal-count bins of each class."""
    used = shares(w, len(y))
    reliability = resolution = uncertainty = within = 0.0
    for k in range(p.shape[1]):
        outcome = (y == k).astype(float)
        mean = float(outcome @ used)
        uncertainty += mean * (1 - mean)
        for rows in equal_count_bins(p[:, k], bins):
            mass = float(used[rows].sum())
            if mass == 0:
                continue
            local = used[rows] / mass
            forecast, observed = p[rows, k], outcome[rows]
            f, o = float(forecast @ local), float(observed @ local)
            reliability += mass * (f - o) ** 2
            resolution += mass * (o - mean) ** 2
            within += mass * float(
                ((forecast - f) ** 2 - 2 * (forecast - f) * (observed - o)) @ local
            )
    return BrierParts(reliability, resolution, uncertainty, within)


def equal_count_bins(values: FloatArray, bins: int) -> list[IntArray]:
    """Return the rows of each bin; equal values are never torn apart."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    edges = [0]
    for b in range(1, bins):
        edge = round(b * len(values) / bins)
        edge = int(np.searchsorted(ranked, ranked[min(edge, len(ranked) - 1)], side="left"))
        if edge > edges[-1]:
            edges.append(edge)
    edges.append(len(values))
    return [order[a:b] for a, b in itertools.pairwise(edges) if b > a]


@dataclass(frozen=True)
class Surprise:
    """Whether the cases are as surprising as the forecasts themselves expect.

    Of forecasts that are right, -ln p(truth) has the mean sum_k -p_k ln p_k. `z` is the sum of
    the differences in standard deviations (Spiegelhalter 1986 for the Brier score): far above 0
    the network is surer than it should be, far below it is less sure than it could be.
    """

    expected: float
    observed: float
    z: float

    @property
    def is_consistent(self) -> bool:
        """Whether |z| < 3."""
        return bool(abs(self.z) < 3)


def surprise(p: FloatArray, y: IntArray, w: FloatArray | None = None) -> Surprise:
    """Return observed and expected surprise of a set of forecasts."""
    used = shares(w, len(y))
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    finite = np.where(p > 0, log_p, 0.0)
    entropy = -(p * finite).sum(axis=1)
    variance = (p * finite**2).sum(axis=1) - entropy**2
    observed = -log_p[np.arange(len(y)), y]
    spread = float(np.sqrt(np.maximum(variance, 0) @ used**2))
    difference = log_score(p, y, w) - float(entropy @ used)
    z = difference / spread if spread > 0 else (0.0 if difference == 0 else np.inf)
    return Surprise(float(entropy @ used), float(observed[used > 0] @ used[used > 0]), float(z))
