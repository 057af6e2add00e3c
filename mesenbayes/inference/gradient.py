"""What the downward pass says: every marginal, every retraction, every derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import ImpossibleEvidence, UnknownState
from mesenbayes.inference import explanation, reading
from mesenbayes.inference.arrays import on_host
from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import Question

if TYPE_CHECKING:
    from mesenbayes.inference.compiled import CompiledNetwork

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradient:
    """Derivatives of the network polynomial, all divided by P(e).

    With ``Z = P(e)`` and ``Z_h = P(h, e)``: ``evidence[x] = (dZ/d theta) / Z``, one for each
    case and entry of the table of x; ``hypothesis[x] = (dZ_h/d theta) / Z``. In these
    units Z is 1 and Z_h is the posterior. The true derivative is the value times
    ``exp(log_evidence)``. Entries of the table that are zero have their derivative too.

    Attributes
    ----------
    log_evidence : (cases,)
        ln P(e).
    posterior : (cases,) or (cases, states) or None
        P(h | e), of the state or of each state.
    evidence
        Variable -> (cases, *parents, states).
    hypothesis
        Variable -> (cases, *parents, states), or (cases, states of h, *parents, states);
        empty without a hypothesis.
    """

    log_evidence: FloatArray
    posterior: FloatArray | None
    evidence: Mapping[str, FloatArray] = field(repr=False)
    hypothesis: Mapping[str, FloatArray] = field(repr=False)


def marginals_and_retractions(
    compiled: CompiledNetwork, evidence: Evidence, retract: bool
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return name -> (cases, states) and ln P(e).

    The derivative in the likelihood of x is P(e without x, x) (Darwiche 2003): normalised
    it is the retraction, and times the likelihood it is the posterior.
    """
    skeleton = compiled.skeleton
    known = evidence.seen() | frozenset(evidence.likelihoods)
    everything = range(len(skeleton.names))
    asked = sorted(known) if retract else list(everything)
    outputs = () if retract else tuple(frozenset((v,)) for v in everything if v not in known)
    question = Question(known, outputs=outputs, whole=True)
    prepared = compiled.planner.prepare(question)
    leaf_of = {
        leaf.variable: i for i, leaf in enumerate(prepared.model.leaves) if leaf.kind == "evidence"
    }
    nodes = {*prepared.nodes.values(), *leaf_of.values()}
    answers = {skeleton.names[v]: np.empty((evidence.size, skeleton.cards[v])) for v in asked}
    logs = np.empty(evidence.size)
    for part in prepared.chunks(evidence.size, compiled.memory_limit, derivatives=True):
        chunk = evidence.part(part)
        leaves, scales = prepared.leaves.fill(chunk, prepared.program.semiring)
        up = prepared.program.up(leaves, scales, keep=None)
        logs[part] = reading.root_log(prepared, up, chunk)
        down = prepared.program.down(up, nodes, chunk.size)
        for v in asked:
            if v in leaf_of:
                node = leaf_of[v]
                if retract:
                    ones = prepared.program.semiring.xp.ones_like
                    up.tables[node] = ones(up.tables[node])
            else:
                node = prepared.nodes[frozenset((v,))]
            table = reading.joint(prepared, up, down, node, [v], [skeleton.cards[v]])
            answers[skeleton.names[v]][part] = reading.normalised(table, otherwise=np.nan)
    return answers, logs


def gradient(
    compiled: CompiledNetwork, evidence: Evidence, hypothesis: tuple[str, int | str] | str | None
) -> Gradient:
    """Return :class:`Gradient`; P(h, e) is P(e) with the likelihood of h one state's."""
    cases = evidence.size
    if hypothesis is None:
        ways, number = np.ones((1, 1)), -1
    else:
        name = hypothesis if isinstance(hypothesis, str) else hypothesis[0]
        (number,) = compiled.numbers(name)
        ways = np.eye(compiled.skeleton.cards[number])
        if not isinstance(hypothesis, str):
            # The state, and anything at all: two passes serve one hypothesis.
            ways = np.stack([ways[_state(compiled, name, hypothesis[1])], np.ones(len(ways))])
    repeated = evidence.part(np.repeat(np.arange(cases), len(ways)))
    if number >= 0:
        hit = np.tile(ways, (cases, 1)).T
        vague = dict(repeated.likelihoods)
        vague[number] = vague[number] * hit if number in vague else hit
        repeated = Evidence(repeated.codes, vague, repeated.log_scale)
    derivatives, logs = _derivatives(compiled, repeated)
    logs = logs.reshape(cases, len(ways))
    if isinstance(hypothesis, str):
        top = np.maximum(logs.max(axis=1), -1e300)
        with np.errstate(divide="ignore"):
            log_evidence = np.log(np.exp(logs - top[:, None]).sum(axis=1)) + top
    else:
        log_evidence = logs[:, -1]
    if np.isneginf(log_evidence).any():
        row = int(np.flatnonzero(np.isneginf(log_evidence))[0])
        raise ImpossibleEvidence(
            explanation.smallest_conflict(compiled, evidence, row), f"row {row}"
        )
    posterior = np.exp(logs - log_evidence[:, None])
    total: dict[str, FloatArray] = {}
    each: dict[str, FloatArray] = {}
    for v, (table, scale) in derivatives.items():
        weight = np.exp(scale.reshape(cases, len(ways)) - log_evidence[:, None])
        shaped = table.reshape(cases, len(ways), *table.shape[1:])
        shaped = shaped * weight.reshape(cases, len(ways), *[1] * (table.ndim - 1))
        name = compiled.skeleton.names[v]
        if isinstance(hypothesis, str):
            total[name], each[name] = shaped.sum(axis=1), shaped
        else:
            total[name] = shaped[:, -1]
            if hypothesis is not None:
                each[name] = shaped[:, 0]
    if hypothesis is None:
        return Gradient(log_evidence, None, total, {})
    if not isinstance(hypothesis, str):
        posterior = posterior[:, 0]
    return Gradient(log_evidence, posterior, total, each)


def _derivatives(
    compiled: CompiledNetwork, evidence: Evidence
) -> tuple[dict[int, tuple[FloatArray, FloatArray]], FloatArray]:
    """Return variable -> (dZ/d theta, its log scale), tables (cases, *parents, states)."""
    skeleton = compiled.skeleton
    known = evidence.seen() | frozenset(evidence.likelihoods)
    prepared = compiled.planner.prepare(Question(known, whole=True, compress=False))
    leaf_of = {
        leaf.variable: i for i, leaf in enumerate(prepared.model.leaves) if leaf.kind == "constant"
    }
    size = evidence.size
    logs = np.empty(size)
    answer = {
        v: (np.empty((size, *table.shape)), np.empty(size))
        for v, table in enumerate(skeleton.tables)
    }
    for part in prepared.chunks(size, compiled.memory_limit, derivatives=True):
        chunk = evidence.part(part)
        leaves, scales = prepared.leaves.fill(chunk, prepared.program.semiring)
        up = prepared.program.up(leaves, scales, keep=None)
        logs[part] = reading.root_log(prepared, up, chunk)
        down = prepared.program.down(up, leaf_of.values(), chunk.size)
        for v, node in leaf_of.items():
            scope = (*skeleton.parents[v], v)
            axes = [down.scopes[node].index(u) for u in scope]
            table = on_host(down.tables[node])
            answer[v][0][part] = table.transpose(table.ndim - 1, *axes)
            answer[v][1][part] = on_host(down.log_scales[node]) + chunk.log_scale
    return answer, logs


def _state(compiled: CompiledNetwork, name: str, state: int | str) -> int:
    variable = compiled.network.variable(name)
    if isinstance(state, str):
        if state not in variable.states:
            raise UnknownState(name, state, variable.states)
        return variable.index(state)
    if not 0 <= state < variable.cardinality:
        raise UnknownState(name, str(state), variable.states)
    return int(state)
