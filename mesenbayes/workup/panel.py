"""The best panel of a given size: all of them where that is feasible, else with its gap.

Exhaustive search shares its work: a panel is a prefix and a last pair, and one matrix product
gives the outcomes of a prefix with every pair that may follow. Tests of one cluster (a gene and
its stand-in stain) are not independent given the class; such pairs are joined into one unit
first, with their true joint table.

Where the number of outcomes is too large for that, the best of a beam, improved by exchanging
one test at a time until nothing helps, is reported with an upper bound. For any set A and any
panel G, with C the core and c the clusters,

    I(S; A) <= I(S; G) + I(S; A | G) <= I(S; G) + sum over clusters c of A of I(C; T_c | G),

because S is a function of C and clusters are independent given C: the sum of the k largest terms
bounds the gain of every panel of k tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.value import (
    PlanProblem,
    by_target,
    information,
    joint_with_classes,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
Objective = Literal["information", "decision"]

SMALLEST, LARGEST = 2, 6
_EXHAUSTIVE = 6e8
"""Outcomes times diagnoses that an exhaustive search may visit (a few seconds)."""
_BEAM = 60
_KEPT = 10
_CACHE = 2**16
_TINY = np.float32(1e-30)
_LIVE = 1e-5
"""Diagnoses less probable than this are lumped while panels are compared; the panels that are
reported are computed again with all of them."""


@dataclass(frozen=True)
class Panel:
    """A set of tests with what it is expected to tell.

    Parameters
    ----------
    bits, value
        Expected information, and expected gain in utility (None without a decision problem).
    """

    tests: tuple[str, ...]
    bits: float
    value: float | None


@dataclass(frozen=True, eq=False)
class PanelSearch:
    """The best panels of one size.

    Parameters
    ----------
    panels
        Best first.
    exhaustive
        Whether every panel was looked at.
    looked_at
        How many were.
    bound
        What no panel of this size can exceed (that of the best if exhaustive).
    greedy
        The panel that choosing one test after the other gives.
    """

    size: int
    objective: Objective
    panels: tuple[Panel, ...]
    exhaustive: bool
    looked_at: int
    bound: float
    greedy: Panel

    @property
    def best(self) -> Panel:
        """The best panel found."""
        return self.panels[0]

    @property
    def gap(self) -> float:
        """How much better an unknown panel could be at most; 0 if exhaustive."""
        return max(self.bound - _score(self.best, self.objective), 0.0)

    @property
    def sentence(self) -> str:
        """The result in words."""
        how = (
            f"all {self.looked_at:,} panels of {self.size} were compared"
            if self.exhaustive
            else f"{self.looked_at:,} panels of {self.size} were compared; no panel can be better "
            f"by more than {self.gap:.2f} {'bits' if self.objective == 'information' else ''}"
        )
        return f"{', '.join(self.best.tests)}: {self.best.bits:.2f} bits expected ({how.strip()})."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a panel."""
        import pandas as pd

        return pd.DataFrame(
            [{"panel": ", ".join(p.tests), "bits": p.bits, "value": p.value} for p in self.panels]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the best panels."""
        from mesenbayes.plots.panel import plot_panels

        return plot_panels(self, ax)


def search_panels(
    outlook: Outlook,
    size: int,
    *,
    among: Sequence[str] | None = None,
    objective: Objective = "information",
    problem: PlanProblem | None = None,
    effort: float = _EXHAUSTIVE,
    progress: Callable[[float], None] = lambda _: None,
) -> PanelSearch:
    """Return the best panels of `size` tests.

    Parameters
    ----------
    among
        Tests to choose from; all of the outlook if not given.
    objective
        ``information`` (bits) or ``decision`` (utility; needs `problem`).
    effort
        Outcomes times diagnoses up to which every panel is looked at.
    progress
        Called with the share that is done.

    Raises
    ------
    CaseError
        If there are fewer tests than `size`, or `size` is not 2 to 6.
    """
    tests = tuple(dict.fromkeys(outlook.tests if among is None else among))
    if not SMALLEST <= size <= LARGEST:
        raise CaseError(f"a panel has {SMALLEST} to {LARGEST} tests, not {size}")
    if len(tests) < size:
        raise CaseError(f"a panel of {size} needs {size} tests; {len(tests)} are open")
    if objective == "decision" and problem is None:
        raise CaseError("a panel by decision value needs a treatment model")
    scorer = _Scorer(outlook, objective, problem)
    greedy = _greedy(tests, size, scorer)
    width = max(outlook.cards(tests))
    rows = scorer.rows
    work = comb(len(tests), size) * float(width) ** size * rows
    if work <= effort:
        ranked, looked_at = _all_panels(outlook, tests, size, scorer, progress)
        exhaustive = True
    else:
        ranked, looked_at = _beam(tests, size, scorer, greedy, progress)
        exhaustive = False
    panels = [_panel(outlook, p, problem) for p in dict.fromkeys([*ranked, greedy])]
    panels.sort(key=lambda p: -_score(p, objective))
    greedy_panel = _panel(outlook, greedy, problem)
    best = _score(panels[0], objective)
    bound = best if exhaustive else _bound(outlook, tests, size, panels[0], objective, problem)
    return PanelSearch(
        size, objective, tuple(panels[:_KEPT]), exhaustive, looked_at, max(bound, best),
        greedy_panel,
    )  # fmt: skip


class _Scorer:
    """Scores of outcome tables under one objective, many panels at once."""

    def __init__(self, outlook: Outlook, objective: Objective, problem: PlanProblem | None):
        self.outlook = outlook
        self.weight = outlook.weight
        if objective == "decision":
            assert problem is not None
            # max over options of sum over classes of w U P(t): only this matters per outcome.
            self.matrix = problem.utility * outlook.weight
            self.base = float(self.matrix.sum(axis=1).max())
            self.groups: list[NDArray[np.intp]] = []
            self.rows = len(self.matrix)
        else:
            posterior = outlook.posterior
            live = np.flatnonzero(posterior > _LIVE)
            self.groups = [np.flatnonzero(outlook.states[:, 0] == s) for s in live]
            rest = np.flatnonzero(~np.isin(outlook.states[:, 0], live))
            if len(rest):
                self.groups.append(rest)
            p = np.array([outlook.weight[g].sum() for g in self.groups])
            self.base = float(-(p * np.log2(p)).sum())
            self.rows = len(self.groups)
        self.objective = objective

    def pairs(self, prefix: FloatArray, tail: FloatArray) -> FloatArray:
        """Return the score of a prefix with each of many tails.

        Parameters
        ----------
        prefix : (classes, outcomes)
        tail : (classes, tails, outcomes)
        """
        classes, many, width = tail.shape
        outcomes = prefix.shape[1]
        if self.objective == "decision":
            flat = tail.reshape(classes, -1)
            best = np.full((outcomes, flat.shape[1]), -np.inf)
            for row in self.matrix:
                np.maximum(best, (prefix * row[:, None]).T @ flat, out=best)
            return np.asarray(best.reshape(outcomes, many, width).sum(axis=(0, 2)) - self.base)
        # I = H(S) + sum p(s,t) log p(s,t) - sum p(t) log p(t). Single precision ranks panels;
        # those that are reported are computed again. Blocks stay in the processor's cache.
        weighted = (prefix * self.weight[:, None]).astype(np.float32)
        parts = [(weighted[g].T.copy(), g) for g in self.groups]
        scores = np.empty(many)
        step = max(_CACHE // (outcomes * width), 1)
        for begin in range(0, many, step):
            block = tail[:, begin : begin + step].astype(np.float32).reshape(classes, -1)
            total = np.zeros((outcomes, block.shape[1]), dtype=np.float32)
            inner = np.zeros_like(total)
            joint, logs = np.empty_like(total), np.empty_like(total)
            for part, group in parts:
                np.matmul(part, block[group], out=joint)
                total += joint
                joint += _TINY
                np.log2(joint, out=logs)
                logs *= joint
                inner += logs
            total += _TINY
            np.log2(total, out=logs)
            logs *= total
            inner -= logs
            shaped = inner.reshape(outcomes, -1, width)
            scores[begin : begin + step] = self.base + shaped.sum(axis=(0, 2), dtype=np.float64)
        return scores

    def one(self, tests: Sequence[str]) -> float:
        """Return the score of one panel."""
        table = self.outlook.table(tests)
        flat = table.reshape(len(table), -1)
        return float(self.pairs(np.ones((len(flat), 1)), flat[:, None, :])[0])

    def extensions(self, tests: Sequence[str], others: Sequence[str]) -> FloatArray:
        """Return the score of a panel with each of `others` added."""
        outlook = self.outlook
        taken = {outlook.cluster[t] for t in tests}
        scores = np.empty(len(others))
        free = [i for i, t in enumerate(others) if outlook.cluster[t] not in taken]
        if free:
            prefix = np.ones((len(self.weight), 1))
            if tests:
                table = outlook.table(tests)
                prefix = table.reshape(len(table), -1)
            scores[free] = self.pairs(prefix, _padded(outlook, [others[i] for i in free]))
        for i in set(range(len(others))) - set(free):
            scores[i] = self.one([*tests, others[i]])
        return scores


def _xlogx(p: FloatArray) -> FloatArray:
    """Return p log2 p, 0 at 0."""
    return np.asarray(p * np.log2(np.maximum(p, 1e-300)))


def _padded(outlook: Outlook, tests: Sequence[str]) -> FloatArray:
    """Return P(test | class) of tests, (classes, tests, widest), 0 where a test has no state."""
    width = max(outlook.cards(tests))
    padded = np.zeros((len(outlook.weight), len(tests), width))
    for i, test in enumerate(tests):
        table = outlook.table((test,))
        padded[:, i, : table.shape[1]] = table
    return padded


def _greedy(tests: Sequence[str], size: int, scorer: _Scorer) -> tuple[str, ...]:
    chosen: list[str] = []
    for _ in range(size):
        rest = [t for t in tests if t not in chosen]
        chosen.append(rest[int(scorer.extensions(chosen, rest).argmax())])
    return tuple(chosen)


def _all_panels(
    outlook: Outlook,
    tests: Sequence[str],
    size: int,
    scorer: _Scorer,
    progress: Callable[[float], None],
) -> tuple[list[tuple[str, ...]], int]:
    """Look at every panel; return the best and their number."""
    best: list[tuple[float, tuple[str, ...]]] = []
    total, done = comb(len(tests), size), 0
    padded = _padded(outlook, tests)
    cluster = np.array([outlook.cluster[t] for t in tests])
    first, second = np.triu_indices(len(tests), 1)
    apart = cluster[first] != cluster[second]
    couples = np.einsum("kpa,kpb->kpab", padded[:, first], padded[:, second])
    couples = couples.reshape(len(padded), len(first), -1)

    def keep(scores: FloatArray, joined: tuple[str, ...], *last: NDArray[np.intp]) -> None:
        nonlocal best, done
        floor = best[-1][0] if len(best) >= _KEPT else -np.inf
        for i in np.argsort(-scores)[:_KEPT]:
            if scores[i] > floor:
                best.append((float(scores[i]), (*joined, *(tests[int(x[i])] for x in last))))
        best = sorted(best, key=lambda item: -item[0])[:_KEPT]
        done += len(scores)

    for joined, start in _prefixes(outlook, tests, size):
        used = {cluster[tests.index(t)] for t in joined}
        table = outlook.table(joined)
        prefix = table.reshape(len(table), -1) if joined else np.ones((len(padded), 1))
        remaining = size - len(joined)
        if remaining == 0:
            keep(np.array([scorer.one(joined)]), joined)
        elif remaining == 1:
            ok = np.array(
                [i for i in range(start, len(tests)) if cluster[i] not in used], dtype=np.intp
            )
            if len(ok):
                keep(scorer.pairs(prefix, padded[:, ok]), joined, ok)
        else:
            ok = np.flatnonzero(
                apart & (first >= start)
                & ~np.isin(cluster[first], list(used)) & ~np.isin(cluster[second], list(used))
            )  # fmt: skip
            if len(ok):
                keep(scorer.pairs(prefix, couples[:, ok]), joined, first[ok], second[ok])
        progress(min(done / total, 1.0))
    return [tuple(sorted(panel, key=tests.index)) for _, panel in best], done


def _prefixes(
    outlook: Outlook, tests: Sequence[str], size: int
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield (prefix, number of the first single test that may follow).

    A prefix is some units (two or more tests of one cluster) and then single tests of other
    clusters in order, such that at most two single tests remain to be chosen.
    """
    by_cluster: dict[int, list[str]] = {}
    for test in tests:
        by_cluster.setdefault(outlook.cluster[test], []).append(test)
    several = [group for group in by_cluster.values() if len(group) > 1]

    def units(start: int, room: int) -> Iterator[tuple[str, ...]]:
        yield ()
        for position in range(start, len(several)):
            for many in range(2, min(room, len(several[position])) + 1):
                for unit in combinations(several[position], many):
                    for more in units(position + 1, room - many):
                        yield (*unit, *more)

    for joined in units(0, size):
        used = {outlook.cluster[t] for t in joined}
        singles = size - len(joined) - 2
        if singles <= 0:
            yield joined, 0
            continue
        for chosen in combinations(range(len(tests)), singles):
            clusters = [outlook.cluster[tests[i]] for i in chosen]
            if len(set(clusters)) == singles and not used & set(clusters):
                yield (*joined, *(tests[i] for i in chosen)), chosen[-1] + 1


def _beam(
    tests: Sequence[str],
    size: int,
    scorer: _Scorer,
    greedy: tuple[str, ...],
    progress: Callable[[float], None],
) -> tuple[list[tuple[str, ...]], int]:
    """Return good panels: a beam, then exchanges of one test until nothing helps."""
    looked_at = 0
    beam: list[tuple[str, ...]] = [()]
    for step in range(size):
        scored: dict[tuple[str, ...], float] = {}
        for panel in beam:
            rest = [t for t in tests if t not in panel]
            for test, score in zip(rest, scorer.extensions(panel, rest), strict=True):
                scored[tuple(sorted((*panel, test), key=tests.index))] = float(score)
            looked_at += len(rest)
        beam = sorted(scored, key=lambda p: -scored[p])[:_BEAM]
        progress(0.8 * (step + 1) / size)
    found = {}
    for start in dict.fromkeys([beam[0], tuple(sorted(greedy, key=tests.index))]):
        panel, score = start, scorer.one(start)
        improved = True
        while improved:
            improved = False
            for out in panel:
                kept = tuple(t for t in panel if t != out)
                rest = [t for t in tests if t not in kept]
                scores = scorer.extensions(kept, rest)
                looked_at += len(rest)
                i = int(scores.argmax())
                if scores[i] > score + 1e-12:
                    panel = tuple(sorted((*kept, rest[i]), key=tests.index))
                    score, improved = float(scores[i]), True
                    break
        found[panel] = score
    progress(1.0)
    ranked = list(dict.fromkeys([*sorted(found, key=lambda p: -found[p]), *beam]))
    return ranked[:_KEPT], looked_at


def _bound(
    outlook: Outlook,
    tests: Sequence[str],
    size: int,
    panel: Panel,
    objective: Objective,
    problem: PlanProblem | None,
) -> float:
    """Return what no panel of `size` can exceed."""
    if objective == "decision":
        assert problem is not None
        # Knowing the class itself is worth at least as much as any test.
        perfect = float((outlook.weight * problem.utility.max(axis=0)).sum())
        return perfect - float((problem.utility @ outlook.weight).max())
    table = outlook.table(panel.tests)
    known = table.reshape(len(table), -1)
    joint = outlook.weight[:, None] * known
    p = joint.sum(axis=0)
    gains: list[float] = []
    by_cluster: dict[int, list[str]] = {}
    for test in tests:
        if test not in panel.tests:
            by_cluster.setdefault(outlook.cluster[test], []).append(test)
    taken = {outlook.cluster[t] for t in panel.tests}
    for cluster, members in by_cluster.items():
        if cluster in taken:
            # Not independent of the panel given the class: its whole entropy bounds it.
            gains.append(sum(float(np.log2(c)) for c in outlook.cards(members)))
            continue
        part = outlook.table(members)
        part = part.reshape(len(part), -1)
        after = joint / np.where(p > 0, p, 1)
        mixed = after.T @ part
        conditional = (after * -_xlogx(part).sum(axis=1)[:, None]).sum(axis=0)
        gains.append(float((p * (-_xlogx(mixed).sum(axis=1) - conditional)).sum()))
    gains.sort(reverse=True)
    entropy = outlook.posterior
    return min(panel.bits + sum(gains[:size]), float(-_xlogx(entropy).sum()))


def _panel(outlook: Outlook, tests: tuple[str, ...], problem: PlanProblem | None) -> Panel:
    """Return a panel computed with every class."""
    weights = joint_with_classes(outlook, tests)
    bits = information(by_target(outlook, weights))
    return Panel(tests, bits, None if problem is None else problem.value(weights))


def _score(panel: Panel, objective: Objective) -> float:
    return panel.bits if objective == "information" else float(panel.value or 0.0)
