"""Most probable explanations, smallest conflicts, and the slow, safe way to a posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import ImpossibleEvidence
from mesenbayes.inference import posterior, reading
from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import IntArray, Question
from mesenbayes.inference.program import Pass
from mesenbayes.inference.semiring import LOG_SUM, MAX_PRODUCT
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    from mesenbayes.inference.compiled import CompiledNetwork
    from mesenbayes.inference.prepare import Prepared

FloatArray = NDArray[np.float64]

_LARGEST_SEARCHED = 3
"""Conflicts of up to so many findings are searched exhaustively for the smallest."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The most probable joint state of all variables of each case.

    Attributes
    ----------
    codes : (cases, variables)
        State indices in network order.
    log_probability : (cases,)
        ln P(joint state, e).
    """

    codes: IntArray = field(repr=False)
    log_probability: FloatArray


def clamped(compiled: CompiledNetwork, evidence: Evidence, numbers: Sequence[int]) -> Evidence:
    """Return each case once for each joint state of some variables, which is put in as evidence.

    Cases by joint states, the last variable varying fastest.
    """
    cards = [compiled.skeleton.cards[v] for v in numbers]
    joint = int(np.prod(cards))
    rows = np.repeat(np.arange(evidence.size), joint)
    repeated = evidence.part(rows)
    states = np.unravel_index(np.tile(np.arange(joint), evidence.size), cards)
    likelihoods = dict(repeated.likelihoods)
    for v, state, card in zip(numbers, states, cards, strict=True):
        hit = np.eye(card)[:, state]
        likelihoods[v] = likelihoods[v] * hit if v in likelihoods else hit
    return Evidence(repeated.codes, likelihoods, repeated.log_scale)


def log_evidence(compiled: CompiledNetwork, evidence: Evidence) -> FloatArray:
    """Return ln P(e) computed in logarithms throughout; -inf where it is impossible."""
    known = evidence.seen() | frozenset(evidence.likelihoods)
    prepared = compiled.planner.prepare(Question(known), LOG_SUM)
    answer = np.empty(evidence.size)
    for part in prepared.chunks(evidence.size, compiled.memory_limit, derivatives=False):
        chunk = evidence.part(part)
        leaves, scales = prepared.leaves.fill(chunk, LOG_SUM)
        up = prepared.program.up(leaves, scales)
        answer[part] = reading.root_log(prepared, up, chunk)
    return answer


def joint_by_clamping(
    compiled: CompiledNetwork,
    evidence: Evidence,
    numbers: Sequence[int],
    tables: Mapping[str, ArrayLike] | None,
) -> FloatArray:
    """Return P(variables | e), shape (cases, *states), from one P(e) a joint state."""
    cards = [compiled.skeleton.cards[v] for v in numbers]
    together = clamped(compiled, evidence, numbers)
    if tables:
        each = [
            posterior.posteriors(
                compiled, together.part(slice(i, i + 1)), (), tables, "nan"
            ).log_evidence
            for i in range(together.size)
        ]
        logs = np.nan_to_num(np.stack(each, axis=1), nan=-np.inf)
    else:
        logs = log_evidence(compiled, together).reshape(evidence.size, -1)
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - np.where(np.isneginf(top), 0.0, top))
    total = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return np.asarray(shares.reshape(len(shares), *cards))


def smallest_conflict(compiled: CompiledNetwork, evidence: Evidence, row: int) -> list[str]:
    """Return a smallest set of findings of one case that cannot be true together.

    All sets of up to three are tried, smallest first; a larger conflict is reduced by
    leaving findings out until every one is needed.
    """
    case = evidence.part(slice(row, row + 1))
    vague = {v for v, vector in case.likelihoods.items() if (vector > 0).all()}
    found = sorted((case.seen() | case.likelihoods.keys()) - vague)
    for count in range(1, min(_LARGEST_SEARCHED, len(found)) + 1):
        sets = list(combinations(found, count))
        impossible = np.flatnonzero(np.isneginf(log_evidence(compiled, _only(case, sets))))
        if len(impossible):
            return [compiled.skeleton.names[v] for v in sets[int(impossible[0])]]
    needed = list(found)
    for v in found:
        fewer = [u for u in needed if u != v]
        if fewer and np.isneginf(log_evidence(compiled, _only(case, [tuple(fewer)])))[0]:
            needed = fewer
    return [compiled.skeleton.names[v] for v in needed]


def _only(case: Evidence, sets: Sequence[Sequence[int]]) -> Evidence:
    """Return one case a set, each with the evidence on that set alone."""
    repeated = case.part(np.zeros(len(sets), dtype=np.intp))
    kept = np.zeros((len(case.codes), len(sets)), dtype=bool)
    for i, chosen in enumerate(sets):
        kept[list(chosen), i] = True
    codes = np.where(kept, repeated.codes, NOT_OBSERVED)
    likelihoods = {v: np.where(kept[v], vector, 1.0) for v, vector in repeated.likelihoods.items()}
    return Evidence(codes, likelihoods, repeated.log_scale)


def most_probable(compiled: CompiledNetwork, evidence: Evidence) -> Explanation:
    """Return the most probable explanation: max-product up, then the choices read back."""
    known = evidence.seen() | frozenset(evidence.likelihoods)
    prepared = compiled.planner.prepare(Question(known, whole=True, compress=False), MAX_PRODUCT)
    codes = np.empty((evidence.size, len(compiled.skeleton.names)), dtype=np.intp)
    logs = np.empty(evidence.size)
    for part in prepared.chunks(evidence.size, compiled.memory_limit, derivatives=True):
        chunk = evidence.part(part)
        leaves, scales = prepared.leaves.fill(chunk, MAX_PRODUCT)
        up = prepared.program.up(leaves, scales, keep=None)
        logs[part] = reading.root_log(prepared, up, chunk)
        codes[part] = _choices(prepared, up, chunk.size, codes.shape[1])
    impossible = np.flatnonzero(np.isneginf(logs))
    if len(impossible):
        row = int(impossible[0])
        raise ImpossibleEvidence(smallest_conflict(compiled, evidence, row), f"row {row}")
    return Explanation(codes, logs)


def _choices(prepared: Prepared, up: Pass, size: int, n_variables: int) -> IntArray:
    """Return the maximising states, root to leaves: each step's winner given those above."""
    plan = prepared.plan
    chosen: dict[int, IntArray] = {}
    cases = np.arange(size)

    def given(node: int, free: Sequence[int]) -> FloatArray:
        scope = up.scopes[node]
        batched = plan.batched(node)
        axes = [scope.index(v) for v in (*free, *(u for u in scope if u not in free))]
        table = up.tables[node].transpose(*axes, *([len(axes)] if batched else []))
        index: list[Any] = [slice(None)] * len(free)
        index += [chosen[u] for u in scope if u not in free]
        if batched:
            index.append(cases)
        picked = table[tuple(index)]
        if picked.ndim == len(free):
            picked = np.broadcast_to(picked[..., None], (*picked.shape, size))
        return np.asarray(picked)

    for step in reversed(plan.steps):
        free = sorted(step.summed)
        if not free:
            continue
        scores = given(step.left, free)
        if step.right is not None:
            scores = scores * given(step.right, free)
        shape = scores.shape[:-1]
        best = scores.reshape(-1, size).argmax(axis=0)
        for v, state in zip(free, np.unravel_index(best, shape), strict=True):
            chosen[v] = np.asarray(state, dtype=np.intp)
    return np.stack([chosen[v] for v in range(n_variables)], axis=1)
