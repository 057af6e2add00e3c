"""Robust answers: every row anywhere in its imprecise Dirichlet set.

The imprecise Dirichlet model (Walley, JRSS-B 58:3, 1996) lets s further cases fall on any state:
a row may be (alpha + s p) / (N + s) for every p of the simplex. In one row the posterior is
linear-fractional, so its extremes are at vertices, all s cases on one state; the rows of one
table are optimised jointly. Over several tables they are improved in turn, both passes computed
anew, until nothing moves: the bounds are attained by a network of the set, and exact unless a
better vertex lies across a valley.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Table
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.entries import FloatArray, IntArray
from mesenbayes.sensitivity.problem import Problem, Progress, silent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SWEEPS = 25


@dataclass(frozen=True, eq=False)
class Robust:
    """Bounds of every hypothesis and of the decision.

    Attributes
    ----------
    s
        Cases that may fall anywhere, in each row.
    low, high : (hypotheses tried,)
    always_first
        Whether the most probable hypothesis leads wherever the s cases fall.
    survivors
        Options that are recommended in some network of the set that was visited, and cannot be
        excluded: an option is excluded if another is better by its lower bound of the gain.
    """

    names: tuple[str, ...]
    s: float
    posterior: FloatArray = field(repr=False)
    low: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)
    always_first: bool = False
    survivors: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each hypothesis: posterior, low, high."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                "hypothesis": self.names,
                "posterior": self.posterior,
                "low": self.low,
                "high": self.high,
            }
        )
        return frame.sort_values("posterior", ascending=False, ignore_index=True)

    @property
    def sentence(self) -> str:
        """The bounds in words."""
        k = int(self.posterior.argmax())
        text = (
            f"With {self.s:g} further cases placed at will in every row, P({self.names[k]}) lies "
            f"between {self.low[k]:.2g} and {self.high[k]:.2g}"
        )
        lead = "and it always leads." if self.always_first else "and it need not lead."
        return f"{text}, {lead}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the bounds."""
        from mesenbayes.plots.tornado import plot_intervals

        return plot_intervals(self.to_frame(), "hypothesis", "posterior", ax)

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + self.to_frame().round(4).to_html(index=False)


def robust(
    problem: Problem,
    s: float = 1.0,
    *,
    hypotheses: int = 3,
    choice: Choice | None = None,
    progress: Progress = silent,
) -> Robust:
    """Return the bounds of the most probable hypotheses.

    Parameters
    ----------
    s
        Strength of the imprecision, 1 or 2 cases by custom.
    hypotheses
        How many are bounded, the most probable first.
    choice
        Treatment options; those that are excluded are left out of the survivors.

    Raises
    ------
    CaseError
        If s is negative.
    """
    if s < 0:
        raise CaseError(f"the imprecision cannot be {s}: it is a number of cases")
    order = np.argsort(-problem.mass, kind="stable")[:hypotheses]
    total = 3 * len(order) + (len(choice.options) if choice else 0)
    low, high, done = [], [], 0
    for k in order:
        wanted = np.zeros(len(problem.names))
        wanted[k] = 1.0
        high.append(extreme(problem, wanted, s))
        low.append(-extreme(problem, -wanted, s))
        done += 2
        progress(done, total)
    # Rivals one by one, the untried together: if their sum stays behind, so does each.
    rivals = [np.eye(len(problem.names))[k] for k in order[1:]]
    rivals.append(1.0 - np.eye(len(problem.names))[order].sum(axis=0))
    first = np.eye(len(problem.names))[order[0]]
    always = all(extreme(problem, rival - first, s) < 0 for rival in rivals)
    done += len(order)
    progress(done, total)
    survivors: tuple[str, ...] = ()
    if choice is not None:
        now = int(choice.recommended(problem.mass))
        kept = []
        for d in range(len(choice.options)):
            gain = choice.value[d] - choice.value[now]
            if d == now or extreme(problem, gain, s) >= -choice.margin:
                kept.append(choice.options[d])
            done += 1
            progress(done, total)
        survivors = tuple(kept)
    names = tuple(problem.names[k] for k in order)
    bounds = np.array(low), np.array(high)
    return Robust(names, s, problem.mass[order], *bounds, always, survivors)


def extreme(problem: Problem, weight: FloatArray, s: float) -> float:
    """Return the largest value of sum_k weight_k P(k | e) found over the imprecise set."""
    vertex = np.full(len(problem.reached), -1, dtype=np.intp)
    here, best = problem, float(weight @ problem.mass)
    for _ in range(_SWEEPS):
        wanted = _best_vertices(problem, here, weight, s)
        if (wanted == vertex).all():
            break
        trial = problem.with_network(_at(problem, wanted, s))
        value = float(weight @ trial.mass)
        if value <= best:
            # Moved together the tables undo each other: the first that helps by itself.
            step = _one_table(problem, vertex, wanted, weight, s, best)
            if step is None:
                break
            wanted, trial, value = step
        vertex, here, best = wanted, trial, value
    return best


def _best_vertices(problem: Problem, here: Problem, weight: FloatArray, s: float) -> IntArray:
    """Return for each row the state that should get the s cases, tables taken one by one.

    Within a table q = (A.theta + B) / (C.theta + D), rows jointly: Dinkelbach's iteration, each
    row to the state with the largest A - q C.
    """
    e, rows = problem.entries, problem.reached
    top, bottom = weight @ here.gradient, here.gradient.sum(axis=0)
    value = float(weight @ here.mass)
    answer = np.empty(len(rows), dtype=np.intp)
    table = e.row_variable[rows]
    for v in np.unique(table):
        mine = np.flatnonzero(table == v)
        q = value
        for _ in range(_SWEEPS):
            above, below = value, 1.0
            for i in mine:
                members = e.members(int(rows[i]))
                a, c, alpha = top[members], bottom[members], e.alpha[members]
                worth = np.where(alpha > 0, a - q * c, -np.inf)
                answer[i] = int(worth.argmax())
                moved = alpha.copy()
                moved[answer[i]] += s
                step = moved / moved.sum() - here.entries.theta[members]
                above, below = above + float(a @ step), below + float(c @ step)
            following = above / below if below > 0 else q
            if following <= q + 1e-14:
                break
            q = following
    return answer


def _one_table(
    problem: Problem,
    vertex: IntArray,
    wanted: IntArray,
    weight: FloatArray,
    s: float,
    best: float,
) -> tuple[IntArray, Problem, float] | None:
    table = problem.entries.row_variable[problem.reached]
    for v in np.unique(table[wanted != vertex]):
        mixed = np.where(table == v, wanted, vertex)
        trial = problem.with_network(_at(problem, mixed, s))
        value = float(weight @ trial.mass)
        if value > best + 1e-13:
            return mixed, trial, value
    return None


def _at(problem: Problem, vertex: IntArray, s: float) -> BayesianNetwork:
    """Return the network with rows at a vertex of their set; -1 leaves a row at its mean."""
    e, network = problem.entries, problem.network
    changed: dict[str, list[Row]] = {}
    for r, state in zip(problem.reached, vertex, strict=True):
        if state < 0:
            continue
        name = network.variables[e.row_variable[r]].name
        rows = changed.setdefault(name, list(network.tables[name].rows))
        old = rows[int(e.row_number[r])]
        alpha = old.alpha.copy()
        alpha[state] += s
        rows[int(e.row_number[r])] = replace(old, alpha=alpha)
    tables = dict(network.tables)
    for name, rows in changed.items():
        table = network.tables[name]
        tables[name] = Table(name, table.parents, tuple(rows), table.row_index)
    return BayesianNetwork(network.name, network.version, network.variables, tables)
