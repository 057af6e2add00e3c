"""The quiz: a hidden diagnosis, tests against a budget, a belief, and its score.

The case is simulated from the network, so that the truth is known and every test has a
result. The score of a belief q in the truth is log2 q (Good 1952): 0 is the best, saying 0
to what is true is infinitely bad, and only an honest belief has the best expected score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.network.structure import OTHER, TUMOUR

if TYPE_CHECKING:
    from mesenbayes.facade import Network

BUDGET = 12
COST = {"immunohistochemistry": 1, "molecular": 4}
"""Rules of the game, not prices: a stain takes 1 point and a gene test 4."""
VIGNETTE = (
    "site", "ascertainment", "age", "sex", "size_cm", "sampling", "morphology", "stroma",
    "mitoses_per_5mm2", "necrosis",
)  # fmt: skip
"""What is told at the start."""
_DRAWS = 600


@dataclass(frozen=True)
class Quiz:
    """A simulated patient; `findings` holds everything, `truth` what the learner looks for."""

    truth: str
    findings: Mapping[str, str]
    told: tuple[str, ...]
    tests: Mapping[str, int]
    """Test -> points."""

    def known(self, ordered: tuple[str, ...]) -> dict[str, str]:
        """Return the findings known after some tests."""
        return {name: self.findings[name] for name in (*self.told, *ordered)}

    def spent(self, ordered: tuple[str, ...]) -> int:
        """Return the points that some tests took."""
        return sum(self.tests[name] for name in ordered)


def new_quiz(network: Network, rng: np.random.Generator | int | None = None) -> Quiz:
    """Draw a patient. Types that are drawn at all are equally likely to be the one shown, so
    that the quiz is not always the commonest tumour."""
    generator = np.random.default_rng(rng)
    drawn = network.simulate(_DRAWS, generator)
    rows = drawn[drawn[TUMOUR] != OTHER]
    kinds = sorted(set(rows[TUMOUR].astype(str)))
    truth = kinds[int(generator.integers(len(kinds)))]
    row = rows[rows[TUMOUR] == truth].iloc[0]
    shown = {v.name: v for v in network.variables if v.role in ("finding", "specimen")}
    return Quiz(
        truth,
        {name: str(row[name]) for name in shown},
        tuple(name for name in VIGNETTE if name in shown),
        {name: COST[v.group] for name, v in shown.items() if v.group in COST},
    )


def read_belief(
    network: Network, points: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, str]]:
    """Turn the learner's percentages into a belief.

    Returns
    -------
    belief
        Code -> probability; what is left of 100 is spread evenly over the blank fields.
        Empty if there is an error.
    errors
        Code -> what is wrong with its field; ``""`` for the sum.
    """
    states = network.variable(TUMOUR).states
    given: dict[str, float] = {}
    errors: dict[str, str] = {}
    for code in states:
        text = points.get(code, "").strip().replace(",", ".").removesuffix("%").strip()
        if not text:
            continue
        try:
            value = float(text)
        except ValueError:
            errors[code] = "not a number"
            continue
        if not 0 <= value <= 100:
            errors[code] = "between 0 and 100"
            continue
        given[code] = value
    total = sum(given.values())
    blank = [code for code in states if code not in given]
    if not errors and total > 100 + 1e-9:
        errors[""] = f"The percentages add up to {total:g}, more than 100."
    elif not errors and not blank and total < 100 - 1e-9:
        errors[""] = f"The percentages add up to {total:g}; make them 100 or leave a field blank."
    if errors:
        return {}, errors
    rest = max(100 - total, 0.0)
    belief = {code: given.get(code, rest / len(blank) if blank else 0.0) / 100 for code in states}
    return belief, {}


def log_score(belief: Mapping[str, float], truth: str) -> float:
    """Return log2 of the belief in the truth; 0 is perfect, minus infinity is the worst."""
    p = belief[truth]
    return math.log2(p) if p > 0 else -math.inf


@dataclass(frozen=True)
class Attempt:
    """A path through the tests and the belief at its end."""

    who: str
    ordered: tuple[str, ...]
    spent: int
    belief: Mapping[str, float]
    score: float


def network_belief(network: Network, findings: Mapping[str, str]) -> dict[str, float]:
    """Return what the network believes given some findings."""
    diagnosis = network.diagnose({"findings": dict(findings)})
    states = network.variable(TUMOUR).states
    return dict(zip(states, map(float, diagnosis.probabilities), strict=True))


def network_path(network: Network, quiz: Quiz, budget: int = BUDGET) -> tuple[str, ...]:
    """Return the tests that the network orders: the most information per point, one by one,
    until nothing affordable tells 0.01 bits."""
    ordered: tuple[str, ...] = ()
    while True:
        left = budget - quiz.spent(ordered)
        tests = network.diagnose({"findings": quiz.known(ordered)}).next_tests
        useful = [
            t for t in tests if t.bits >= 0.01 and quiz.tests.get(t.variable, left + 1) <= left
        ]
        if not useful:
            return ordered
        best = max(useful, key=lambda t: t.bits / quiz.tests[t.variable])
        ordered = (*ordered, best.variable)


def mark(
    network: Network, quiz: Quiz, ordered: tuple[str, ...], belief: Mapping[str, float]
) -> tuple[Attempt, ...]:
    """Compare the learner with the network on the same tests, and on the network's own.

    Raises
    ------
    CaseError
        If the tests took more than the budget.
    """
    if quiz.spent(ordered) > BUDGET:
        raise CaseError(f"the tests took {quiz.spent(ordered)} points, more than {BUDGET}")
    same = network_belief(network, quiz.known(ordered))
    own = network_path(network, quiz)
    best = network_belief(network, quiz.known(own))
    return tuple(
        Attempt(who, tests, quiz.spent(tests), held, log_score(held, quiz.truth))
        for who, tests, held in (
            ("You", ordered, belief),
            ("The network with your tests", ordered, same),
            ("The network with its own tests", own, best),
        )
    )
