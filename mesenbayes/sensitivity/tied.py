"""Parameters that move together: one study that stands behind several rows.

Z is linear in each whole table, so if one number t moves rows of m tables, Z is a polynomial of
degree m in t, and its m + 1 coefficients follow from m + 1 evaluations. Reported for each
source: its share of the variance of the answer, and what the answer would be if the source
counted for nothing, or twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from mesenbayes.errors import CaseError
from mesenbayes.network.table import spread_factor
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.covariation import lines
from mesenbayes.sensitivity.draws import posteriors
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.sources import reweighted, rows_by_source

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TiedFunction:
    """P(hypothesis | e) as a function of one number that several rows share.

    Attributes
    ----------
    coefficients : (hypotheses, degree + 1)
        Z_k(t) in units of P(e), highest power of (2 t - low - high) / (high - low) last
        (Chebyshev series).
    """

    names: tuple[str, ...]
    low: float
    high: float
    coefficients: FloatArray = field(repr=False)

    @property
    def degree(self) -> int:
        """Number of tables that the number enters."""
        return int(self.coefficients.shape[1] - 1)

    def __call__(self, t: ArrayLike) -> FloatArray:
        """Return P(hypothesis | e), (*t.shape, hypotheses)."""
        t = np.asarray(t, dtype=np.float64)
        x = (2 * t - self.low - self.high) / (self.high - self.low)
        z = np.moveaxis(np.polynomial.chebyshev.chebval(x, self.coefficients.T), 0, -1)
        return np.asarray(z / z.sum(axis=-1, keepdims=True))


def tied_function(problem: Problem, parameters: Sequence[int]) -> TiedFunction:
    """Return the answer as a function of the common value of several entries.

    Parameters
    ----------
    parameters
        Entries, one a row, that are all set to the same t; the others of each row in
        proportion.

    Raises
    ------
    CaseError
        If two entries are of one row, or none is given.
    """
    e = problem.entries
    rows = [int(e.row_of[i]) for i in parameters]
    if not rows or len(set(rows)) != len(rows):
        raise CaseError("tied entries must be of different rows, and at least one")
    degree = len({int(e.variable[i]) for i in parameters})

    def row_at(row: int, t: float) -> FloatArray:
        i = parameters[rows.index(row)]
        return lines(e.theta[e.members(row)], int(e.state[i]))[0].at(t)

    # Chebyshev nodes inside (0, 1): at the ends the findings may be impossible
    x = np.cos(np.pi * (2 * np.arange(degree + 1) + 1) / (2 * degree + 2))
    z = _joint(problem, rows, [float(t) for t in (x + 1) / 2], row_at)
    series = np.polynomial.chebyshev.chebfit(x, z, degree)
    return TiedFunction(problem.names, 0.0, 1.0, np.asarray(series, dtype=np.float64).T)


def _joint(
    problem: Problem,
    rows: Sequence[int],
    values: Sequence[float],
    row_at: Callable[[int, float], FloatArray],
) -> FloatArray:
    """Return Z_k in units of P(e) with rows moved, (values, hypotheses)."""
    e = problem.entries
    drawn: dict[str, FloatArray] = {}
    for r in rows:
        table = problem.network.tables[problem.network.variables[e.row_variable[r]].name]
        if table.variable not in drawn:
            means = np.stack([row.mean for row in table.rows])
            drawn[table.variable] = np.repeat(means[None], len(values), axis=0)
        moved = np.stack([row_at(r, t) for t in values])
        drawn[table.variable][:, e.row_number[r]] = moved
    mass, log_evidence = posteriors(problem, drawn)
    scale = np.nan_to_num(np.exp(log_evidence - problem.log_evidence), nan=0.0)
    return np.asarray(np.nan_to_num(mass, nan=0.0) * scale[:, None])


def per_source(
    problem: Problem, choice: Choice | None = None, by: Literal["source", "study"] = "source"
) -> pd.DataFrame:
    """Return what rests on each source, all its rows moved together.

    Parameters
    ----------
    by
        ``study`` for each series of a source by itself.

    Returns
    -------
    One row for each source with a row that can matter, by its share: source, rows, tables,
    share (of the variance of the leading probability, to first order; a row's share is divided
    among its studies and priors by their weight), probability of the leading hypothesis if the
    source counted for nothing and if it counted twice (other studies as they are), who leads
    then, and whether the choice changes.
    """
    import pandas as pd

    e, reached = problem.entries, set(problem.reached.tolist())
    wanted = choice or Choice.diagnosis(problem.names)
    now, leading = int(wanted.recommended(problem.mass)), int(problem.mass.argmax())
    share = row_shares(problem, leading)
    found = []
    for source, rows in rows_by_source(e, by).items():
        mine = {r: weight for r, weight in rows.items() if r in reached}
        if not mine:
            continue

        def row_at(r: int, t: float, source: str = source) -> FloatArray:
            states = problem.network.variables[e.row_variable[r]].states
            alpha = reweighted(e.source_row(r), states, {source: t}, by)
            return np.asarray(alpha / alpha.sum())

        z = _joint(problem, list(mine), [0.0, 2.0], row_at)
        mass = z / z.sum(axis=1, keepdims=True)
        chosen = wanted.recommended(mass)
        found.append(
            (
                source,
                len(mine),
                len({int(e.row_variable[r]) for r in mine}),
                sum(share[r] * weight for r, weight in mine.items()),
                problem.mass[leading],
                mass[0, leading],
                mass[1, leading],
                problem.names[int(mass[0].argmax())],
                bool((mass.argmax(axis=1) != leading).any()),
                bool((chosen != now).any()),
            )
        )
    columns = ["source", "rows", "tables", "share", "probability", "without", "twice",
               "leads_without", "flips", "choice_changes"]  # fmt: skip
    frame = pd.DataFrame(found, columns=columns)
    frame = frame.sort_values("share", ascending=False, ignore_index=True)
    if len(frame):
        first, flips = frame.iloc[0], int(frame["flips"].sum())
        frame.attrs["sentence"] = (
            f"{first['source']} carries {first['share']:.0%} of the uncertainty of "
            f"P({problem.names[leading]}); counted not at all or twice, {flips} of {len(frame)} "
            f"{by}s put another diagnosis first."
        ).replace("studys", "studies")
    return frame


def row_shares(problem: Problem, hypothesis: int) -> FloatArray:
    """Return each row's share of the variance of a posterior, to first order, (rows,).

    Var(q) = sum over rows [sum_x theta_x g_x^2 - (sum_x theta_x g_x)^2] / (N + 1)
    (Van Allen, Greiner & Hooper 2001), g = (G^h - q G^0) / Z; for states worth less than one
    case see :func:`mesenbayes.network.table.spread_factor`.
    """
    e = problem.entries
    g = problem.gradient[hypothesis] - problem.mass[hypothesis] * problem.gradient.sum(axis=0)
    off = g - e.row_sum(e.theta * g)[e.row_of]
    spread = e.row_sum(spread_factor(e.alpha) * e.theta * off**2)
    terms = spread / (e.strength + 1)
    total = terms.sum()
    return np.asarray(terms / total if total > 0 else terms)
