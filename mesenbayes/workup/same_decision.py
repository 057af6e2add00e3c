"""When to stop: whether anything that can still be ordered would change the plan.

The same-decision probability (Darwiche & Choi 2010; Chen, Choi & Darwiche, JAIR 2014) is the
chance that the plan of today is still the plan once all open tests are answered,

    SDP = sum_t P(t | e) 1[ plan(e, t) = plan(e) ].

Exact enumeration is out of reach for many tests (the problem is PP^PP-complete), so results are
drawn from the outlook and counted, with a Wilson interval; up to a few thousand outcomes it is
exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.intervals import wilson_interval
from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.value import PlanProblem, joint_with_classes, results_of

FloatArray = NDArray[np.float64]

_EXACT = 4096
_DRAWS = 2000
_SEED = 20261124


@dataclass(frozen=True)
class Change:
    """A single result that would change the plan."""

    test: str
    state: str
    probability: float
    plan: str


@dataclass(frozen=True)
class SameDecision:
    """Whether more testing could change the plan.

    Parameters
    ----------
    probability, interval
        Same-decision probability over all `tests`, with its 95 % Wilson interval (the
        probability twice if exact).
    plan
        The plan of today.
    after
        Plans that come out instead, with their probabilities.
    changes
        Single results that would change the plan on their own, likeliest first.
    """

    probability: float
    interval: tuple[float, float]
    plan: str
    after: tuple[tuple[str, float], ...]
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    exact: bool

    @property
    def sentence(self) -> str:
        """The answer in words."""
        p = self.probability
        if p > 0.999:
            text = f"Nothing that can still be ordered would change the plan ({p:.1%})."
        elif p >= 0.95:
            text = (
                f"Hardly anything that can still be ordered would change the plan: it stays "
                f"with probability {p:.0%}."
            )
        else:
            text = f"The plan stays with probability {p:.0%} once all open tests are answered."
        if self.changes:
            c = self.changes[0]
            text += (
                f" If {c.test} came back {c.state} ({c.probability:.1%}), it would be {c.plan}."
            )
        return text


def same_decision(
    outlook: Outlook,
    problem: PlanProblem,
    tests: Sequence[str] | None = None,
    *,
    draws: int = _DRAWS,
    rng: np.random.Generator | None = None,
) -> SameDecision:
    """Return the same-decision probability over open tests.

    Parameters
    ----------
    tests
        The tests that can still be ordered; all of the outlook if not given.
    draws
        Results to draw where there are too many to enumerate.
    """
    chosen = tuple(outlook.tests if tests is None else tests)
    now = int(problem.plan(outlook.weight[:, None])[0])
    exact = prod(float(c) for c in outlook.cards(chosen)) <= _EXACT
    if exact:
        weights = joint_with_classes(outlook, chosen)
        share = weights.sum(axis=0)
        plans = problem.plan(weights, now)
    else:
        generator = np.random.default_rng(_SEED) if rng is None else rng
        weights = draw_results(outlook, chosen, draws, generator)
        share = np.full(draws, 1 / draws)
        plans = problem.plan(weights, now)
    by_plan = np.bincount(plans, share, minlength=len(problem.names))
    p = float(min(by_plan[now], 1.0))
    after = tuple(
        (problem.names[int(d)], float(by_plan[d]))
        for d in np.argsort(-by_plan, kind="stable")
        if d != now and by_plan[d] > 0
    )
    interval = (p, p) if exact else wilson_interval(p * draws, draws)
    return SameDecision(
        p, interval, problem.names[now], after, _single_changes(outlook, problem, chosen), chosen,
        exact,
    )  # fmt: skip


def draw_results(
    outlook: Outlook, tests: Sequence[str], draws: int, rng: np.random.Generator
) -> FloatArray:
    """Draw results of all tests; return P(class, results drawn | e) up to each draw's factor.

    Shape (classes, draws). Each cluster's results are drawn from their joint table.
    """
    classes = rng.choice(len(outlook.weight), size=draws, p=outlook.weight)
    with np.errstate(divide="ignore"):
        logs = np.repeat(np.log(outlook.weight)[:, None], draws, axis=1)
    by_cluster: dict[int, list[str]] = {}
    for test in tests:
        by_cluster.setdefault(outlook.cluster[test], []).append(test)
    for members in by_cluster.values():
        table = outlook.table(members)
        flat = table.reshape(len(table), -1)
        cumulative = flat.cumsum(axis=1)[classes]
        u = rng.random((draws, 1)) * cumulative[:, -1:]
        result = (u >= cumulative).sum(axis=1).clip(max=flat.shape[1] - 1)
        with np.errstate(divide="ignore"):
            logs += np.log(flat)[:, result]
    logs -= logs.max(axis=0)
    return np.asarray(np.exp(logs))


def _single_changes(
    outlook: Outlook, problem: PlanProblem, tests: Sequence[str]
) -> tuple[Change, ...]:
    found = []
    for test in tests:
        weights = joint_with_classes(outlook, (test,))
        for result in results_of(outlook, (test,), weights, problem):
            if result.changes_plan and result.probability > 1e-4:
                label = problem.labels[problem.names.index(result.plan)]
                found.append(Change(test, result.states[0], result.probability, label))
    return tuple(sorted(found, key=lambda c: -c.probability))
