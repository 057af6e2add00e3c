"""The design of the engine: one polynomial, a tree of products, two passes.

P(e) of a Bayesian network is a sum over all configurations of a product of table entries
and evidence likelihoods (the network polynomial; Darwiche, JACM 2003). A plan is a binary
tree over these factors: each :class:`Step` multiplies two tables and sums out the
variables that nothing else mentions. It is made once, from shapes alone, and is read by
everything that computes:

``order``        in which sequence variables are summed out
``plan``         the tree that follows from an order, what it costs, what it holds
``factors``      which tables a question needs, after pruning, folding and compression
``contraction``  one multiply-and-sum on arrays whose last axis is the batch
``propagate``    the tree upwards (P(e)) and downwards (derivatives of P(e))
``program``      a plan with its constant parts computed
``prepare``      the cheapest plan for a question, kept
``posterior``, ``gradient``, ``explanation``
                 what the passes say
``compiled``     questions and answers in the names of the network

A table is *batched* if it differs between cases (or parameter draws). Steps on tables
that are not batched are computed once, when the plan becomes a program.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

Scope = tuple[int, ...]

_FINDINGS_BETWEEN_RESCALES = 8
"""How many evidence factors may be multiplied before a table is brought back to size 1.
A factor can shrink a table by any amount, but eight of 1e-30 still fit float64."""


@dataclass(frozen=True)
class Operand:
    """A leaf as the planner sees it: variables, a batch axis or not, findings it carries."""

    scope: Scope
    batched: bool
    findings: int = 0


@dataclass(frozen=True)
class Step:
    """``out[scope] = sum over summed of left * right`` (``right`` None: only the sum).

    Operands are numbers: leaves first, then the results of earlier steps.
    """

    left: int
    right: int | None
    scope: frozenset[int]
    summed: frozenset[int]
    batched: bool
    rescale: bool
    table: int
    """Entries of the product before the sum, a case: multiply-adds of the step."""


@dataclass(frozen=True)
class Plan:
    """A tree of products with its price.

    Attributes
    ----------
    operands, steps
        The tree; the last step (or the only operand) holds P(e).
    order
        Variables in the order in which they are summed out.
    cost
        Multiply-adds a case, forward.
    held
        Entries a case that are alive at once, forward.
    held_for_derivatives
        Entries a case if everything is kept for the backward pass.
    constant
        Entries that do not depend on the case.
    largest
        Entries of the largest batched table.
    """

    operands: tuple[Operand, ...]
    steps: tuple[Step, ...]
    order: Scope
    sizes: Mapping[int, int] = field(repr=False)
    names: Mapping[int, str] = field(repr=False)
    cost: int = 0
    held: int = 0
    held_for_derivatives: int = 0
    constant: int = 0
    largest: int = 0

    @property
    def root(self) -> int:
        """Number of the table that holds P(e)."""
        return len(self.operands) + len(self.steps) - 1

    def scope(self, node: int) -> frozenset[int]:
        """Return the variables of a table of the tree."""
        first = len(self.operands)
        if node < first:
            return frozenset(self.operands[node].scope)
        return self.steps[node - first].scope

    def batched(self, node: int) -> bool:
        """Return whether a table of the tree has a batch axis."""
        first = len(self.operands)
        return self.operands[node].batched if node < first else self.steps[node - first].batched

    def size(self, node: int) -> int:
        """Return the entries of a table of the tree, a case."""
        return prod(self.sizes[v] for v in self.scope(node))

    def above(self, nodes: Iterable[int]) -> frozenset[int]:
        """Return the tables whose derivative is needed to reach those of `nodes`."""
        parent: dict[int, int] = {}
        for number, step in enumerate(self.steps, start=len(self.operands)):
            parent[step.left] = number
            if step.right is not None:
                parent[step.right] = number
        needed: set[int] = set()
        for start in nodes:
            node: int | None = start
            while node is not None and node not in needed:
                needed.add(node)
                node = parent.get(node)
        return frozenset(needed)

    def __str__(self) -> str:
        shown = " ".join(self.names[v] for v in self.order[:12])
        more = f" ... ({len(self.order)} variables)" if len(self.order) > 12 else ""
        batched = sum(step.batched for step in self.steps)
        return "\n".join(
            (
                f"order           {shown}{more}",
                f"steps           {batched} a case, {len(self.steps) - batched} done once",
                f"multiply-adds   {self.cost:,} a case",
                f"largest table   {self.largest:,} entries a case",
                f"held            {self.held:,} entries a case forward, "
                f"{self.held_for_derivatives:,} with derivatives",
                f"constant        {self.constant:,} entries",
            )
        )


def build(
    operands: Sequence[Operand],
    order: Scope,
    sizes: Mapping[int, int],
    names: Mapping[int, str],
) -> Plan:
    """Return the tree that eliminates variables in `order` (bucket elimination)."""
    scopes: list[frozenset[int]] = [frozenset(o.scope) for o in operands]
    batched = [o.batched for o in operands]
    findings = [o.findings for o in operands]
    steps: list[Step] = []

    def size(scope: Iterable[int]) -> int:
        return prod(sizes[v] for v in scope)

    def join(left: int, right: int | None, summed: frozenset[int]) -> int:
        product = scopes[left] | (scopes[right] if right is not None else frozenset())
        weight = findings[left] + (findings[right] if right is not None else 0)
        has_batch = batched[left] or (right is not None and batched[right])
        rescale = has_batch and weight >= _FINDINGS_BETWEEN_RESCALES
        scope = product - summed
        steps.append(Step(left, right, scope, summed, has_batch, rescale, size(product)))
        scopes.append(scope)
        batched.append(has_batch)
        findings.append(0 if rescale else weight)
        return len(scopes) - 1

    def multiply(nodes: Sequence[int], summed: frozenset[int]) -> int:
        """Multiply smallest first; constants before the rest, so that they fold."""
        heap: list[tuple[int, int]] = []
        constants = sorted((size(scopes[n]), n) for n in nodes if not batched[n])
        varying = sorted((size(scopes[n]), n) for n in nodes if batched[n])
        if not varying:
            constants, varying = [], constants
        for group in (constants, varying):
            heap = list(group)
            while len(heap) > 1:
                (_, a), (_, b) = heapq.heappop(heap), heapq.heappop(heap)
                final = group is varying and not heap and not constants
                node = join(a, b, summed if final else frozenset())
                heapq.heappush(heap, (size(scopes[node]), node))
            group[:] = heap
        node = varying[0][1]
        if constants:
            return join(node, constants[0][1], summed)
        if len(nodes) == 1 and summed:
            return join(node, None, summed)
        return node

    alive = set(range(len(operands)))
    for variable in order:
        bucket = sorted(n for n in alive if variable in scopes[n])
        alive.difference_update(bucket)
        alive.add(multiply(bucket, frozenset((variable,))))
    if len(alive) > 1:
        multiply(sorted(alive), frozenset())
    return _priced(tuple(operands), tuple(steps), order, sizes, names)


def _priced(
    operands: tuple[Operand, ...],
    steps: tuple[Step, ...],
    order: Scope,
    sizes: Mapping[int, int],
    names: Mapping[int, str],
) -> Plan:
    bare = Plan(operands, steps, order, sizes, names)
    first = len(operands)
    entries = [bare.size(n) for n in range(first + len(steps))]
    is_batched = [bare.batched(n) for n in range(first + len(steps))]
    alive = sum(e for n, e in enumerate(entries[:first]) if is_batched[n])
    most = alive
    for number, step in enumerate(steps, start=first):
        if step.batched:
            alive += entries[number]
            most = max(most, alive)
            for child in (step.left, step.right):
                if child is not None and is_batched[child]:
                    alive -= entries[child]
    return Plan(
        operands,
        steps,
        order,
        sizes,
        names,
        cost=sum(step.table for step in steps if step.batched),
        held=most,
        held_for_derivatives=2 * sum(e for n, e in enumerate(entries) if is_batched[n])
        + sum(e for n, e in enumerate(entries) if not is_batched[n]),
        constant=sum(e for n, e in enumerate(entries) if not is_batched[n]),
        largest=max((e for n, e in enumerate(entries) if is_batched[n]), default=0),
    )
