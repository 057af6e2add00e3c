"""Questions to a network, in its own names: posteriors, marginals, derivatives.

See :mod:`mesenbayes.inference.plan` for how they are computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError, ImpossibleEvidence, TooLarge, UnknownFinding, nearest
from mesenbayes.inference import explanation, gradient
from mesenbayes.inference.evidence import Evidence, check_evidence
from mesenbayes.inference.factors import (
    Compound,
    IntArray,
    Model,
    Question,
    Skeleton,
    assemble,
    possible_pairs,
)
from mesenbayes.inference.leaves import BatchLeaves
from mesenbayes.inference.order import candidate_orders
from mesenbayes.inference.plan import Operand, Plan, build
from mesenbayes.inference.program import Pass, Program
from mesenbayes.inference.semiring import LOG_SUM, SUM_PRODUCT, Semiring
from mesenbayes.network.network import Network

FloatArray = NDArray[np.float64]
Target = str | tuple[str, ...]
OnImpossible = Literal["raise", "nan"]

_CACHE_BYTES = 4 * 2**20
"""What the tables of one chunk may occupy, so that they are read back from cache."""
_MOST_PAIRS = 12
"""How many pairs of variables are tried for compression when a network is compiled."""


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
        Target -> names of the states; for a tuple, of each variable.
    """

    log_evidence: FloatArray
    posterior: Mapping[Target, FloatArray] = field(repr=False)
    states: Mapping[Target, tuple[str, ...] | tuple[tuple[str, ...], ...]] = field(repr=False)

    def to_frame(self, target: Target, index: object = None) -> object:
        """Return the posterior of one target as a DataFrame: cases by states."""
        import pandas as pd

        table = self.posterior[target]
        states = self.states[target]
        columns = states if isinstance(target, str) else pd.MultiIndex.from_product(states)
        return pd.DataFrame(table.reshape(len(table), -1), index=index, columns=columns)


@dataclass(eq=False)
class Prepared:
    """A question with everything that could be done before its evidence is known."""

    model: Model
    plan: Plan
    program: Program
    leaves: BatchLeaves
    nodes: dict[frozenset[int], int]


def compile_network(network: Network, memory_limit: int = 2**30) -> CompiledNetwork:
    """Return `network` ready to answer batches of questions.

    Parameters
    ----------
    memory_limit
        Bytes that the tables of one question may occupy; batches are cut to fit. A
        question that does not fit for a single case raises TooLarge before it allocates.
    """
    return CompiledNetwork(network, memory_limit)


class CompiledNetwork:
    """A network whose plans are made once and run on batches. Use :func:`compile_network`."""

    def __init__(self, network: Network, memory_limit: int = 2**30) -> None:
        self.network = network
        self.memory_limit = memory_limit
        self.skeleton = Skeleton.of(network)
        self.number = {name: i for i, name in enumerate(self.skeleton.names)}
        self._prepared: dict[Question, Prepared] = {}
        self.compounds: tuple[Compound, ...] = ()
        self.compounds = self._compounds()

    # -- plans ---------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan for tumour and genotype (else nothing) from any hard findings; printable."""
        return self.prepare(self._usual_question()).plan

    def _usual_question(self) -> Question:
        roles = {v.name: v.role for v in self.network.variables}
        asked = [self.number[n] for n, role in roles.items() if role in ("tumour", "genotype")]
        seen = frozenset(
            self.number[n] for n, role in roles.items() if role in ("finding", "specimen")
        )
        return Question(seen, seen, outputs=tuple(frozenset((v,)) for v in asked))

    def model_and_plan(
        self, question: Question, compounds: Sequence[Compound], restarts: int = 2
    ) -> tuple[Model, Plan]:
        """Return the leaves that answer `question` and the cheapest tree found over them."""
        model = assemble(self.skeleton, question, compounds)
        operands = [
            Operand(
                leaf.scope,
                leaf.batched,
                1 if leaf.kind in ("evidence", "stack") or leaf.kind == "table" else 0,
            )
            for leaf in model.leaves
        ]
        names = dict(enumerate(self.skeleton.names))
        for c in model.compounds:
            names[c.number] = "*".join(names[v] for v in c.members)
        scopes = [o.scope for o in operands]
        read = [frozenset(model.place(v)[0] for v in output) for output in question.outputs]
        late = frozenset().union(*read) if read and not question.whole else frozenset()
        best: Plan | None = None
        for last in (late, frozenset()) if late else (late,):
            for order in candidate_orders(scopes, model.sizes, last, restarts):
                plan = build(operands, order, model.sizes, names)
                if best is None or self._price(plan, read) < self._price(best, read):
                    best = plan
        assert best is not None
        return model, best

    @staticmethod
    def _price(plan: Plan, read: Sequence[frozenset[int]]) -> float:
        nodes = [plan.node_with(r, nearest_root=True) for r in read]
        missing = sum(n is None for n in nodes)
        down = plan.above(n for n in nodes if n is not None)
        first = len(plan.operands)
        back = sum(plan.steps[n - first].table for n in down if n >= first)
        folded = sum(step.table for step in plan.steps if not step.batched)
        return (plan.cost + back + folded / 256) * (1 + 10 * missing)

    def prepare(self, question: Question, semiring: Semiring = SUM_PRODUCT) -> Prepared:
        """Return the plan and program of a question; kept unless the evidence is built in."""
        known = self._prepared.get(question) if semiring is SUM_PRODUCT else None
        if known is not None:
            return known
        model, plan = self.model_and_plan(question, self.compounds)
        self._check_size(plan, question)
        constants = {
            i: leaf.table
            for i, leaf in enumerate(model.leaves)
            if not leaf.batched and leaf.table is not None
        }
        nodes: dict[frozenset[int], int] = {}
        for output in question.outputs:
            node = plan.node_with(
                {model.place(v)[0] for v in output}, nearest_root=not question.whole
            )
            if node is not None:
                nodes[output] = node
        prepared = Prepared(
            model,
            plan,
            Program(plan, constants, semiring),
            BatchLeaves(self.skeleton, model),
            nodes,
        )
        if semiring is SUM_PRODUCT and not question.fixed:
            self._prepared[question] = prepared
        return prepared

    def _check_size(self, plan: Plan, question: Question) -> None:
        held = plan.held_for_derivatives if question.whole else plan.held
        needed = 8 * (held + plan.constant)
        if needed > self.memory_limit:
            raise TooLarge(f"exact inference in {self.network.name}", needed, self.memory_limit)

    def _compounds(self) -> tuple[Compound, ...]:
        """Return the pairs of variables that are cheaper as one."""
        chosen: list[Compound] = []
        taken: set[int] = set()
        everything = frozenset(range(len(self.skeleton.names)))
        question = Question(observed=everything, hard=everything)
        question = self._usual_question() if self._usual_question().outputs else question
        price: float | None = None
        for _, parent, child, pairs in possible_pairs(self.skeleton)[:_MOST_PAIRS]:
            if taken & {parent, child}:
                continue
            if price is None:
                price = float(self.model_and_plan(question, (), restarts=0)[1].cost)
            compound = Compound(
                len(self.skeleton.names) + len(chosen), (parent, child), pairs.astype(np.intp)
            )
            tried = self.model_and_plan(question, (*chosen, compound), restarts=0)[1].cost
            if tried < price:
                price = float(tried)
                chosen.append(compound)
                taken |= {parent, child}
        return tuple(chosen)

    # -- evidence ------------------------------------------------------------------------

    def check(
        self, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
    ) -> Evidence:
        """Return checked evidence (see :func:`~.evidence.check_evidence`)."""
        return check_evidence(self.network, codes, likelihoods)

    def numbers(self, target: Target) -> tuple[int, ...]:
        """Return the variable numbers of a target; UnknownFinding if there is none."""
        names = (target,) if isinstance(target, str) else target
        for name in names:
            if name not in self.number:
                raise UnknownFinding(name, nearest(name, self.number))
        return tuple(self.number[name] for name in names)

    def chunks(self, prepared: Prepared, size: int, derivatives: bool) -> Iterator[slice]:
        """Cut a batch into parts whose tables fit the cache and the memory limit."""
        plan = prepared.plan
        held = max(1, plan.held_for_derivatives if derivatives else plan.held)
        room = (self.memory_limit - 8 * plan.constant) // (8 * held)
        length = int(max(1, min(room, max(16, _CACHE_BYTES // (8 * held)), size)))
        for start in range(0, size, length):
            yield slice(start, min(start + length, size))

    # -- forward -------------------------------------------------------------------------

    def run(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        targets: Sequence[Target] = (),
        tables: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> Posteriors:
        """Return ln P(e) and the posteriors of `targets` for a batch.

        Parameters
        ----------
        codes : (cases, variables) integers
            State indices in the order of ``network.variables``, -1 where not observed.
        likelihoods
            Variable -> (cases, states).
        targets
            Variable names, or tuples of them for a joint posterior.
        tables
            Variable -> (draws, *parents, states): draws of whole tables in place of the
            means. Then there must be one case, and the draws are the batch.
        on_impossible
            ``raise`` ImpossibleEvidence, or answer ``nan`` for that case.
        """
        evidence = self.check(codes, likelihoods)
        return self.run_checked(evidence, targets, tables, on_impossible)

    def run_checked(
        self,
        evidence: Evidence,
        targets: Sequence[Target] = (),
        tables: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> Posteriors:
        """Answer :meth:`run` for evidence that has been checked."""
        outputs = tuple(dict.fromkeys(frozenset(self.numbers(t)) for t in targets))
        draws = self._check_draws(tables, evidence) if tables else {}
        seen, soft = evidence.seen(), frozenset(evidence.likelihoods)
        question = Question(seen | soft, seen - soft, outputs=outputs)
        size = evidence.size
        if draws:
            evidence, soft = _settled(evidence), soft - seen
            states = tuple(sorted((v, int(evidence.codes[v, 0])) for v in seen))
            question = Question(
                soft,
                fixed=states,
                drawn=frozenset(draws),
                outputs=tuple(o - seen for o in outputs if o - seen),
                compress=self._draws_keep_zeros(draws),
            )
            size = len(next(iter(draws.values())))
        prepared = self.prepare(question)
        missing = [o for o in question.outputs if o not in prepared.nodes]
        log_evidence = np.empty(size)
        joint = {
            t: np.empty((size, *(self.skeleton.cards[v] for v in self.numbers(t)))) for t in targets
        }
        for part in self.chunks(prepared, size, derivatives=False):
            if draws:
                chunk = evidence.part(np.zeros(part.stop - part.start, dtype=np.intp))
                drawn = {v: table[part] for v, table in draws.items()}
            else:
                chunk, drawn = evidence.part(part), {}
            up, logs = self._up(prepared, chunk, drawn)
            log_evidence[part] = logs
            down = prepared.program.down(up, prepared.nodes.values(), chunk.size)
            for target in targets:
                numbers = self.numbers(target)
                if frozenset(numbers) - dict(question.fixed).keys() in missing:
                    continue
                joint[target][part] = self._read(
                    prepared, up, down, numbers, chunk.size, dict(question.fixed)
                )
        for target in targets:
            if frozenset(self.numbers(target)) - dict(question.fixed).keys() in missing:
                joint[target] = explanation.joint_by_clamping(
                    self, evidence, self.numbers(target), tables
                )
        self._settle_impossible(evidence, log_evidence, joint, tables, on_impossible)
        return Posteriors(log_evidence, joint, {t: self._states(t) for t in targets})

    def _up(
        self, prepared: Prepared, evidence: Evidence, draws: Mapping[int, FloatArray]
    ) -> tuple[Pass, FloatArray]:
        semiring = prepared.program.semiring
        leaves, scales = prepared.leaves.fill(evidence, semiring, draws)
        keep = prepared.program.needed_tables(prepared.nodes.values())
        up = prepared.program.up(leaves, scales, keep)
        return up, root_log(prepared, up, evidence)

    def _read(
        self,
        prepared: Prepared,
        up: Pass,
        down: Pass,
        numbers: Sequence[int],
        size: int,
        fixed: Mapping[int, int],
    ) -> FloatArray:
        """Return P(variables | e), shape (cases, *states), from the table that holds them."""
        cards = [self.skeleton.cards[v] for v in numbers]
        free = [v for v in numbers if v not in fixed]
        if not free:
            table = np.ones((size,))
        else:
            node = prepared.nodes[frozenset(free)]
            table = read_joint(
                prepared, up, down, node, free, [self.skeleton.cards[v] for v in free]
            )
        if len(free) < len(numbers):
            full = np.zeros((size, *cards))
            where = tuple(fixed.get(v, slice(None)) for v in numbers)
            full[(slice(None), *where)] = table
            table = full
        total = table.sum(axis=tuple(range(1, table.ndim)), keepdims=True)
        return np.asarray(np.divide(table, total, out=np.zeros_like(table), where=total > 0))

    def _settle_impossible(
        self,
        evidence: Evidence,
        log_evidence: FloatArray,
        joint: dict[Target, FloatArray],
        tables: Mapping[str, ArrayLike] | None,
        on_impossible: OnImpossible,
    ) -> None:
        """Answer cases whose P(e) came out 0: too small for float64, or truly impossible."""
        rows = np.flatnonzero(~np.isfinite(log_evidence))
        if not len(rows):
            return
        if not tables:
            part = evidence.part(rows)
            log_evidence[rows] = explanation.log_evidence(self, part)
            possible = np.isfinite(log_evidence[rows])
            for target, answer in joint.items():
                if possible.any():
                    answer[rows[possible]] = explanation.joint_by_clamping(
                        self, evidence.part(rows[possible]), self.numbers(target), None
                    )
            rows = rows[~possible]
            if not len(rows):
                return
        if on_impossible == "raise":
            row = 0 if tables else int(rows[0])
            raise ImpossibleEvidence(
                explanation.smallest_conflict(self, evidence, row), f"row {int(rows[0])}"
            )
        log_evidence[rows] = np.nan
        for answer in joint.values():
            answer[rows] = np.nan

    def _check_draws(
        self, tables: Mapping[str, ArrayLike], evidence: Evidence
    ) -> dict[int, FloatArray]:
        if evidence.size != 1:
            raise CaseError(f"draws of tables need one case, not {evidence.size}")
        draws: dict[int, FloatArray] = {}
        size = -1
        for name, values in tables.items():
            (v,) = self.numbers(name)
            table = np.asarray(values, dtype=np.float64)
            size = len(table) if size < 0 and table.ndim else size
            expected = (size, *self.skeleton.tables[v].shape)
            if table.shape != expected or size < 1:
                raise CaseError(f"draws of {name} have shape {table.shape}, expected {expected}")
            if not (np.isfinite(table).all() and (table >= 0).all()):
                raise CaseError(f"draws of {name} contain a negative or non-finite entry")
            draws[v] = table
        return draws

    def _draws_keep_zeros(self, draws: Mapping[int, FloatArray]) -> bool:
        defining = {v for c in self.compounds for v in c.members} & draws.keys()
        return all(not draws[v][:, self.skeleton.tables[v] == 0].any() for v in defining)

    def _states(self, target: Target) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(target, str):
            return self.network.variable(target).states
        return tuple(self.network.variable(name).states for name in target)

    # -- backward ------------------------------------------------------------------------

    def marginals(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> dict[str, FloatArray]:
        """Return the posterior of every variable: name -> (cases, states)."""
        evidence = self.check(codes, likelihoods)
        answers, logs = gradient.marginals_and_retractions(self, evidence, retract=False)
        joint: dict[Target, FloatArray] = dict(answers)
        self._settle_impossible(evidence, logs, joint, None, on_impossible)
        return answers

    def retractions(
        self, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
    ) -> dict[str, FloatArray]:
        """Return P(x | e without what is known of x) of every variable with evidence.

        NaN where even the remaining evidence is impossible.
        """
        evidence = self.check(codes, likelihoods)
        return gradient.marginals_and_retractions(self, evidence, retract=True)[0]

    def pairwise(
        self,
        codes: ArrayLike,
        target: str,
        findings: Sequence[str],
        likelihoods: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> dict[str, FloatArray]:
        """Return P(target, finding | e) for each finding: name -> (cases, states, states)."""
        pairs = [(target, finding) for finding in findings]
        answer = self.run(codes, likelihoods, pairs, on_impossible=on_impossible)
        return {f: answer.posterior[(target, f)] for f in findings}

    def gradient(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        hypothesis: tuple[str, int | str] | str | None = None,
    ) -> gradient.Gradient:
        """Return the derivative of P(e) and P(h, e) in every table entry.

        Parameters
        ----------
        hypothesis
            Variable and state; or a variable alone, for each of its states.
        """
        return gradient.gradient(self, self.check(codes, likelihoods), hypothesis)

    def most_probable_explanation(
        self, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
    ) -> explanation.Explanation:
        """Return the most probable joint state of all variables given each case."""
        return explanation.most_probable(self, self.check(codes, likelihoods))


def _settled(evidence: Evidence) -> Evidence:
    """Return one case in which a likelihood of a variable with a known state is a number."""
    log_scale, vague = evidence.log_scale.copy(), dict(evidence.likelihoods)
    for v in evidence.seen() & vague.keys():
        with np.errstate(divide="ignore"):
            log_scale += np.log(vague.pop(v)[evidence.codes[v, 0]])
    return Evidence(evidence.codes, vague, log_scale)


def root_log(prepared: Prepared, up: Pass, evidence: Evidence) -> FloatArray:
    """Return ln P(e) of a forward pass, -inf where it is 0, shape (cases,)."""
    root = prepared.plan.root
    value = np.broadcast_to(up.tables[root], (evidence.size,))
    if prepared.program.semiring is LOG_SUM:
        logs = value
    else:
        with np.errstate(divide="ignore"):
            logs = np.log(value)
    return np.asarray(logs + up.log_scales.get(root, 0.0) + evidence.log_scale)


def read_joint(
    prepared: Prepared,
    up: Pass,
    down: Pass,
    node: int,
    numbers: Sequence[int],
    cards: Sequence[int],
) -> FloatArray:
    """Return P(variables, e) up to each case's scale, shape (cases, *states)."""
    places = [prepared.model.place(v) for v in numbers]
    wanted = tuple(dict.fromkeys(p for p, _ in places))
    scope, outside = up.scopes[node], down.scopes[node]
    letters = {v: i for i, v in enumerate(dict.fromkeys((*scope, *outside)))}
    batch = len(letters)
    table = np.einsum(
        up.tables[node],
        [*(letters[v] for v in scope), *([batch] if prepared.plan.batched(node) else [])],
        down.tables[node],
        [*(letters[v] for v in outside), batch],
        [batch, *(letters[v] for v in wanted)],
    )
    # From possible joint states back to the variables they are made of.
    axes: list[IntArray | None] = [index for _, index in places]
    if all(index is None for index in axes):
        return np.asarray(table)
    sizes = prepared.plan.sizes
    operands: list[object] = [table, [0, *(1 + i for i in range(len(wanted)))]]
    for axis, (place, index) in enumerate(places):
        source = 1 + wanted.index(place)
        count = sizes[place]
        member = np.arange(count) if index is None else index
        hit = np.zeros((count, cards[axis]))
        hit[np.arange(count), member] = 1.0
        operands += [hit, [source, 1 + len(wanted) + axis]]
    operands.append([0, *(1 + len(wanted) + axis for axis in range(len(places)))])
    return np.asarray(np.einsum(*operands, optimize="greedy"))  # type: ignore[call-overload]
