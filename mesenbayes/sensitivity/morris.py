"""Morris screening: a cheap look at every row before anything expensive.

Each row has one knob: its largest entry at a quantile of its own Beta distribution, the others
in proportion. A trajectory turns one knob after the other; the change of the answer at a turn,
per unit of the knob, is an elementary effect. mu* is their mean size, sigma their spread:
a large sigma means that the effect depends on the others (Morris, Technometrics 33:161, 1991;
mu* of Campolongo, Cariboni & Saltelli 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.covariation import lines
from mesenbayes.sensitivity.draws import posteriors
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem, Progress, silent
from mesenbayes.sensitivity.sources import source_names

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = 4
_LOW, _HIGH = 0.05, 0.95
"""Quantiles between which a knob turns."""


def morris(
    problem: Problem,
    hypothesis: str | None = None,
    *,
    trajectories: int = 10,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = None,
) -> pd.DataFrame:
    """Return mu*, mu and sigma of every row that can matter, the largest mu* first.

    Parameters
    ----------
    hypothesis
        By default the most probable.
    trajectories
        Each costs as many answers as there are rows, and one.

    Raises
    ------
    CaseError
        Without a trajectory.
    """
    import pandas as pd

    if trajectories < 1:
        raise CaseError(f"Morris screening needs trajectories, not {trajectories}")
    k = int(problem.mass.argmax()) if hypothesis is None else problem.names.index(hypothesis)
    generator = np.random.default_rng(rng)
    e, rows = problem.entries, problem.reached
    steps = np.linspace(_LOW, _HIGH, _LEVELS)
    knob = [_positions(e.alpha[e.members(int(r))], steps) for r in rows]
    jump = _LEVELS // 2
    effects = np.empty((trajectories, len(rows)))
    for t in range(trajectories):
        start = generator.integers(0, _LEVELS - jump, len(rows))
        up = generator.random(len(rows)) < 0.5
        before, after = np.where(up, start, start + jump), np.where(up, start + jump, start)
        order = generator.permutation(len(rows))
        turned = np.argsort(order)  # the step at which each knob turns
        drawn: dict[str, FloatArray] = {}
        for i, r in enumerate(rows):
            table = problem.network.tables[problem.network.variables[e.row_variable[r]].name]
            if table.variable not in drawn:
                means = np.stack([row.mean for row in table.rows])
                drawn[table.variable] = np.repeat(means[None], len(rows) + 1, axis=0)
            values = drawn[table.variable][:, e.row_number[r]]
            values[: turned[i] + 1] = knob[i][before[i]]
            values[turned[i] + 1 :] = knob[i][after[i]]
        q = posteriors(problem, drawn)[0][:, k]
        effects[t, order] = np.diff(q)
        effects[t] *= np.where(up, 1, -1) / (steps[jump] - steps[0])
        progress(t + 1, trajectories)
    row = [e.source_row(int(r)) for r in rows]
    frame = pd.DataFrame(
        {
            "row": [e.row_label(int(r)) for r in rows],
            "mu_star": np.abs(effects).mean(axis=0),
            "mu": effects.mean(axis=0),
            "sigma": effects.std(axis=0, ddof=1) if trajectories > 1 else np.nan,
            "origin": [one.origin for one in row],
            "sources": [", ".join(source_names(one)) for one in row],
        }
    )
    frame = frame.sort_values("mu_star", ascending=False, ignore_index=True)
    if len(frame):
        frame.attrs["sentence"] = (
            f"Turned from end to end, {frame['row'].iloc[0]} moves P({problem.names[k]}) by "
            f"{frame['mu_star'].iloc[0]:.2g} on average."
        )
    return frame


def _positions(alpha: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return the row with its largest entry at quantiles of its Beta, (quantiles, states)."""
    from scipy.special import betaincinv

    x, total = int(alpha.argmax()), alpha.sum()
    line = lines(alpha / total, x)[0]
    return np.stack([line.at(float(betaincinv(alpha[x], total - alpha[x], q))) for q in quantiles])
