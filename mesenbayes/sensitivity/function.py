"""One-way sensitivity: every posterior as a function of every parameter, from two passes.

With t = theta_x and the other entries of its row in proportion,

    q(t) = (a1 t + b1) / (a0 t + b0),   a_k = G_x - sum_{y != x} G_y theta_y / (1 - theta_x),
                                        b_k = Z_k - a_k theta_x

(Coupé & van der Gaag 2002; Chan & Darwiche 2002). Units: everything is divided by P(e), so
a0 theta + b0 = 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError, UnknownState
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.covariation import Scheme, lines
from mesenbayes.sensitivity.entries import Entries, FloatArray, IntArray
from mesenbayes.sensitivity.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = 1e-12
"""A slope below this is rounding: the parameter has no influence."""


@dataclass(frozen=True, eq=False)
class OneWay:
    """The sensitivity functions of every parameter of a case.

    Attributes
    ----------
    problem
        The case.
    choice
        What the answer is used for; its admissible intervals are reported.
    a, b : (hypotheses, parameters)
        Z_k(t) = a t + b, divided by P(e).
    movable : (parameters,)
        False for entries of 1, which no proportional change can move.
    """

    problem: Problem = field(repr=False)
    choice: Choice = field(repr=False)
    a: FloatArray = field(repr=False)
    b: FloatArray = field(repr=False)
    movable: NDArray[np.bool_] = field(repr=False)

    @property
    def entries(self) -> Entries:
        """The parameters."""
        return self.problem.entries

    def position(self, hypothesis: str | int | None) -> int:
        """Return the position of a hypothesis; None is the most probable one."""
        if hypothesis is None:
            return int(self.problem.mass.argmax())
        if isinstance(hypothesis, int):
            return hypothesis
        if hypothesis not in self.problem.names:
            raise UnknownState("the answer", hypothesis, self.problem.names)
        return self.problem.names.index(hypothesis)

    def value(self, parameter: int, t: ArrayLike) -> FloatArray:
        """Return P(hypothesis | e) at values `t` of one parameter, (*t.shape, hypotheses)."""
        t = np.asarray(t, dtype=np.float64)[..., None]
        z = self.a[:, parameter] * t + self.b[:, parameter]
        total = z.sum(axis=-1, keepdims=True)
        # NaN where this value of the parameter makes the findings impossible
        share = np.divide(z, total, out=np.full_like(z, np.nan), where=total > CONSTANT)
        return np.asarray(share)

    def at(self, t: FloatArray, hypothesis: str | int | None = None) -> FloatArray:
        """Return P(hypothesis | e) with each parameter alone at its `t`, (parameters,)."""
        k = self.position(hypothesis)
        total = self.a.sum(axis=0) * t + self.b.sum(axis=0)
        z = self.a[k] * t + self.b[k]
        return np.asarray(np.divide(z, total, out=np.full_like(z, np.nan), where=total > 0))

    def derivative(self, hypothesis: str | int | None = None) -> FloatArray:
        """Return q'(theta) = (a1 b0 - b1 a0) / (a0 theta + b0)^2, (parameters,)."""
        k = self.position(hypothesis)
        slope = self.a[k] * self.b.sum(axis=0) - self.b[k] * self.a.sum(axis=0)
        return np.where(np.abs(slope) < CONSTANT, 0.0, slope)

    def bound(self, hypothesis: str | int | None = None) -> FloatArray:
        """Return q (1 - q) / (theta (1 - theta)), which no derivative exceeds, (parameters,).

        Chan & Darwiche, JAIR 17:265, 2002.
        """
        q, theta = float(self.problem.mass[self.position(hypothesis)]), self.entries.theta
        spread = theta * (1 - theta)
        return np.divide(q * (1 - q), spread, out=np.full_like(theta, np.inf), where=spread > 0)

    def vertex(self, hypothesis: str | int | None = None) -> FloatArray:
        """Return the t at which the hyperbola bends most sharply, (parameters,).

        s = -b0/a0, r = b1/a0 + s a1/a0, t* = s +- sqrt|r| (van der Gaag, Renooij & Coupé 2007).
        NaN where the function is linear or constant.
        """
        k = self.position(hypothesis)
        a1, b1, a0, b0 = self.a[k], self.b[k], self.a.sum(axis=0), self.b.sum(axis=0)
        bent = (np.abs(a0) > CONSTANT) & (self.derivative(k) != 0)
        safe = np.where(bent, a0, 1.0)
        s = -b0 / safe
        r = b1 / safe + s * a1 / safe
        t = s + np.where(s < 0, 1, -1) * np.sqrt(np.abs(r))
        return np.where(bent, t, np.nan)

    @cached_property
    def admissible(self) -> FloatArray:
        """The interval of each parameter in which the choice stays, (parameters, 2).

        NaN on a side where no value up to 0 or 1 changes the choice: impossible by this
        parameter.
        """
        low, high = self.choice.stays(self.a, self.b, self.entries.theta)
        still = ~self.movable | self._no_influence
        edges = np.stack([low, high], axis=1)
        # Where P(e) vanishes, all options tie at 0/0: that is no change of choice.
        a0, b0 = self.a.sum(axis=0)[:, None], self.b.sum(axis=0)[:, None]
        inside = (edges >= 0) & (edges <= 1) & ~still[:, None]
        possible = a0 * np.where(inside, edges, 0.0) + b0 > CONSTANT
        return np.where(inside & possible, edges, np.nan)

    @cached_property
    def _no_influence(self) -> NDArray[np.bool_]:
        slope = self.a * self.b.sum(axis=0) - self.b * self.a.sum(axis=0)
        return np.asarray((np.abs(slope) < CONSTANT).all(axis=0))

    @cached_property
    def successor(self) -> IntArray:
        """The option that takes over below and above the admissible interval, (parameters, 2).

        -1 where the choice stays.
        """
        answer = np.full(self.admissible.shape, -1, dtype=np.intp)
        for side, sign in enumerate((-1.0, 1.0)):
            edge = self.admissible[:, side]
            found = np.flatnonzero(~np.isnan(edge))
            t = np.clip(edge[found] + sign * 1e-9 * np.maximum(edge[found], 1e-3), 0, 1)
            z = self.a[:, found] * t + self.b[:, found]
            answer[found, side] = self.choice.recommended(z.T)
        return answer

    def interval(self, level: float = 0.95) -> FloatArray:
        """Return the central credible interval of each parameter, (parameters, 2).

        One entry of a Dirichlet is a Beta(alpha_x, N - alpha_x). A row that holds by
        definition has an interval of no width.
        """
        from scipy.special import betaincinv

        e = self.entries
        answer = np.stack([e.theta, e.theta], axis=1)
        free = ~e.certain & (e.alpha > 0)
        a, b = e.alpha[free], e.strength[e.row_of[free]] - e.alpha[free]
        tail = (1 - level) / 2
        answer[free, 0] = betaincinv(a, b, tail)
        answer[free, 1] = betaincinv(a, b, 1 - tail)
        return answer

    def to_frame(
        self, hypothesis: str | int | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return one row for each parameter with any influence, the steepest first."""
        import pandas as pd

        from mesenbayes.sensitivity.sources import source_names

        k = self.position(hypothesis)
        e, slope, interval = self.entries, self.derivative(k), self.interval(level)
        low, high = (self.at(interval[:, side], k) for side in (0, 1))
        order = np.argsort(-np.abs(slope), kind="stable")
        shown = order[slope[order] != 0]
        nodes = self.problem.network.variables
        rows = e.row_of[shown]
        given = {int(r): e.given(int(r)) for r in np.unique(rows)}
        says = {int(r): e.source_row(int(r)) for r in np.unique(rows)}
        options = (*self.choice.options, "")
        return pd.DataFrame(
            {
                "variable": [nodes[e.variable[i]].name for i in shown],
                "given": [given[int(r)] for r in rows],
                "state": [nodes[e.variable[i]].states[e.state[i]] for i in shown],
                "hypothesis": self.problem.names[k],
                "value": e.theta[shown],
                "derivative": slope[shown],
                "bound": self.bound(k)[shown],
                "vertex_distance": np.abs(self.vertex(k) - e.theta)[shown],
                "low": interval[shown, 0],
                "high": interval[shown, 1],
                "posterior_at_low": low[shown],
                "posterior_at_high": high[shown],
                "admissible_low": self.admissible[shown, 0],
                "admissible_high": self.admissible[shown, 1],
                "below": [options[i] for i in self.successor[shown, 0]],
                "above": [options[i] for i in self.successor[shown, 1]],
                "origin": [says[int(r)].origin for r in rows],
                "sources": [", ".join(source_names(says[int(r)])) for r in rows],
            }
        )


@dataclass(frozen=True, eq=False)
class SensitivityFunction:
    """P(hypothesis | e) as a function of one parameter, under any co-variation.

    Attributes
    ----------
    pieces
        (low, high, a, b): Z_k(t) = a t + b on [low, high], with a and b (hypotheses,).
    """

    label: str
    names: tuple[str, ...]
    theta: float
    pieces: tuple[tuple[float, float, FloatArray, FloatArray], ...] = field(repr=False)

    def __call__(self, t: ArrayLike) -> FloatArray:
        """Return P(hypothesis | e), (*t.shape, hypotheses); NaN outside the domain."""
        t = np.asarray(t, dtype=np.float64)
        answer = np.full((*t.shape, len(self.names)), np.nan)
        for low, high, a, b in self.pieces:
            inside = (t >= low - CONSTANT) & (t <= high + CONSTANT)
            z = a * t[..., None] + b
            total = z.sum(axis=-1, keepdims=True)
            good = inside[..., None] & (total > 0)
            answer = np.where(good, z / np.where(total > 0, total, 1.0), answer)
        return answer

    @property
    def domain(self) -> tuple[float, float]:
        """Smallest and largest t."""
        return self.pieces[0][0], self.pieces[-1][1]


def one_way(problem: Problem, choice: Choice | None = None) -> OneWay:
    """Return the sensitivity functions of every parameter for every hypothesis.

    Parameters
    ----------
    choice
        By default the most probable hypothesis.
    """
    e, g, mass = problem.entries, problem.gradient, problem.mass
    summed = e.row_sum(g * e.theta)[:, e.row_of]
    movable = e.theta < 1
    rest = np.where(movable, 1 - e.theta, 1.0)
    a = np.where(movable, g - (summed - g * e.theta) / rest, 0.0)
    b = mass[:, None] - a * e.theta
    return OneWay(problem, choice or Choice.diagnosis(problem.names), a, b, movable)


def sensitivity_function(
    problem: Problem,
    parameter: int,
    scheme: Scheme = "proportional",
    partner: str | None = None,
) -> SensitivityFunction:
    """Return one parameter's function under a co-variation scheme.

    Parameters
    ----------
    parameter
        From :meth:`Entries.find`.
    partner
        State that makes room, for the scheme ``partner``.
    """
    e = problem.entries
    members = e.members(int(e.row_of[parameter]))
    theta, g = e.theta[members], problem.gradient[:, members]
    states = problem.network.variables[e.variable[parameter]].states
    if partner is not None and partner not in states:
        raise CaseError(f"{partner} is not among {', '.join(states)}")
    y = None if partner is None else states.index(partner)
    # Z_k(row) = G_k (row - theta) + Z_k, linear in the row
    pieces = tuple(
        (
            line.low,
            line.high,
            g @ line.slope,
            problem.mass + g @ (line.base - theta),
        )
        for line in lines(theta, int(e.state[parameter]), scheme, y)
    )
    return SensitivityFunction(
        e.label(parameter), problem.names, float(e.theta[parameter]), pieces
    )
