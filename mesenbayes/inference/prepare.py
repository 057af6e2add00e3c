"""From a question to a program: the cheapest tree found, its size checked, its constants done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import TooLarge
from mesenbayes.inference.conditioned import SECONDS_TO_PLAN, Conditioned
from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import (
    Compound,
    Model,
    Question,
    Skeleton,
    assemble,
    possible_pairs,
    stackable,
)
from mesenbayes.inference.leaves import BatchLeaves
from mesenbayes.inference.order import candidate_orders
from mesenbayes.inference.plan import Operand, Plan, Step, build
from mesenbayes.inference.program import Program
from mesenbayes.inference.semiring import Semiring

_CACHE_BYTES = 4 * 2**20
"""What the tables of one chunk may occupy, so that they are read back from cache."""
_CHEAP = 100_000
"""Multiply-adds a case below which no better plan is looked for."""
_LARGE_NETWORK = 150
"""Variables from which no order is tried twice with ties broken at random."""
_MOST_PAIRS = 12
"""How many pairs of variables are tried for compression when a network is compiled."""
_SECONDS = 1e-9
"""A multiply-add of two batched tables, as measured; it only chooses between exact ways."""
_WORTH_CONDITIONING = 50_000
"""Multiply-adds a case below which a batch is not taken apart."""
_LARGEST_CORE = 4096
"""Most joint states of the variables that are read for them to be eliminated last."""


@dataclass(eq=False)
class Prepared:
    """A question with everything that can be done before its evidence is known.

    Attributes
    ----------
    nodes
        Set of variables -> table of the tree from which their joint is read.
    """

    model: Model
    plan: Plan
    program: Program
    leaves: BatchLeaves
    nodes: dict[frozenset[int], int]

    def chunks(self, size: int, memory_limit: int, derivatives: bool) -> Iterator[slice]:
        """Cut a batch into parts whose tables fit the memory limit and numpy's the cache too."""
        held = max(1, self.plan.held_for_derivatives if derivatives else self.plan.held)
        on_host = self.program.semiring.xp is np
        each = held if on_host else held + self.leaves.one_hot
        room = (memory_limit - 8 * self.plan.constant) // (8 * each)
        if on_host:
            room = min(room, max(16, _CACHE_BYTES // (8 * held)))
        length = int(max(1, min(room, size)))
        for start in range(0, size, length):
            yield slice(start, min(start + length, size))


class Planner:
    """Makes programs for questions to one network and keeps them."""

    def __init__(
        self, skeleton: Skeleton, usual: Question, memory_limit: int, semiring: Semiring
    ) -> None:
        self.skeleton = skeleton
        self.semiring = semiring
        self.memory_limit = memory_limit
        self._plans: dict[Question, tuple[Model, Plan, float]] = {}
        self._sliced: dict[tuple[Question, frozenset[int]], Question] = {}
        self._conditioned: dict[Question, Conditioned] = {}
        self._prepared: dict[tuple[Question, int], Prepared] = {}
        self.compounds: tuple[Compound, ...] = _cheaper_as_one(skeleton, usual)

    def plan(self, question: Question) -> Plan:
        """Return the plan of a question; nothing is allocated."""
        return self._plan(question)[1]

    def _plan(self, question: Question) -> tuple[Model, Plan, float]:
        if question.fixed:
            return model_and_plan(self.skeleton, question, self.compounds)
        if question not in self._plans:
            self._plans[question] = model_and_plan(self.skeleton, question, self.compounds)
        return self._plans[question]

    def with_slices(self, question: Question, always: frozenset[int]) -> Question:
        """Return `question` with variables observed in every case sliced out, if that is cheaper.

        Findings that can be stacked stay: one matrix product serves them all.
        """
        key = (question, always)
        if key not in self._sliced:
            self._sliced[key] = question
            candidates = always - frozenset().union(*question.outputs)
            for x, parents in stackable(self.skeleton, question).items():
                if not candidates & parents:
                    candidates -= {x}
            sliced = replace(question, sliced=candidates)
            if candidates and self._plan(sliced)[2] < self._plan(question)[2]:
                self._sliced[key] = sliced
        return self._sliced[key]

    def conditioned(
        self, question: Question, evidence: Evidence
    ) -> tuple[Conditioned, NDArray[np.bool_]] | None:
        """Return the way to take cases one by one, where that is faster or alone possible, and
        which cases are better planned alone."""
        if question.hard != question.observed or not question.observed:
            return None
        if self.semiring.xp is not np:
            return None
        model, plan, work = self._plan(question)
        together = prod(
            model.sizes[v] for v in frozenset().union(*question.outputs) if v in model.sizes
        )
        if work < _WORTH_CONDITIONING or together > _LARGEST_CORE:
            return None
        key = replace(question, sliced=frozenset())
        if key not in self._conditioned:
            self._conditioned[key] = Conditioned(self.skeleton, key)
        other = self._conditioned[key]
        seconds, largest = other.estimate(evidence)
        planning = SECONDS_TO_PLAN * len(self.skeleton.names)
        fits = 8 * (3 * largest + other.plan.constant) <= self.memory_limit
        alone = ~fits | (seconds > 2 * planning)
        batch_fits = 8 * (plan.held + plan.constant) <= self.memory_limit
        faster = float(np.where(alone, planning, seconds).mean()) < _SECONDS * work
        return (other, alone) if faster or not batch_fits else None

    def prepare(self, question: Question, semiring: Semiring | None = None) -> Prepared:
        """Return the program of a question; kept, unless a case's own evidence is built in."""
        semiring = semiring or self.semiring
        known = self._prepared.get((question, id(semiring)))
        if known is not None:
            return known
        model, plan, _ = self._plan(question)
        held = plan.held_for_derivatives if question.whole else plan.held
        needed = 8 * (held + plan.constant)
        if needed > self.memory_limit:
            raise TooLarge("exact inference in this network", needed, self.memory_limit)
        constants = {
            i: leaf.table
            for i, leaf in enumerate(model.leaves)
            if not leaf.batched and leaf.table is not None
        }
        nodes = _readable(plan, model, question)
        prepared = Prepared(
            model,
            plan,
            Program(plan, constants, semiring),
            BatchLeaves(self.skeleton, model),
            {output: node for output, node in nodes.items() if node is not None},
        )
        if not question.fixed:
            self._prepared[question, id(semiring)] = prepared
        return prepared


def model_and_plan(
    skeleton: Skeleton,
    question: Question,
    compounds: Sequence[Compound],
    orders: int | None = None,
) -> tuple[Model, Plan, float]:
    """Return the leaves that answer `question` and the cheapest tree found over them.

    Orders are tried with the variables that are read last, so that they meet near the
    root, and without that condition; the search stops at the first that is cheap, or
    after `orders` of each sort.
    """
    model = assemble(skeleton, question, compounds)
    operands = [
        Operand(leaf.scope, leaf.batched, int(leaf.kind != "constant")) for leaf in model.leaves
    ]
    names = dict(enumerate(skeleton.names))
    for c in model.compounds:
        names[c.number] = "*".join(names[v] for v in c.members)
    read = frozenset(model.place(v)[0] for output in question.outputs for v in output)
    together = prod(model.sizes[v] for v in read)
    late = read if not question.whole and together <= _LARGEST_CORE else frozenset[int]()
    best: Plan | None = None
    cheapest = inf
    for last in (late, frozenset[int]()) if late else (late,):
        restarts = 2 if len(model.sizes) < _LARGE_NETWORK else 0
        candidates = candidate_orders([o.scope for o in operands], model.sizes, last, restarts)
        for order in islice(candidates, orders):
            plan = build(operands, order, model.sizes, names)
            price = _price(plan, model, question)
            if best is None or price < cheapest:
                best, cheapest = plan, price
            if cheapest < _CHEAP:
                return model, best, cheapest
    assert best is not None
    return model, best, cheapest


def _readable(plan: Plan, model: Model, question: Question) -> dict[frozenset[int], int | None]:
    holders: dict[int, list[int]] = {}
    for node in range(plan.root + 1):
        for v in plan.scope(node):
            holders.setdefault(v, []).append(node)
    found: dict[frozenset[int], int | None] = {}
    for output in question.outputs:
        places = {model.place(v)[0] for v in output}
        common = set.intersection(*(set(holders.get(p, ())) for p in places))
        if not common:
            found[output] = None
        elif question.whole:
            found[output] = min(common, key=lambda n: (plan.size(n), -n))
        else:
            found[output] = max(common)
    return found


def _price(plan: Plan, model: Model, question: Question) -> float:
    """Work a case, down included, in multiply-adds of one batched table with another.

    A matrix product with a constant table is several times cheaper; constants count for
    the batch that they serve.
    """
    first = len(plan.operands)

    def work(step: Step) -> float:
        if not step.batched:
            return step.table / 256
        if step.right is None or plan.batched(step.left) == plan.batched(step.right):
            return step.table
        constant, other = step.left, step.right
        if plan.batched(constant):
            constant, other = other, constant
        matrix = step.summed and plan.scope(constant) - plan.scope(other)
        return step.table / 4 if matrix else step.table

    up = sum(work(step) for step in plan.steps)
    if question.whole:
        return 3 * up
    nodes = _readable(plan, model, question).values()
    down = plan.above(n for n in nodes if n is not None)
    back = sum(plan.steps[n - first].table for n in down if n >= first)
    return (up + back) * (1 + 10 * sum(n is None for n in nodes))


def _cheaper_as_one(skeleton: Skeleton, usual: Question) -> tuple[Compound, ...]:
    """Return the pairs of variables that make the usual question cheaper as one variable."""
    chosen: list[Compound] = []
    taken: set[int] = set()
    price: float | None = None
    for _, parent, child, pairs in possible_pairs(skeleton)[:_MOST_PAIRS]:
        if taken & {parent, child}:
            continue
        if price is None:
            price = model_and_plan(skeleton, usual, (), orders=1)[1].cost
        compound = Compound(
            len(skeleton.names) + len(chosen), (parent, child), pairs.astype(np.intp)
        )
        tried = model_and_plan(skeleton, usual, (*chosen, compound), orders=1)[1].cost
        if tried < price:
            price = tried
            chosen.append(compound)
            taken |= {parent, child}
    return tuple(chosen)
