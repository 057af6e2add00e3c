"""A plan bound to its constant tables: what does not depend on the case is computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.plan import Plan, Scope
from mesenbayes.inference.semiring import SUM_PRODUCT, Kernel, Semiring

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pass:
    """Tables of the tree after one pass; the true table is ``table * exp(log_scale)``.

    Attributes
    ----------
    tables
        Node -> array, axes ``scopes[node]`` and, if batched, the batch last.
    scopes
        Node -> variables along the axes.
    log_scales
        Node -> (batch,), or 0.0 where no factor was taken out.
    """

    tables: dict[int, FloatArray]
    scopes: dict[int, Scope]
    log_scales: dict[int, FloatArray | float]


class Program:
    """A plan with kernels for its steps and values for its constant tables.

    Parameters
    ----------
    constants
        Leaf number -> table, for each operand of the plan that is not batched.
    """

    def __init__(
        self, plan: Plan, constants: Mapping[int, FloatArray], semiring: Semiring = SUM_PRODUCT
    ) -> None:
        self.plan = plan
        self.semiring = semiring
        self.constants = {n: semiring.lift(table) for n, table in constants.items()}
        self.scopes: dict[int, Scope] = {n: o.scope for n, o in enumerate(plan.operands)}
        self.kernels: dict[int, Kernel] = {}
        self._down: dict[tuple[int, bool], Kernel] = {}
        self._last_use: dict[int, int] = {}
        for number, step in enumerate(plan.steps, start=len(plan.operands)):
            self._last_use[step.left] = number
            if step.right is None:
                self.scopes[number] = tuple(v for v in self.scopes[step.left] if v in step.scope)
            else:
                self._last_use[step.right] = number
                self.kernels[number] = semiring.kernel(
                    self.scopes[step.left],
                    plan.batched(step.left),
                    self.scopes[step.right],
                    plan.batched(step.right),
                    step.summed,
                    plan.sizes,
                )
                self.scopes[number] = self.kernels[number].scope
            if not step.batched:
                self.constants[number] = self._apply(number, self.constants)

    def _apply(self, number: int, tables: Mapping[int, FloatArray]) -> FloatArray:
        step = self.plan.steps[number - len(self.plan.operands)]
        if step.right is None:
            return self.semiring.reduce(tables[step.left], self.scopes[step.left], step.summed)
        return self.kernels[number](tables[step.left], tables[step.right])

    def up(
        self,
        leaves: Mapping[int, FloatArray],
        log_scales: Mapping[int, FloatArray | float],
        keep: Iterable[int] | None = (),
    ) -> Pass:
        """Compute the tree from its batched leaves; P(e) is the table at ``plan.root``.

        Parameters
        ----------
        leaves
            Leaf number -> table with the batch last.
        log_scales
            Leaf number -> what was taken out of that table beforehand.
        keep
            Nodes to keep besides the root; None keeps all.
        """
        tables = {**self.constants, **leaves}
        scales: dict[int, FloatArray | float] = dict(log_scales)
        kept = None if keep is None else frozenset(keep)
        for number, step in enumerate(self.plan.steps, start=len(self.plan.operands)):
            if not step.batched:
                continue
            table = self._apply(number, tables)
            scale = scales.get(step.left, 0.0)
            if step.right is not None:
                scale = scale + scales.get(step.right, 0.0)
            if step.rescale and self.semiring.scaled:
                table, taken = rescaled(table, self.semiring.xp)
                scale = scale + taken
            tables[number], scales[number] = table, scale
            if kept is not None:
                for child in (step.left, step.right):
                    if child is not None and self.plan.batched(child) and child not in kept:
                        del tables[child]
        return Pass(tables, self.scopes, scales)

    def down(self, up: Pass, nodes: Iterable[int], batch: int) -> Pass:
        """Compute dP(e)/d(table) for `nodes`, from a pass that kept what it needs.

        The derivative at a node is the product of everything outside its subtree, summed
        over the variables that the node does not have.
        """
        plan, xp = self.plan, self.semiring.xp
        needed = plan.above(nodes)
        tables: dict[int, FloatArray] = {plan.root: xp.ones(batch)}
        scopes: dict[int, Scope] = {plan.root: ()}
        scales: dict[int, FloatArray | float] = {plan.root: 0.0}
        wanted = frozenset(nodes)
        for number in range(plan.root, len(plan.operands) - 1, -1):
            if number not in needed:
                continue
            step = plan.steps[number - len(plan.operands)]
            for child, sibling in ((step.left, step.right), (step.right, step.left)):
                if child is None or child not in needed:
                    continue
                if sibling is None:
                    lost = tuple(step.summed)
                    shape = (*(plan.sizes[v] for v in lost), *tables[number].shape)
                    tables[child] = xp.broadcast_to(tables[number], shape)
                    scopes[child] = (*lost, *scopes[number])
                    scales[child] = scales[number]
                    continue
                kernel = self._down_kernel(number, child, sibling, scopes[number])
                table = kernel(tables[number], up.tables[sibling])
                scale = scales[number] + up.log_scales.get(sibling, 0.0)
                if plan.batched(sibling) and len(kernel.scope) > 0:
                    table, taken = rescaled(table, self.semiring.xp)
                    scale = scale + taken
                tables[child], scopes[child], scales[child] = table, kernel.scope, scale
            if number not in wanted and number != plan.root:
                del tables[number]
        return Pass(tables, scopes, scales)

    def _down_kernel(self, number: int, child: int, sibling: int, above: Scope) -> Kernel:
        key = (number, child < sibling)
        if key not in self._down:
            gone = (frozenset(above) | self.plan.scope(sibling)) - self.plan.scope(child)
            self._down[key] = self.semiring.kernel(
                above,
                True,
                self.scopes[sibling],
                self.plan.batched(sibling),
                gone,
                self.plan.sizes,
            )
        return self._down[key]

    def needed_tables(self, nodes: Iterable[int]) -> frozenset[int]:
        """Return the tables a forward pass must keep so that :meth:`down` reaches `nodes`."""
        needed = self.plan.above(nodes)
        kept = set(nodes)
        for number, step in enumerate(self.plan.steps, start=len(self.plan.operands)):
            if number in needed and step.right is not None:
                if step.left in needed:
                    kept.add(step.right)
                if step.right in needed:
                    kept.add(step.left)
        return frozenset(kept)


def rescaled(table: FloatArray, xp: Any = np) -> tuple[FloatArray, FloatArray]:
    """Return the table divided by its largest entry in each case, and the logarithm of that."""
    top = table.max(axis=tuple(range(table.ndim - 1)))
    top = xp.where(top > 0, top, 1.0)
    return table / top, xp.log(top)
