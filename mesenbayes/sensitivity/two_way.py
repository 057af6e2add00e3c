"""Two and more parameters at once.

Parameters of different tables: Z_k(t1, t2) is bilinear, four evaluations determine it; n of
them, 2^n. Different rows of one table: bilinear without the product. The same row: jointly
linear, with the other entries in proportion, on the triangle t1 + t2 <= 1
(Kjaerulff & van der Gaag 2000; METHODS 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.covariation import lines
from mesenbayes.sensitivity.draws import posteriors
from mesenbayes.sensitivity.entries import FloatArray, IntArray
from mesenbayes.sensitivity.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST = 12
"""2^12 evaluations; more parameters at once nobody can read."""


@dataclass(frozen=True, eq=False)
class ManyWay:
    """P(hypothesis | e) as a function of several parameters.

    Attributes
    ----------
    coefficients : (2, ..., 2, hypotheses)
        Z_k = sum over subsets S of coefficients[S] prod_{i in S} t_i, in units of P(e).
    same_row
        Whether the parameters are entries of one row: then t must add up to at most 1.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    theta: FloatArray
    coefficients: FloatArray = field(repr=False)
    same_row: bool
    choice: Choice = field(repr=False)

    def joint(self, *t: ArrayLike) -> FloatArray:
        """Return Z_k / P(e at the means), (*broadcast shape, hypotheses)."""
        if len(t) != len(self.labels):
            raise CaseError(f"{len(self.labels)} values are needed, not {len(t)}")
        values = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in t))
        z = np.zeros((*values[0].shape, len(self.names)))
        for subset in product((0, 1), repeat=len(values)):
            term = np.ones(values[0].shape)
            for chosen, value in zip(subset, values, strict=True):
                term = term * value if chosen else term
            z = z + term[..., None] * self.coefficients[subset]
        return z

    def __call__(self, *t: ArrayLike) -> FloatArray:
        """Return P(hypothesis | e); NaN where the values or the findings are impossible."""
        z = self.joint(*t)
        total = z.sum(axis=-1, keepdims=True)
        good = total > 1e-14
        if self.same_row:
            filled = np.sum(np.broadcast_arrays(*t), axis=0)
            good = good & (filled <= 1 + 1e-12)[..., None]
        return np.asarray(np.where(good, z / np.where(total > 0, total, 1.0), np.nan))


@dataclass(frozen=True, eq=False)
class Surface:
    """A two-way analysis on a grid.

    Attributes
    ----------
    x, y : (points,)
        Values of the two parameters.
    posterior : (points of y, points of x, hypotheses)
        NaN outside the domain.
    region : (points of y, points of x)
        Recommended option; -1 outside the domain.
    """

    function: ManyWay = field(repr=False)
    x: FloatArray = field(repr=False)
    y: FloatArray = field(repr=False)
    posterior: FloatArray = field(repr=False)
    region: IntArray = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each grid point and hypothesis (tidy)."""
        import pandas as pd

        shape = self.posterior.shape
        y, x, k = np.meshgrid(self.y, self.x, np.arange(shape[2]), indexing="ij")
        options = (*self.function.choice.options, "")
        chosen = np.broadcast_to(self.region[..., None], shape).ravel()
        return pd.DataFrame(
            {
                self.function.labels[0]: x.ravel(),
                self.function.labels[1]: y.ravel(),
                "hypothesis": [self.function.names[i] for i in k.ravel()],
                "posterior": self.posterior.ravel(),
                "chosen": [options[i] for i in chosen],
            }
        )

    def plot(self, hypothesis: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the surface as shades with the decision regions outlined."""
        from mesenbayes.plots.surface import plot_surface

        return plot_surface(self, hypothesis, ax)


def many_way(
    problem: Problem, parameters: Sequence[int], choice: Choice | None = None
) -> ManyWay:
    """Return the answer as a function of several parameters.

    Parameters
    ----------
    parameters
        From :meth:`Entries.find`; all in different rows, or all in one.

    Raises
    ------
    CaseError
        For a mixture of the two, an entry given twice, or too many.
    """
    e, n = problem.entries, len(parameters)
    if not 1 <= n <= _MOST:
        raise CaseError(f"from 1 to {_MOST} parameters can be varied at once, not {n}")
    if len(set(parameters)) != n:
        raise CaseError("a parameter is given twice")
    rows = [int(e.row_of[i]) for i in parameters]
    wanted = choice or Choice.diagnosis(problem.names)
    labels = tuple(e.label(int(i)) for i in parameters)
    theta = e.theta[list(parameters)]
    if len(set(rows)) == 1 and n > 1:
        linear = _same_row(problem, parameters, rows[0])
        return ManyWay(labels, problem.names, theta, linear, True, wanted)
    if len(set(rows)) < n:
        raise CaseError(
            "parameters must be all of one row or all of different rows; this is a mixture"
        )
    # two values of each parameter inside (0, 1), so that the findings stay possible
    ends = np.stack([theta, np.where(theta < 0.5, theta + 0.4, theta - 0.4)], axis=1)
    corners = list(product((0, 1), repeat=n))
    drawn: dict[str, FloatArray] = {}
    for p, i in enumerate(parameters):
        table = problem.network.tables[problem.network.variables[e.variable[i]].name]
        if table.variable not in drawn:
            means = np.stack([row.mean for row in table.rows])
            drawn[table.variable] = np.repeat(means[None], len(corners), axis=0)
        line = lines(e.theta[e.members(rows[p])], int(e.state[i]))[0]
        for c, corner in enumerate(corners):
            drawn[table.variable][c, e.row_number[rows[p]]] = line.at(float(ends[p, corner[p]]))
    mass, log_evidence = posteriors(problem, drawn)
    scale = np.nan_to_num(np.exp(log_evidence - problem.log_evidence), nan=0.0)
    z = (np.nan_to_num(mass, nan=0.0) * scale[:, None]).reshape(*([2] * n), -1)
    for p in range(n):  # values at two points -> intercept and slope, axis by axis
        low, high = np.take(z, 0, axis=p), np.take(z, 1, axis=p)
        slope = (high - low) / (ends[p, 1] - ends[p, 0])
        z = np.stack([low - slope * ends[p, 0], slope], axis=p)
    return ManyWay(labels, problem.names, theta, z, False, wanted)


def _same_row(problem: Problem, parameters: Sequence[int], row: int) -> FloatArray:
    """Return the linear coefficients of entries of one row, the rest in proportion."""
    e = problem.entries
    members = e.members(row)
    theta, g = e.theta[members], problem.gradient[:, members]
    chosen = [int(e.state[i]) for i in parameters]
    rest = np.delete(np.arange(len(theta)), chosen)
    left = theta[rest].sum()
    if left <= 0:
        raise CaseError(
            "these entries fill their row: leave out one, which takes what the others leave"
        )
    share = g[:, rest] @ theta[rest] / left  # weight of one unit spread over the rest
    n = len(parameters)
    z = np.zeros((*([2] * n), len(problem.names)))
    # Z(row) = Z + G.(row - theta)
    z[(0,) * n] = problem.mass - g @ theta + share
    for p, x in enumerate(chosen):
        place = tuple(int(i == p) for i in range(n))
        z[place] = g[:, x] - share
    return z


def two_way(
    problem: Problem,
    first: int,
    second: int,
    choice: Choice | None = None,
    points: int = 101,
) -> Surface:
    """Return the surface over two parameters, with what is chosen where."""
    function = many_way(problem, (first, second), choice)
    grid = np.linspace(0, 1, points)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    posterior = function(x, y)
    outside = np.isnan(posterior).any(axis=-1)
    region = function.choice.recommended(np.nan_to_num(posterior, nan=1.0))
    return Surface(function, grid, grid, posterior, np.where(outside, -1, region))


def corner_bounds(function: ManyWay, intervals: FloatArray, hypothesis: int) -> tuple[float, float]:
    """Return the least and largest P(hypothesis | e) over a box of parameters.

    In each parameter alone the function is monotone, so the extremes lie at corners.

    Parameters
    ----------
    intervals : (parameters, 2)
    """
    corners = np.array(list(product(*np.asarray(intervals)))).T
    values = function(*corners)[:, hypothesis]
    return float(np.nanmin(values)), float(np.nanmax(values))
