"""Global sensitivity: which rows or sources make the answer uncertain, interactions included.

A factor is a row (or all rows of a table, or of a source), drawn as a whole: factors are
independent and every row stays on its simplex. Two independent samples A and B; AB_i is A with
factor i from B. Jansen's estimators:

    S_i = 1 - E (f_B - f_ABi)^2 / 2 V        T_i = E (f_A - f_ABi)^2 / 2 V

Factors are ranked first by their share of the variance to first order, which costs nothing;
the small ones are drawn together as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.draws import draw_rows, posteriors
from mesenbayes.sensitivity.entries import Entries, FloatArray
from mesenbayes.sensitivity.problem import Problem, Progress, silent
from mesenbayes.sensitivity.sources import source_names
from mesenbayes.sensitivity.tied import row_shares

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

By = Literal["row", "table", "source"]
REST = "all other rows"
_BOOTSTRAP = 200


@dataclass(frozen=True)
class Factor:
    """Rows that are drawn together."""

    name: str
    rows: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sobol:
    """First-order and total indices.

    Attributes
    ----------
    outputs
        Names of what varies: hypotheses, then options if a choice was given.
    first, total, first_error, total_error : (factors, outputs)
    variance : (outputs,)
    """

    factors: tuple[Factor, ...]
    outputs: tuple[str, ...]
    first: FloatArray = field(repr=False)
    total: FloatArray = field(repr=False)
    first_error: FloatArray = field(repr=False)
    total_error: FloatArray = field(repr=False)
    variance: FloatArray = field(repr=False)
    evaluations: int = 0

    def to_frame(self, output: str | None = None) -> pd.DataFrame:
        """Return one row for each factor, the largest total first.

        Parameters
        ----------
        output
            By default the one with the largest variance.
        """
        import pandas as pd

        if output is not None and output not in self.outputs:
            raise CaseError(f"there is no output {output}; there are {', '.join(self.outputs)}")
        k = int(self.variance.argmax()) if output is None else self.outputs.index(output)
        frame = pd.DataFrame(
            {
                "factor": [f.name for f in self.factors],
                "rows": [len(f.rows) for f in self.factors],
                "output": self.outputs[k],
                "first": self.first[:, k],
                "first_error": self.first_error[:, k],
                "total": self.total[:, k],
                "total_error": self.total_error[:, k],
            }
        )
        return frame.sort_values("total", ascending=False, ignore_index=True)

    @property
    def sentence(self) -> str:
        """The largest factor in words."""
        first = self.to_frame().iloc[0]
        return (
            f"{first['factor']} alone explains {max(first['first'], 0):.0%} of the variance of "
            f"{first['output']}, with its interactions {first['total']:.0%}."
        )

    def plot(self, output: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the total indices with their errors."""
        from mesenbayes.plots.tornado import plot_bars

        return plot_bars(self.to_frame(output), "factor", "total", "total_error", ax)

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(3).to_html(index=False))


def factors(problem: Problem, by: By = "row", most: int = 15) -> tuple[Factor, ...]:
    """Return the factors with the largest first-order shares; the rest as one.

    Parameters
    ----------
    by
        ``row``, ``table`` (variable) or ``source``: a row goes with its weightiest study, or
        with how it came about (borrowed, prior) if it has none.
    most
        Number of factors kept apart.

    Raises
    ------
    CaseError
        For another `by`.
    """
    e = problem.entries
    share = row_shares(problem, int(problem.mass.argmax()))
    grouped: dict[str, list[int]] = {}
    for r in problem.reached:
        grouped.setdefault(_name(problem, e, int(r), by), []).append(int(r))
    ranked = sorted(grouped, key=lambda name: -sum(share[r] for r in grouped[name]))
    found = [Factor(name, tuple(grouped[name])) for name in ranked[:most]]
    rest = tuple(r for name in ranked[most:] for r in grouped[name])
    return (*found, *((Factor(REST, rest),) if rest else ()))


def _name(problem: Problem, e: Entries, row: int, by: str) -> str:
    if by == "row":
        return e.row_label(row)
    if by == "table":
        return str(problem.network.variables[e.row_variable[row]].name)
    if by == "source":
        one = e.source_row(row)
        return source_names(one, 1)[0] if one.studies else f"({one.origin})"
    raise CaseError(f"factors are by row, table or source, not by {by}")


def sobol(
    problem: Problem,
    chosen: Sequence[Factor] | By = "row",
    *,
    choice: Choice | None = None,
    n: int = 1024,
    most: int = 15,
    progress: Progress = silent,
    rng: np.random.Generator | int | None = None,
) -> Sobol:
    """Return Sobol indices of every hypothesis, and of every option's expected utility.

    Parameters
    ----------
    chosen
        Factors, or what they are by; see :func:`factors`.
    n
        Size of each sample; (factors + 2) n answers are computed.

    Raises
    ------
    CaseError
        If the sample is too small for a variance, or a row is in two factors.
    """
    if n < 8:
        raise CaseError(f"{n} draws are too few for a variance")
    listed = factors(problem, chosen, most) if isinstance(chosen, str) else tuple(chosen)
    every = [r for f in listed for r in f.rows]
    if len(set(every)) != len(every):
        raise CaseError("a row is in two factors: factors must be independent")
    generator = np.random.default_rng(rng)
    a = draw_rows(problem, n, generator, every)
    b = draw_rows(problem, n, generator, every)
    e, network = problem.entries, problem.network

    def answer(rows: dict[str, FloatArray]) -> FloatArray:
        mass = np.broadcast_to(posteriors(problem, rows)[0], (n, len(problem.names)))
        return mass if choice is None else np.hstack([mass, choice.expected(mass)])

    f_a, f_b = answer(a), answer(b)
    f_ab = np.empty((len(listed), *f_a.shape))
    for i, factor in enumerate(listed):
        mixed = dict(a)
        for r in factor.rows:
            name = network.variables[e.row_variable[r]].name
            if mixed[name] is a[name]:
                mixed[name] = a[name].copy()
            mixed[name][:, e.row_number[r]] = b[name][:, e.row_number[r]]
        f_ab[i] = answer(mixed)
        progress(i + 1, len(listed))
    first, total, variance = jansen(f_a, f_b, f_ab)
    resampled = []
    for _ in range(_BOOTSTRAP):
        draw = generator.integers(n, size=n)
        resampled.append(jansen(f_a[draw], f_b[draw], f_ab[:, draw])[:2])
    errors = np.std(np.array(resampled), axis=0, ddof=1)
    outputs = (*problem.names, *(choice.options if choice else ()))
    return Sobol(
        listed, outputs, first, total, errors[0], errors[1], variance, (len(listed) + 2) * n
    )


def jansen(
    f_a: FloatArray, f_b: FloatArray, f_ab: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return first-order and total indices, (factors, outputs), and the variance, (outputs,).

    Jansen, Computer Physics Communications 117:35, 1999. An output that does not vary has
    indices of 0.

    Parameters
    ----------
    f_a, f_b : (draws, outputs)
    f_ab : (factors, draws, outputs)
    """
    variance = np.var(np.concatenate([f_a, f_b]), axis=0)
    safe = np.where(variance > 1e-20, variance, np.inf)
    first = 1 - np.mean((f_b - f_ab) ** 2, axis=1) / (2 * safe)
    total = np.mean((f_a - f_ab) ** 2, axis=1) / (2 * safe)
    varies = variance > 1e-20
    return np.where(varies, first, 0.0), np.where(varies, total, 0.0), variance
