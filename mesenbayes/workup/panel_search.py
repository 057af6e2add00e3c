"""How panels are scored and searched; :mod:`.panel` says what for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.value import PlanProblem

FloatArray = NDArray[np.float64]
Objective = Literal["information", "decision"]

KEPT = 10
_BEAM = 60
_CACHE = 2**16
_TINY = np.float32(1e-30)
_LIVE = 1e-5
"""Diagnoses less probable than this are lumped while panels are compared; the panels that are
reported are computed again with all of them."""


class PanelScorer:
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


def xlogx(p: FloatArray) -> FloatArray:
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


def greedy_panel(tests: Sequence[str], size: int, scorer: PanelScorer) -> tuple[str, ...]:
    """Return the panel that taking the best next test, one after the other, gives."""
    chosen: list[str] = []
    for _ in range(size):
        rest = [t for t in tests if t not in chosen]
        chosen.append(rest[int(scorer.extensions(chosen, rest).argmax())])
    return tuple(chosen)


def all_panels(
    outlook: Outlook,
    tests: Sequence[str],
    size: int,
    scorer: PanelScorer,
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
        floor = best[-1][0] if len(best) >= KEPT else -np.inf
        for i in np.argsort(-scores)[:KEPT]:
            if scores[i] > floor:
                best.append((float(scores[i]), (*joined, *(tests[int(x[i])] for x in last))))
        best = sorted(best, key=lambda item: -item[0])[:KEPT]
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


def beam_panels(
    tests: Sequence[str],
    size: int,
    scorer: PanelScorer,
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
    return ranked[:KEPT], looked_at
