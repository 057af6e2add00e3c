"""One case at a time, for networks whose tables are too large to carry a batch.

An observed variable takes one axis off every table that mentions it. Where each case
has findings of its own and the cliques are large, that saves more than a batch does:
the tree is the same for all cases, and every table is cut to the case's states first.
Parts of the tree that depend on few findings are remembered between cases. Cases for which the
common tree stays large are better planned alone, findings built in.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, prod

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.evidence import Evidence
from mesenbayes.inference.factors import Question, Skeleton, assemble
from mesenbayes.inference.order import candidate_orders
from mesenbayes.inference.plan import Operand, Plan, Scope, build

FloatArray = NDArray[np.float64]

SECONDS_A_STEP = 5e-6
SECONDS_A_MULTIPLY_ADD = 1.5e-9
SECONDS_TO_PLAN = 4e-5
"""Of a small einsum's call, of its multiply-adds, and of planning a case alone, a variable: as
measured, and used only to choose between exact ways."""

_MOST_REMEMBERED = 4096
"""Combinations of findings up to which a table is kept for the next case."""
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Conditioned:
    """A tree over tables that are cut to each case's states.

    Parameters
    ----------
    question
        Hard findings only; every output's variables stay in the root table together.
    """

    def __init__(self, skeleton: Skeleton, question: Question) -> None:
        self.outputs = tuple(sorted(frozenset().union(*question.outputs)))
        self._seen = sorted(question.observed)
        plain = Question(question.observed, outputs=question.outputs, compress=False)
        model = assemble(skeleton, plain)
        leaves = [leaf for leaf in model.leaves if leaf.kind != "evidence"]
        self._tables = [leaf.table for leaf in leaves if leaf.table is not None]
        operands = [
            Operand(leaf.scope, bool(question.observed & set(leaf.scope)), 1) for leaf in leaves
        ]
        self._sizes = model.sizes
        best: Plan | None = None
        for order in candidate_orders(
            [o.scope for o in operands], model.sizes, frozenset(self.outputs), restarts=1
        ):
            inner = tuple(v for v in order if v not in self.outputs)
            plan = build(operands, inner, model.sizes, dict(enumerate(skeleton.names)))
            if best is None or plan.cost < best.cost:
                best = plan
        assert best is not None
        self.plan: Plan = best
        self._scopes: list[Scope] = [o.scope for o in operands]
        self._terms: list[str] = []
        self._below: list[tuple[int, ...] | None] = []
        below = [frozenset(o.scope) & question.observed for o in operands]
        for step in best.steps:
            self._terms.append(self._expression(step.left, step.right, step.summed))
            below.append(
                below[step.left] | (below[step.right] if step.right is not None else set())
            )
        for findings in below:
            count = prod(model.sizes[v] + 1 for v in findings)
            self._below.append(tuple(sorted(findings)) if count <= _MOST_REMEMBERED else None)
        self._remembered: dict[tuple[int, ...], tuple[FloatArray, float]] = {}

    def _expression(self, left: int, right: int | None, summed: frozenset[int]) -> str:
        scopes = [self._scopes[left], *([self._scopes[right]] if right is not None else [])]
        letter = {v: _LETTERS[i] for i, v in enumerate(dict.fromkeys(sum(scopes, ())))}
        scope = tuple(v for v in letter if v not in summed)
        self._scopes.append(scope)
        terms = ",".join("".join(letter[v] for v in s) for s in scopes)
        return f"{terms}->{''.join(letter[v] for v in scope)}"

    def estimate(self, evidence: Evidence) -> tuple[FloatArray, FloatArray]:
        """Return seconds, and the entries of the largest table, of each case (cases,)."""
        variables = sorted(self._sizes)
        at = {v: i for i, v in enumerate(variables)}
        logs = np.array([log(self._sizes[v]) for v in variables])
        mention = np.zeros((len(self.plan.steps), len(variables)))
        for i, step in enumerate(self.plan.steps):
            for v in step.scope | step.summed:
                mention[i, at[v]] = logs[at[v]]
        hidden = (evidence.codes[variables] < 0).astype(np.float64)
        tables = np.exp(mention @ hidden)
        varying = sum(below is None for below in self._below[len(self._tables) :])
        seconds = SECONDS_A_STEP * (varying + 5) + SECONDS_A_MULTIPLY_ADD * tables.sum(axis=0)
        return np.asarray(seconds), np.asarray(tables.max(axis=0, initial=1.0))

    def run(self, evidence: Evidence) -> tuple[FloatArray, FloatArray]:
        """Return ln P(e) (cases,) and P(outputs | e) (cases, *states of the outputs)."""
        cards = [self._sizes[v] for v in self.outputs]
        joint = np.zeros((evidence.size, *cards))
        logs = np.empty(evidence.size)
        for case in range(evidence.size):
            states = {v: int(evidence.codes[v, case]) for v in self._seen}
            table, scale = self._root(states)
            scope = self._scopes[-1]
            table = table.transpose([scope.index(v) for v in self.outputs])
            total = float(table.sum())
            logs[case] = log(total) + scale if total > 0 else -np.inf
            where = tuple(
                slice(s, s + 1) if (s := states.get(v, -1)) >= 0 else slice(None)
                for v in self.outputs
            )
            joint[(case, *where)] = table / total if total > 0 else 0.0
        return logs + evidence.log_scale, joint

    def _root(self, states: Mapping[int, int]) -> tuple[FloatArray, float]:
        cut = {v: slice(s, s + 1) for v, s in states.items() if s >= 0}
        everything = slice(None)
        first = len(self._tables)

        def table(node: int) -> tuple[FloatArray, float]:
            findings = self._below[node]
            if findings is not None:
                key = (node, *(states[v] for v in findings))
                known = self._remembered.get(key)
                if known is None:
                    known = self._remembered[key] = compute(node)
                return known
            return compute(node)

        def compute(node: int) -> tuple[FloatArray, float]:
            if node < first:
                scope = self._scopes[node]
                return self._tables[node][tuple(cut.get(v, everything) for v in scope)], 0.0
            step = self.plan.steps[node - first]
            left, scale = table(step.left)
            if step.right is None:
                product = np.einsum(self._terms[node - first], left)
            else:
                right, more = table(step.right)
                scale += more
                product = np.einsum(self._terms[node - first], left, right)
            if step.rescale:
                top = float(product.max())
                if top > 0:
                    product, scale = product / top, scale + log(top)
            return np.asarray(product), scale

        return table(first + len(self.plan.steps) - 1)
