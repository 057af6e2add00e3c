"""How the rest of a row makes room when one entry moves.

Every scheme moves the row along straight lines, ``row(t) = base + t * slope`` on an interval
of t; proportional, uniform and named-partner have one line, order-preserving has two
(Renooij, IJAR 55:1022, 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.entries import FloatArray

Scheme = Literal["proportional", "uniform", "order-preserving", "partner"]
SCHEMES: tuple[Scheme, ...] = ("proportional", "uniform", "order-preserving", "partner")


@dataclass(frozen=True, eq=False)
class Line:
    """``row(t) = base + t * slope`` for t in [low, high]."""

    low: float
    high: float
    base: FloatArray
    slope: FloatArray

    def at(self, t: float) -> FloatArray:
        """Return the row, (states,)."""
        return self.base + t * self.slope


def lines(
    theta: FloatArray, x: int, scheme: Scheme = "proportional", partner: int | None = None
) -> tuple[Line, ...]:
    """Return the lines along which a row moves, in increasing t.

    Parameters
    ----------
    theta : (states,)
        The row. Entries of 0 are impossible and stay so.
    x
        The entry that is set to t.
    partner
        The entry that gives and takes, for the scheme ``partner``.

    Raises
    ------
    CaseError
        If the scheme is unknown, the entry is 1 (nothing else can move), or the scheme cannot
        move it: the largest entry of a row cannot be moved order-preservingly.
    """
    theta = np.asarray(theta, dtype=np.float64)
    unit = np.zeros_like(theta)
    unit[x] = 1.0
    others = theta.copy()
    others[x] = 0.0
    if scheme not in SCHEMES:
        raise CaseError(f"there is no co-variation '{scheme}'; there are {', '.join(SCHEMES)}")
    if others.sum() <= 0:
        raise CaseError("an entry of 1 has no others that could make room for a change")
    if scheme == "proportional":
        share = others / others.sum()
        return (Line(0.0, 1.0, share, unit - share),)
    if scheme == "uniform":
        share = (others > 0) / (others > 0).sum()
        return (Line(0.0, 1.0, share, unit - share),)
    if scheme == "partner":
        if partner is None or partner == x or not 0 <= partner < len(theta):
            raise CaseError("co-variation 'partner' needs another state of the same row")
        slope = unit.copy()
        slope[partner] = -1.0
        return (Line(0.0, float(theta[x] + theta[partner]), theta - theta[x] * slope, slope),)
    return _order_preserving(theta, x, unit)


def _order_preserving(theta: FloatArray, x: int, unit: FloatArray) -> tuple[Line, ...]:
    possible = np.flatnonzero(theta > 0)
    if x not in possible:
        raise CaseError("an impossible entry has no place in the order of its row")
    ranked = possible[np.argsort(theta[possible], kind="stable")]
    s = int(np.flatnonzero(ranked == x)[0])
    if s == len(ranked) - 1:
        raise CaseError(
            "the largest entry of a row cannot be moved without changing the order; "
            "move a smaller one, or choose another co-variation"
        )
    below, above = ranked[:s], ranked[s + 1 :]
    most = 1.0 / (1 + len(above))  # t at which x and all larger entries are equal
    start = float(theta[x])
    total = float(theta[above].sum())
    # t <= theta_x: smaller entries shrink with t, the larger share what is left
    base, slope = np.zeros_like(theta), unit.copy()
    slope[below] = theta[below] / start
    base[above] = theta[above] / total
    slope[above] = -theta[above] / total * (1 + float(slope[below].sum()))
    down = Line(0.0, start, base, slope)
    # t >= theta_x: everything moves to (0, ..., 0, most, ..., most)
    if most <= start:
        return (down,)
    base, slope = np.zeros_like(theta), unit.copy()
    slope[below] = -theta[below] / (most - start)
    base[below] = theta[below] * most / (most - start)
    slope[above] = (most - theta[above]) / (most - start)
    base[above] = most - most * slope[above]
    return (down, Line(start, most, base, slope))
