"""Joint draws of the rows that matter, and the posterior under each draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesenbayes.network.table import draw_dirichlets
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem, Progress, silent

RowDraws = Mapping[str, FloatArray]
"""Variable -> (draws, rows, states)."""

_BYTES = 2**27
"""Expanded tables of one chunk of draws stay below this."""


def draw_rows(
    problem: Problem, size: int, rng: np.random.Generator, rows: Sequence[int] | None = None
) -> dict[str, FloatArray]:
    """Draw rows as independent Dirichlets, in the order of the network.

    Parameters
    ----------
    rows
        Positions among all rows; by default every row that can matter for the case.

    Returns
    -------
    Variable -> (size, rows of its table, states); rows not drawn stand at their mean.
    """
    e = problem.entries
    wanted = problem.reached if rows is None else np.asarray(rows, dtype=np.intp)
    wanted = np.sort(wanted[np.isfinite(e.strength[wanted])])
    drawn: dict[str, FloatArray] = {}
    for v in np.unique(e.row_variable[wanted]):
        table = problem.network.tables[problem.network.variables[v].name]
        numbers = e.row_number[wanted[e.row_variable[wanted] == v]]
        values = np.empty((size, len(table.rows), len(table.rows[0].alpha)))
        values[:] = np.stack([row.mean for row in table.rows])
        alpha = np.stack([table.rows[r].alpha for r in numbers])
        values[:, numbers] = draw_dirichlets(alpha, size, rng)
        drawn[table.variable] = values
    return drawn


def posteriors(
    problem: Problem, rows: RowDraws, progress: Progress = silent
) -> tuple[FloatArray, FloatArray]:
    """Return P(hypothesis | e), (draws, hypotheses), and ln P(e), (draws,), in every draw.

    Tables that are not in `rows` stay at their means; without any there is one draw.
    """
    if not rows:
        return problem.mass[None].copy(), np.array([problem.log_evidence])
    size = len(next(iter(rows.values())))
    width = 8 * sum(problem.network.tables[name].probability.size for name in rows)
    chunk = max(1, min(size, _BYTES // max(width, 1)))
    mass = np.empty((size, len(problem.hypotheses)))
    log_evidence = np.empty(size)
    for begin in range(0, size, chunk):
        part = slice(begin, min(begin + chunk, size))
        tables = {
            name: values[part][:, problem.network.tables[name].row_index]
            for name, values in rows.items()
        }
        mass[part], log_evidence[part] = problem.with_tables(tables)
        progress(part.stop, size)
    return mass, log_evidence
