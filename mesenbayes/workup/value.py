"""What knowing a result is worth: bits about the diagnosis, and utility of the plan.

With classes k of the core and outcomes t of one or more tests,

    I     = sum_t P(t | e) sum_s P(s | t, e) log2 [ P(s | t, e) / P(s | e) ]      (bits)
    value = sum_t P(t | e) max_d EU(d | e, t) - max_d EU(d | e)                   (utility)

The second can be 0 where the first is large: knowing more need not change what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.workup.outlook import Outlook

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class PlanProblem:
    """What hangs on the diagnosis: the utility of every option in every class of an outlook.

    Parameters
    ----------
    names, labels
        Options, in the order in which they are preferred among equals.
    utility : (options, classes)
        Expected utility of each option if the class were known.
    unit
        What it counts.
    indifference
        Options that differ by less are practically equal: the first of them is taken.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    utility: FloatArray = field(repr=False)
    unit: str = "QALY"
    indifference: float = 0.0

    def expected(self, weights: FloatArray) -> FloatArray:
        """Return EU, (options, outcomes), for P(class, outcome), (classes, outcomes)."""
        return np.asarray(self.utility @ weights)

    def plan(self, weights: FloatArray, standing: int | None = None) -> IntArray:
        """Return the option taken at each outcome, (outcomes,), for P(class, outcome).

        Parameters
        ----------
        standing
            The plan before the outcome: it is kept wherever it is practically as good as any,
            so that a near tie does not count as a change of plan.
        """
        total = np.maximum(weights.sum(axis=0), 1e-300)
        expected = self.expected(weights) / total
        close = expected >= expected.max(axis=0) - self.indifference - 1e-12
        taken = close.argmax(axis=0)
        if standing is not None:
            taken = np.where(close[standing], standing, taken)
        return np.asarray(taken)

    def value(self, weights: FloatArray) -> float:
        """Return the value of learning the outcome, never below 0."""
        informed = self.expected(weights).max(axis=0).sum()
        return max(float(informed - self.expected(weights.sum(axis=1)).max()), 0.0)


@dataclass(frozen=True)
class Result:
    """One result of a test and what would be thought and done then."""

    states: tuple[str, ...]
    probability: float
    leading: str
    leading_probability: float
    plan: str
    changes_plan: bool


def by_target(outlook: Outlook, weights: FloatArray) -> FloatArray:
    """Sum (classes, ...) over the classes of each target state: (states, ...)."""
    flat = weights.reshape(len(weights), -1)
    return np.asarray((outlook.membership @ flat).reshape(-1, *weights.shape[1:]))


def joint_with_classes(outlook: Outlook, tests: Sequence[str]) -> FloatArray:
    """Return P(class, results | e), (classes, outcomes), outcomes in the order of the states."""
    table = outlook.table(tests)
    return np.asarray(outlook.weight[:, None] * table.reshape(len(table), -1))


def information(joint: FloatArray) -> float:
    """Return the mutual information of a joint distribution, in bits."""
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    inside = joint > 0
    return max(float((joint[inside] * np.log2(joint[inside] / product[inside])).sum()), 0.0)


def results_of(
    outlook: Outlook, tests: Sequence[str], weights: FloatArray, problem: PlanProblem | None
) -> tuple[Result, ...]:
    """Return every outcome of `tests` with what follows from it."""
    states = outlook.network.variable(outlook.target).states
    joint = by_target(outlook, weights)
    p = weights.sum(axis=0)
    after = joint / np.where(p > 0, p, 1)
    top = after.argmax(axis=0)
    cards = outlook.cards(tests)
    now = 0 if problem is None else int(problem.plan(weights.sum(axis=1, keepdims=True))[0])
    plans = np.zeros(len(p), dtype=np.intp) if problem is None else problem.plan(weights, now)
    found = []
    for t in range(len(p)):
        place = np.unravel_index(t, cards)
        found.append(
            Result(
                tuple(
                    outlook.network.variable(test).states[int(i)]
                    for test, i in zip(tests, place, strict=True)
                ),
                float(p[t]),
                states[int(top[t])],
                float(after[top[t], t]),
                "" if problem is None else problem.names[int(plans[t])],
                bool(p[t] > 0 and plans[t] != now),
            )
        )
    return tuple(found)
