"""What would flip it: the smallest change that puts another diagnosis or treatment first.

A change is measured by the distance of Chan and Darwiche, so a parameter at 0.01 and one at 0.5
can be compared. Asked of one parameter (the others of its row in proportion), of one row (its
entries free; see :mod:`.row_change`), of one source (all rows it stands behind) and of one
finding. "Impossible by this parameter" is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.distance import parameter_distance
from mesenbayes.sensitivity.draws import posteriors
from mesenbayes.sensitivity.entries import FloatArray, IntArray
from mesenbayes.sensitivity.function import OneWay
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.row_change import best_row, least_together
from mesenbayes.sensitivity.sources import rows_by_source, source_names

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FARTHEST = 12.0
"""Log-odds beyond which a source is not moved (odds of 160 000)."""
_STEPS, _ROUNDS, _RIVALS = 6, 3, 2


@dataclass(frozen=True)
class Flip:
    """One change that flips the choice.

    Parameters
    ----------
    kind
        ``parameter``, ``row``, ``source`` or ``finding``.
    what
        What changes, in words.
    now, becomes
        For a parameter its value and the value at which the choice flips; for a finding the
        likelihood of the states not seen against the state seen; else NaN.
    distance
        Distance of Chan and Darwiche (for a finding: how certain, in log odds, it has to be).
    plausible
        Whether the value lies inside the 95 % credible interval (parameters only).
    winner
        Option that takes over.
    """

    kind: str
    what: str
    now: float
    becomes: float
    distance: float
    winner: str
    plausible: bool = False
    note: str = ""

    @property
    def sentence(self) -> str:
        """The change in words."""
        if self.kind == "parameter":
            tail = "inside" if self.plausible else "outside"
            return (
                f"{self.winner} would take over if {self.what} were {self.becomes:.3g} instead of "
                f"{self.now:.3g}, which is {tail} its 95 % interval."
            )
        if self.kind == "finding":
            return f"{self.winner} would take over {self.note}."
        return (
            f"{self.winner} would take over if {self.what} were wrong by odds of "
            f"{np.exp(self.distance):.3g} in every row concerned."
        )


@dataclass(frozen=True, eq=False)
class Flips:
    """Every way to flip a choice, the smallest change first.

    Attributes
    ----------
    impossible
        Kind -> how many of that kind cannot flip it, whatever their value.
    """

    choice: Choice = field(repr=False)
    now: str
    flips: tuple[Flip, ...]
    impossible: dict[str, int]

    def of(self, kind: str) -> tuple[Flip, ...]:
        """Return the flips of one kind, the smallest first."""
        return tuple(f for f in self.flips if f.kind == kind)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each flip."""
        import pandas as pd

        columns = [
            "kind", "what", "now", "becomes", "distance", "odds", "plausible", "winner", "note"
        ]  # fmt: skip
        return pd.DataFrame(
            [
                (f.kind, f.what, f.now, f.becomes, f.distance, float(np.exp(f.distance)),
                 f.plausible, f.winner, f.note)
                for f in self.flips
            ],
            columns=columns,
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """The nearest change of each kind in words."""
        said = [self.of(kind)[0].sentence for kind in ("parameter", "finding") if self.of(kind)]
        if "parameter" in self.impossible and not self.of("parameter"):
            said.insert(0, f"No single parameter, whatever its value, moves {self.now} from first.")
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "choice": self.choice.kind,
            "now": self.now,
            "flips": [
                {k: (None if isinstance(v, float) and not np.isfinite(v) else v)
                 for k, v in row.items()}
                for row in self.to_frame().to_dict("records")
            ],
            "impossible": self.impossible,
            "sentence": self.sentence,
        }  # fmt: skip

    def plot(self, shown: int = 15, ax: Axes | None = None) -> Axes:
        """Draw the nearest changes by their distance (natural log odds)."""
        from mesenbayes.plots.tornado import plot_bars

        frame = self.to_frame()
        frame = frame[np.isfinite(frame["distance"])].head(shown)
        return plot_bars(frame.assign(change=frame["kind"] + " " + frame["what"]), "change",
                         "distance", None, ax)  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + self.to_frame().head(15).round(4).to_html(index=False)


def what_would_flip(
    one_way: OneWay, kinds: tuple[str, ...] = ("parameter", "row", "source", "finding")
) -> Flips:
    """Return the changes that flip the choice of `one_way`.

    Raises
    ------
    CaseError
        For a kind that does not exist.
    """
    finders = {
        "parameter": flip_by_parameter,
        "row": flip_by_row,
        "source": flip_by_source,
        "finding": flip_by_finding,
    }
    unknown = [kind for kind in kinds if kind not in finders]
    if unknown:
        raise CaseError(f"nothing flips by '{unknown[0]}'; there are {', '.join(finders)}")
    found: list[Flip] = []
    impossible = {}
    for kind in kinds:
        flips, tried = finders[kind](one_way)
        found += flips
        impossible[kind] = tried - len({f.what for f in flips})
    now = int(one_way.choice.recommended(one_way.problem.mass))
    found.sort(key=lambda f: f.distance)
    return Flips(one_way.choice, one_way.choice.options[now], tuple(found), impossible)


def flip_by_parameter(one_way: OneWay) -> tuple[list[Flip], int]:
    """Return the flips by one parameter, and how many parameters were tried."""
    e, choice = one_way.entries, one_way.choice
    interval = one_way.interval()
    found = []
    free = ~e.certain & one_way.movable & (e.alpha > 0)
    # Of the two entries of a yes/no row the smaller one speaks for both.
    two = e.row_sum((e.alpha > 0).astype(float))[e.row_of] == 2
    least = np.minimum.reduceat(np.where(e.alpha > 0, e.theta, 1.0), e.row_start)[e.row_of]
    free &= ~two | (e.theta == least)
    for i in np.flatnonzero(free & ~np.isnan(one_way.admissible).all(axis=1)):
        for side in (0, 1):
            t = float(one_way.admissible[i, side])
            if np.isnan(t):
                continue
            row = e.source_row(int(e.row_of[i]))
            found.append(
                Flip(
                    "parameter",
                    e.label(int(i)),
                    float(e.theta[i]),
                    t,
                    float(parameter_distance(e.theta[i], t)),
                    choice.options[one_way.successor[i, side]],
                    bool(interval[i, 0] <= t <= interval[i, 1]),
                    ", ".join(source_names(row)) or row.origin,
                )
            )
    return found, int(free.sum())


def flip_by_row(one_way: OneWay) -> tuple[list[Flip], int]:
    """Return the flips by one row, its entries free, and how many rows were tried."""
    problem, choice, e = one_way.problem, one_way.choice, one_way.entries
    values = choice.value @ problem.gradient  # dN_d/d theta
    total = problem.gradient.sum(axis=0)
    expected, now = choice.value @ problem.mass, int(choice.recommended(problem.mass))
    found = []
    rows = problem.reached
    for r in rows:
        members = e.members(int(r))
        theta = e.theta[members]
        best, winner = np.inf, -1
        for d in range(len(choice.options)):
            if d == now:
                continue
            events = [(values[d] - values[now] - choice.margin * total,
                       expected[d] - expected[now] - choice.margin)]  # fmt: skip
            if choice.margin > 0 and d < now:
                # an earlier option wins by coming within the margin of every other
                events = [
                    (values[d] - values[o] + choice.margin * total,
                     expected[d] - expected[o] + choice.margin)
                    for o in range(len(choice.options)) if o != d
                ]  # fmt: skip
            distance = least_together(theta, events, members)
            if distance < best:
                best, winner = distance, d
        if np.isfinite(best):
            row = e.source_row(int(r))
            sources = ", ".join(source_names(row)) or row.origin
            name = choice.options[winner]
            found.append(
                Flip("row", e.row_label(int(r)), np.nan, np.nan, best, name, note=sources)
            )
    return found, len(rows)


def flip_by_source(one_way: OneWay) -> tuple[list[Flip], int]:
    """Return the flips by one source, all its rows moved by the same distance.

    Each row moves its entries to where the option that gains most by it gains most, to first
    order; the posterior is then exact. An upper bound on the smallest change, exact if all rows
    of the source are in one table.
    """
    problem, choice, e = one_way.problem, one_way.choice, one_way.entries
    reached = set(problem.reached.tolist())
    now = int(choice.recommended(problem.mass))
    ranked = np.argsort(-choice.expected(problem.mass), kind="stable")
    rivals = [int(d) for d in ranked if d != now][:_RIVALS]
    sources = {
        source: [r for r in rows if r in reached] for source, rows in rows_by_source(e).items()
    }
    sources = {source: rows for source, rows in sources.items() if rows}
    gain = {d: (choice.value[d] - choice.value[now]) @ problem.gradient for d in rivals}
    open_range = {(s, d): (0.0, FARTHEST) for s in sources for d in rivals}
    winner: dict[tuple[str, int], int] = {}
    for _ in range(_ROUNDS):
        grids = {key: np.linspace(*span, _STEPS + 1)[1:] for key, span in open_range.items()}
        trials = [(sources[s], gain[d], t) for (s, d), grid in grids.items() for t in grid]
        if not trials:
            break
        chosen = _chosen(problem, choice, trials).reshape(-1, _STEPS)
        narrower = {}
        for key, options in zip(grids, chosen, strict=True):
            flipped = np.flatnonzero((options != now) & (options >= 0))
            if len(flipped):
                first = int(flipped[0])
                begin = open_range[key][0] if first == 0 else float(grids[key][first - 1])
                narrower[key] = (begin, float(grids[key][first]))
                winner[key] = int(options[first])
        open_range = narrower
    best: dict[str, tuple[float, int]] = {}
    for key, (_, distance) in open_range.items():
        if key[0] not in best or distance < best[key[0]][0]:
            best[key[0]] = distance, winner[key]
    found = [
        Flip(
            "source", s, np.nan, np.nan, distance, choice.options[d], note=f"{len(sources[s])} rows"
        )
        for s, (distance, d) in best.items()
    ]
    return found, len(sources)


def _chosen(
    problem: Problem, choice: Choice, trials: Sequence[tuple[list[int], FloatArray, float]]
) -> IntArray:
    """Return what is chosen when rows move by a distance; -1 if the findings are impossible."""
    e = problem.entries
    used = sorted({r for rows, _, _ in trials for r in rows})
    drawn: dict[str, FloatArray] = {}
    for v in np.unique(e.row_variable[used]):
        table = problem.network.tables[problem.network.variables[v].name]
        means = np.stack([row.mean for row in table.rows])
        drawn[table.variable] = np.repeat(means[None], len(trials), axis=0)
    for position, (rows, gain, distance) in enumerate(trials):
        for r in rows:
            name = problem.network.variables[e.row_variable[r]].name
            members = e.members(r)
            row = best_row(e.theta[members], gain[members], distance)
            drawn[name][position, e.row_number[r]] = row
    mass, _ = posteriors(problem, drawn)
    chosen = choice.recommended(np.nan_to_num(mass, nan=1.0))
    return np.where(np.isnan(mass).any(axis=1), -1, chosen)


def flip_by_finding(one_way: OneWay) -> tuple[list[Flip], int]:
    """Return the flips by one certain finding.

    A finding that might be wrong has the likelihood 1 for the state seen and epsilon for the
    others; every Z_k is linear in epsilon. From 0 (certain) to 1 (not known at all), and beyond:
    the other states seen instead.
    """
    problem, choice = one_way.problem, one_way.choice
    now = int(choice.recommended(problem.mass))
    seen = np.flatnonzero(problem.codes >= 0)
    trials, where = [], []
    for v in seen:
        for state in range(problem.network.variables[v].cardinality):
            codes = problem.codes.copy()
            codes[v] = state
            trials.append(codes)
            where.append((int(v), state))
    if not trials:
        return [], 0
    mass, log_evidence = problem.with_codes(np.stack(trials))
    # Z_k with the finding replaced, in units of P(e)
    with np.errstate(invalid="ignore"):
        z = np.nan_to_num(mass * np.exp(log_evidence - problem.log_evidence)[:, None], nan=0.0)
    found = []
    for v in seen:
        node = problem.network.variables[v]
        code = int(problem.codes[v])
        mine = [i for i, (w, _) in enumerate(where) if w == v]
        kept = z[mine[code]]
        others = np.sum([z[i] for i in mine], axis=0) - kept
        _, high = choice.stays(others[:, None], kept[:, None], np.zeros(1))
        what = f"{node.name}={node.states[code]}"
        if 0 < high[0] <= 1:
            beyond = kept + others * min(high[0] * (1 + 1e-9) + 1e-12, 1.0)
            winner = int(choice.recommended(beyond))
            if winner != now:
                weight = f"if the finding {what} were worth no more than {1 / high[0]:.3g} to 1"
                note = weight if high[0] < 1 else f"if {what} were not known"
                found.append(
                    Flip("finding", what, 0.0, float(high[0]), float(-np.log(high[0])),
                         choice.options[winner], note=note)
                )  # fmt: skip
                continue
        for i in mine:
            state = where[i][1]
            if state == code or z[i].sum() <= 0:
                continue
            winner = int(choice.recommended(z[i]))
            if winner != now:
                found.append(
                    Flip("finding", what, 0.0, np.inf, np.inf, choice.options[winner],
                         note=f"if {node.name} were {node.states[state]}")
                )  # fmt: skip
    return found, len(seen)
