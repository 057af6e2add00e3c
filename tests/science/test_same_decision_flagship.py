"""The stop rule on a real network: probability by drawing whole patients."""

from __future__ import annotations

import numpy as np
import pytest

CASE = {"site": "stomach", "age": 60, "size_cm": 6, "mitoses_per_5mm2": 3}
# Here one result can change the plan; in CASE none can.
OPEN = [
    {"site": "stomach", "size_cm": 12, "mitoses_per_5mm2": 12, "CD117": "positive",
     "DOG1": "positive"},
    {"site": "colon", "age": 60, "size_cm": 8, "mitoses_per_5mm2": 12, "CD117": "negative"},
]  # fmt: skip


def test_same_decision_probability_by_simulated_patients(gut):
    """Draw patients who share the findings, answer all of some tests with the engine, and count
    in how many the plan stays."""
    from mesenbayes.workup.same_decision import same_decision

    answer = gut.diagnose(CASE)
    plan = answer.workup
    tests = ("CD117", "DOG1", "S100", "KIT_mutation", "PDGFRA_mutation")
    found = same_decision(plan.outlook, plan.problem, tests)
    rng = np.random.default_rng(0)
    position = {v.name: i for i, v in enumerate(gut.variables)}
    # Patients with these findings: draw the tests one after the other from the engine.
    n = 300
    codes, likelihoods = answer.encoded.batch(n)
    for test in tests:
        p = gut.compiled.run(codes, likelihoods, targets=(test,)).posterior[test]
        drawn = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=p.shape[1] - 1)
        codes[:, position[test]] = drawn
    core = plan.outlook.core
    joint = gut.compiled.run(codes, likelihoods, targets=(core,)).posterior[core]
    weights = joint[(slice(None), *plan.outlook.states.T)].T
    now = plan.problem.names.index(found.plan)
    stays = float((plan.problem.plan(weights) == now).mean())
    assert found.probability == pytest.approx(stays, abs=4 * np.sqrt(0.25 / n))


@pytest.mark.parametrize("case", OPEN, ids=["gastric_gist", "colon"])
def test_a_result_that_changes_the_plan_changes_it_when_it_comes(gut, case):
    """What the work-up foretells for a result is what the work-up says once it is known."""
    answer = gut.diagnose(case)
    changes = answer.workup.same_decision.changes
    assert changes
    assert changes[0].test in answer.workup.same_decision.sentence
    for change in changes[:2]:
        after = answer.what_if({change.test: change.state}).workup
        names, labels = after.problem.names, after.problem.labels
        plan = names[int(after.problem.plan(after.outlook.weight[:, None])[0])]
        assert labels[names.index(plan)] == change.plan
    p = [c.probability for c in changes]
    assert p == sorted(p, reverse=True)


def test_testing_less_leaves_the_plan_at_least_as_safe_in_the_end(gut):
    """Over no test the plan stays for certain."""
    plan = gut.diagnose(CASE).workup
    from mesenbayes.workup.same_decision import same_decision

    assert same_decision(plan.outlook, plan.problem, ()).probability == pytest.approx(1)
    found = plan.same_decision
    low, high = found.interval
    assert low <= found.probability <= high
