"""Intervals of a rate: of one study, of the pooled cell, of one more laboratory."""

from __future__ import annotations

from scipy.special import betaincinv, ndtri

LEVEL = 0.95

Interval = tuple[float, float]


def wilson_interval(k: float, n: float, level: float = LEVEL) -> Interval:
    """Return the score interval of `k` of `n` (Wilson, J Am Stat Assoc 22:209, 1927).

    With p = k / n and z the normal quantile,

        [ p + z^2 / 2n  -+  z sqrt( p (1 - p) / n + z^2 / 4n^2 ) ] / (1 + z^2 / n)

    Raises
    ------
    ValueError
        Unless 0 <= k <= n and n > 0.
    """
    if not 0 <= k <= n or n <= 0:
        raise ValueError(f"{k} of {n} is not a rate")
    z = float(ndtri((1 + level) / 2))
    p = k / n
    middle = p + z * z / (2 * n)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    scale = 1 + z * z / n
    # Rounding must not push an end past the rate itself, where that is 0 or 1.
    return max(min((middle - half) / scale, p), 0.0), min(max((middle + half) / scale, p), 1.0)


def beta_interval(a: float, b: float, level: float = LEVEL) -> Interval:
    """Return the central interval of Beta(a, b); a point where one of them is 0."""
    if a <= 0 or b <= 0:
        point = 1.0 if b <= 0 else 0.0
        return point, point
    tail = (1 - level) / 2
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def prediction_interval(a: float, b: float, rho: float, level: float = LEVEL) -> Interval:
    """Return the interval of the rate that one more laboratory would find in the long run.

    Laboratories scatter about the pooled mean as a Beta of precision 1/rho - 1, rho being
    their intra-class correlation. A cell that is worth less than that is not even known to
    this precision, so the precision is the smaller of 1/rho - 1 and a + b.

    Parameters
    ----------
    a, b
        Beta parameters of the pooled rate.
    rho
        Between-study correlation of the kind of finding, in (0, 1).
    """
    strength = a + b
    precision = min(strength, 1 / rho - 1)
    return beta_interval(a / strength * precision, b / strength * precision, level)
