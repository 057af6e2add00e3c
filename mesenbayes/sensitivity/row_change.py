"""The least change of one row that reaches a goal.

One row, entries free. Some option d' overtakes d if C.theta' + D >= 0, C the derivatives of
N_d' - N_d in the row. Of all rows within distance delta the best multiplies a set S of entries
by exp(delta) and renormalises; S is a prefix of the entries in decreasing C. With
tau = -D, p_S the mass of S and m_S, m_R the means of C in and outside S:

    exp(delta) p_S (m_S - tau) = (1 - p_S) (tau - m_R),     least over the prefixes.
"""

from __future__ import annotations

import numpy as np

from mesenbayes.sensitivity.entries import FloatArray


def least_together(
    theta: FloatArray, events: list[tuple[FloatArray, float]], members: slice
) -> float:
    """Return the least distance at which a row meets all of some linear conditions.

    The largest of their distances one by one, if its own row meets all; else a linear program
    bisected on the distance.
    """
    conditions = []
    worst, row = 0.0, theta
    for slope, offset in events:
        c = slope[members]
        distance, candidate = least_row_change(theta, c, offset - float(c @ theta))
        if not np.isfinite(distance):
            return float("inf")
        conditions.append((c, offset - float(c @ theta)))
        if distance > worst:
            worst, row = distance, candidate
    if all(c @ row + d >= -1e-9 for c, d in conditions):
        return worst
    return _bisected(theta, conditions, worst)


def _bisected(theta: FloatArray, conditions: list[tuple[FloatArray, float]], low: float) -> float:
    from scipy.optimize import linprog

    possible = theta > 0
    n = int(possible.sum())

    def feasible(delta: float) -> bool:
        # theta'_x = w_x theta_x with v <= w <= v exp(delta), v > 0 free: rows (w, v)
        c = np.stack([c[possible] * theta[possible] + d * theta[possible] for c, d in conditions])
        upper = np.hstack([np.eye(n), -np.exp(delta) * np.ones((n, 1))])
        lower = np.hstack([-np.eye(n), np.ones((n, 1))])
        meets = np.hstack([-c, np.zeros((len(c), 1))])
        equal = np.append(theta[possible], 0.0)[None]
        answer = linprog(
            np.zeros(n + 1),
            A_ub=np.vstack([upper, lower, meets]),
            b_ub=np.zeros(2 * n + len(c)),
            A_eq=equal,
            b_eq=[1.0],
        )
        return bool(answer.status == 0)

    high = max(2 * low, 1.0)
    while not feasible(high):
        high *= 2
        if high > 60:
            return float("inf")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if feasible(middle) else (middle, high)
    return high


def least_row_change(theta: FloatArray, c: FloatArray, d: float) -> tuple[float, FloatArray]:
    """Return the least distance at which a row reaches ``c @ row + d >= 0``, and that row.

    Infinite if no row with the same zeros does. 0 if the row does already.
    """
    if c @ theta + d >= 0:
        return 0.0, theta
    possible = np.flatnonzero(theta > 0)
    if c[possible].max() + d <= 1e-11 * np.abs(c).max():
        return float("inf"), theta  # reached at most in the limit, by rounding
    order = possible[np.argsort(-c[possible], kind="stable")]
    p, g = theta[order], theta[order] * c[order]
    mass, part = np.cumsum(p)[:-1], np.cumsum(g)[:-1]
    tau, rest, whole = -d, 1 - mass, g.sum()
    above = part - tau * mass  # p_S (m_S - tau)
    below = tau * rest - (whole - part)  # (1 - p_S) (tau - m_R)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where((above > 0) & (below > 0), np.log(below / above), np.inf)
    distance = np.where(distance >= 0, distance, np.inf)
    if not distance.size or not np.isfinite(distance.min()):
        return float("inf"), theta
    s = int(distance.argmin())
    row = theta.copy()
    row[order[: s + 1]] *= np.exp(distance[s])
    return float(distance[s]), row / row.sum()


def best_row(theta: FloatArray, c: FloatArray, distance: float) -> FloatArray:
    """Return the row within `distance` of `theta` with the largest ``c @ row``."""
    order = np.argsort(-c, kind="stable")
    p, g = theta[order], theta[order] * c[order]
    up = np.expm1(distance)
    value = (g.sum() + up * np.cumsum(g)) / (1 + up * np.cumsum(p))
    row = theta.copy()
    row[order[: int(value.argmax()) + 1]] *= np.exp(distance)
    return np.asarray(row / row.sum())
