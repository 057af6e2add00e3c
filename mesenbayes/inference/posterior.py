"""The forward question: ln P(e) and the posteriors of a few targets, for a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError, ImpossibleEvidence
from mesenbayes.inference import explanation, reading
from mesenbayes.inference.conditioned import Conditioned
from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import Question

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.inference.compiled import CompiledNetwork

FloatArray = NDArray[np.float64]
Target = str | tuple[str, ...]
OnImpossible = Literal["raise", "nan"]

_FEW_CASES = 64
"""Batches up to this size use one plan for every set of findings instead of their own."""


@dataclass(frozen=True, eq=False)
class Posteriors:
    """What a batch of cases says about the targets.

    Attributes
    ----------
    log_evidence : (cases,)
        ln P(e); NaN where the evidence is impossible and that was not to raise.
    posterior
        Target -> (cases, states), or (cases, states, states, ...) for a tuple of variables.
    states
        Target -> names of the states of each of its variables.
    """

    log_evidence: FloatArray
    posterior: Mapping[Target, FloatArray] = field(repr=False)
    states: Mapping[Target, tuple[tuple[str, ...], ...]] = field(repr=False)

    def to_frame(self, target: Target, index: Any = None) -> pd.DataFrame:
        """Return the posterior of one target as a DataFrame: cases by states."""
        import pandas as pd

        table = self.posterior[target]
        states = self.states[target]
        columns = pd.Index(states[0]) if len(states) == 1 else pd.MultiIndex.from_product(states)
        return pd.DataFrame(table.reshape(len(table), -1), index=index, columns=columns)


def posteriors(
    compiled: CompiledNetwork,
    evidence: Evidence,
    targets: Sequence[Target],
    tables: Mapping[str, ArrayLike] | None,
    on_impossible: OnImpossible,
    alone: bool = False,
) -> Posteriors:
    """Answer :meth:`CompiledNetwork.run` for checked evidence.

    Parameters
    ----------
    alone
        Plan for this one case with its findings built in.
    """
    skeleton = compiled.skeleton
    asked = {t: compiled.numbers(t) for t in targets}
    draws = _check_draws(compiled, tables, evidence) if tables else {}
    size = len(next(iter(draws.values()))) if draws else evidence.size
    built_in = bool(draws) or alone
    if built_in:
        evidence = _settled(evidence)
    question = _question(compiled, evidence, asked, draws, built_in)
    fixed = dict(question.fixed)
    one_by_one = compiled.planner.conditioned(question, evidence) if not built_in else None
    if one_by_one is not None:
        return _one_by_one(compiled, *one_by_one, evidence, asked, on_impossible)
    prepared = compiled.planner.prepare(question)
    log_evidence = np.empty(size)
    joint = {
        t: np.empty((size, *(skeleton.cards[v] for v in numbers))) for t, numbers in asked.items()
    }
    apart = {
        t
        for t, numbers in asked.items()
        if (rest := frozenset(v for v in numbers if v not in fixed)) and rest not in prepared.nodes
    }
    keep = prepared.program.needed_tables(prepared.nodes.values())
    for part in prepared.chunks(size, compiled.memory_limit, derivatives=False):
        rows = np.zeros(part.stop - part.start, dtype=np.intp) if draws else part
        chunk = evidence.part(rows)
        drawn = {v: table[part] for v, table in draws.items()}
        leaves, scales = prepared.leaves.fill(chunk, prepared.program.semiring, drawn)
        up = prepared.program.up(leaves, scales, keep)
        log_evidence[part] = reading.root_log(prepared, up, chunk)
        down = prepared.program.down(up, prepared.nodes.values(), chunk.size)
        for target, numbers in asked.items():
            if target in apart:
                continue
            cards = [skeleton.cards[v] for v in numbers]
            free = [v for v in numbers if v not in fixed]
            table = np.ones(chunk.size)
            if free:
                node = prepared.nodes[frozenset(free)]
                free_cards = [skeleton.cards[v] for v in free]
                table = reading.joint(prepared, up, down, node, free, free_cards)
            table = reading.with_fixed(table, numbers, cards, fixed)
            joint[target][part] = reading.normalised(table, otherwise=0.0)
    for target in apart:
        joint[target] = explanation.joint_by_clamping(compiled, evidence, asked[target], tables)
    settle_impossible(compiled, evidence, log_evidence, joint, tables, on_impossible)
    return Posteriors(log_evidence, joint, _states(compiled, asked))


def _states(
    compiled: CompiledNetwork, asked: Mapping[Target, Sequence[int]]
) -> dict[Target, tuple[tuple[str, ...], ...]]:
    variables = compiled.network.variables
    return {t: tuple(variables[v].states for v in numbers) for t, numbers in asked.items()}


def _one_by_one(
    compiled: CompiledNetwork,
    conditioned: Conditioned,
    alone: NDArray[np.bool_],
    evidence: Evidence,
    asked: Mapping[Target, Sequence[int]],
    on_impossible: OnImpossible,
) -> Posteriors:
    cards = compiled.skeleton.cards
    log_evidence = np.empty(evidence.size)
    joint: dict[Target, FloatArray] = {
        target: np.empty((evidence.size, *(cards[v] for v in numbers)))
        for target, numbers in asked.items()
    }
    usual = np.flatnonzero(~alone)
    log_evidence[usual], together = conditioned.run(evidence.part(usual))
    for target, numbers in asked.items():
        axes = [1 + conditioned.outputs.index(v) for v in numbers]
        others = tuple(i for i in range(1, together.ndim) if i not in axes)
        order = np.argsort(np.argsort(axes))
        joint[target][usual] = together.sum(axis=others).transpose(0, *(1 + order))
    for case in np.flatnonzero(alone):
        one = posteriors(
            compiled, evidence.part(np.array([case])), [*asked], None, "nan", alone=True
        )
        log_evidence[case] = np.nan_to_num(one.log_evidence[0], nan=-np.inf)
        for target in asked:
            joint[target][case] = one.posterior[target][0]
    settle_impossible(compiled, evidence, log_evidence, joint, None, on_impossible)
    return Posteriors(log_evidence, joint, _states(compiled, asked))


def _question(
    compiled: CompiledNetwork,
    evidence: Evidence,
    asked: Mapping[Target, Sequence[int]],
    draws: Mapping[int, FloatArray],
    built_in: bool,
) -> Question:
    outputs = tuple(dict.fromkeys(frozenset(numbers) for numbers in asked.values()))
    seen, soft = evidence.seen(), frozenset(evidence.likelihoods)
    if built_in:
        outputs = tuple(o - seen for o in outputs if o - seen)
        return Question(
            soft,
            fixed=tuple(sorted((v, int(evidence.codes[v, 0])) for v in seen)),
            drawn=frozenset(draws),
            outputs=outputs,
            compress=_keep_zeros(compiled, draws),
        )
    if evidence.size <= _FEW_CASES and not soft and seen <= compiled.usual.observed:
        return Question(compiled.usual.observed, compiled.usual.hard, outputs=outputs)
    question = Question(seen | soft, seen - soft, outputs=outputs)
    return compiled.planner.with_slices(question, evidence.always() - soft)


def settle_impossible(
    compiled: CompiledNetwork,
    evidence: Evidence,
    log_evidence: FloatArray,
    joint: Mapping[Any, FloatArray],
    tables: Mapping[str, ArrayLike] | None,
    on_impossible: OnImpossible,
) -> None:
    """Answer cases whose P(e) came out 0: too small for float64, or truly impossible.

    The former are computed again in logarithms, the latter raise or become NaN; the
    arrays are changed in place.
    """
    rows = np.flatnonzero(~np.isfinite(log_evidence))
    if len(rows) and not tables:
        log_evidence[rows] = explanation.log_evidence(compiled, evidence.part(rows))
        small = rows[np.isfinite(log_evidence[rows])]
        for target, answer in joint.items():
            if len(small):
                answer[small] = explanation.joint_by_clamping(
                    compiled, evidence.part(small), compiled.numbers(target), None
                )
        rows = rows[~np.isfinite(log_evidence[rows])]
    if not len(rows):
        return
    if on_impossible == "raise":
        row = 0 if tables else int(rows[0])
        raise ImpossibleEvidence(
            explanation.smallest_conflict(compiled, evidence, row), f"row {int(rows[0])}"
        )
    log_evidence[rows] = np.nan
    for answer in joint.values():
        answer[rows] = np.nan


def _settled(evidence: Evidence) -> Evidence:
    """Return one case in which a likelihood of a variable with a known state is a number."""
    log_scale, vague = evidence.log_scale.copy(), dict(evidence.likelihoods)
    for v in evidence.seen() & vague.keys():
        with np.errstate(divide="ignore"):
            log_scale += np.log(vague.pop(v)[evidence.codes[v, 0]])
    return Evidence(evidence.codes, vague, log_scale)


def _check_draws(
    compiled: CompiledNetwork, tables: Mapping[str, ArrayLike], evidence: Evidence
) -> dict[int, FloatArray]:
    if evidence.size != 1:
        raise CaseError(f"draws of tables need one case, not {evidence.size}")
    draws: dict[int, FloatArray] = {}
    size = -1
    for name, values in tables.items():
        (v,) = compiled.numbers(name)
        table = np.asarray(values, dtype=np.float64)
        size = len(table) if size < 0 and table.ndim else size
        expected = (size, *compiled.skeleton.tables[v].shape)
        if table.shape != expected or size < 1:
            raise CaseError(f"draws of {name} have shape {table.shape}, expected {expected}")
        if not (np.isfinite(table).all() and (table >= 0).all()):
            raise CaseError(f"draws of {name} contain a negative or non-finite entry")
        draws[v] = table
    return draws


def _keep_zeros(compiled: CompiledNetwork, draws: Mapping[int, FloatArray]) -> bool:
    """Return whether what compression leaves out is impossible in every draw."""
    defining = {v for c in compiled.planner.compounds for v in c.members} & draws.keys()
    return all(not draws[v][:, compiled.skeleton.tables[v] == 0].any() for v in defining)
