"""Two tests in sequence: the second chosen when the result of the first is known.

    V2(a) = V(a) + sum_t P(t | e) max_b V(b | e, t)

with V in bits or in utility. It is never less than the best panel that begins with a, because
the second test may differ from result to result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.value import (
    PlanProblem,
    by_target,
    information,
    joint_with_classes,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sequence2:
    """A first test and what to do after each of its results.

    Parameters
    ----------
    value
        Expected information (bits) or utility of both.
    first_alone
        Of the first alone.
    then
        (result, its probability, second test, what the second adds) per result.
    """

    first: str
    value: float
    first_alone: float
    then: tuple[tuple[str, float, str, float], ...]

    @property
    def sentence(self) -> str:
        """The sequence in words."""
        steps = "; ".join(
            f"if {state} ({p:.0%}) {second}" for state, p, second, gain in self.then if gain > 0
        )
        return f"{self.first} first ({self.value:.2f} in two steps): {steps or 'then stop'}."


def look_ahead(
    outlook: Outlook,
    *,
    first: Sequence[str] | None = None,
    second: Sequence[str] | None = None,
    problem: PlanProblem | None = None,
    most: int = 12,
) -> tuple[Sequence2, ...]:
    """Return the first tests by what two steps are worth, best first.

    Parameters
    ----------
    first, second
        Tests to choose from; all of the outlook if not given.
    problem
        Given, utility is counted; otherwise bits about the target.
    most
        First tests that are looked at: the best alone.
    """
    tests = tuple(outlook.tests if first is None else first)
    later = tuple(outlook.tests if second is None else second)

    def worth(weights: FloatArray) -> float:
        if problem is not None:
            return problem.value(weights)
        return information(by_target(outlook, weights))

    alone = {t: worth(joint_with_classes(outlook, (t,))) for t in tests}
    begin = sorted(tests, key=lambda t: -alone[t])[:most]
    found = []
    for test in begin:
        states = outlook.network.variable(test).states
        total, then = alone[test], []
        p_result = outlook.weight @ outlook.table((test,))
        gains: dict[str, FloatArray] = {}
        for other in later:
            if other != test:
                gains[other] = _gains(outlook, test, other, problem)
        for r, state in enumerate(states):
            best = max(gains, key=lambda o: float(gains[o][r]), default="")
            gain = float(gains[best][r]) if best else 0.0
            total += gain
            p = float(p_result[r])
            then.append((state, p, best, gain / p if p > 0 else 0.0))
        found.append(Sequence2(test, total, alone[test], tuple(then)))
    return tuple(sorted(found, key=lambda s: -s.value))


def _gains(
    outlook: Outlook, first: str, second: str, problem: PlanProblem | None
) -> FloatArray:
    """Return P(result of first) times the worth of `second` after it, (results,)."""
    joint = outlook.weight[:, None, None] * outlook.table((first, second))
    if problem is not None:
        return np.array([problem.value(joint[:, r]) for r in range(joint.shape[1])])
    # P(r) I(S; T | r) = sum over s, t of p(s,r,t) log2 [ p(s,r,t) p(r) / (p(s,r) p(r,t)) ]
    p = by_target(outlook, joint)
    apart = p.sum(axis=2, keepdims=True) * p.sum(axis=0, keepdims=True)
    together = p * p.sum(axis=(0, 2))[:, None]
    ratio = np.divide(together, apart, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=(0, 2)).clip(min=0))
