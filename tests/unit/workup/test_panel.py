"""Panels, sequences, the stop rule: against enumeration over all panels and all outcomes."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.errors import CaseError
from mesenbayes.inference import compile_network
from mesenbayes.testing import enumerate_joint, network_from_arrays
from mesenbayes.workup.look_ahead import look_ahead
from mesenbayes.workup.next_test import rank_tests
from mesenbayes.workup.outlook import look
from mesenbayes.workup.panel import search_panels
from mesenbayes.workup.same_decision import draw_results, same_decision
from mesenbayes.workup.value import PlanProblem, information


def clinic(seed=0, n_tests=7, n_types=4, linked=True):
    """Return types and tests; the last two tests hang together beyond the type."""
    rng = np.random.default_rng(seed)
    names = [f"t{i}" for i in range(n_tests)]
    states = {"tumour": [f"T{i}" for i in range(n_types)]}
    tables = {"tumour": rng.dirichlet(np.ones(n_types))}
    parents = {"tumour": []}
    for i, name in enumerate(names):
        card = 2 + i % 2
        states[name] = [f"s{j}" for j in range(card)]
        parents[name] = ["tumour"]
        shape = (n_types, card)
        if linked and i == n_tests - 1:
            parents[name] = ["tumour", names[-2]]
            shape = (n_types, len(states[names[-2]]), card)
        tables[name] = rng.dirichlet(np.full(card, 0.6), size=shape[:-1])
    return network_from_arrays(states, parents, tables, {"tumour": "tumour"})


def outlook_of(network):
    codes = np.full(len(network.variables), -1, dtype=np.intp)
    tests = [v.name for v in network.variables if v.name != "tumour"]
    return look(network, compile_network(network), Encoded(codes, {}), "tumour", tests)


def slow_joint(network, tests):
    """P(tumour, tests) by enumerating the joint distribution: (types, outcomes)."""
    joint = enumerate_joint(network)
    position = {v.name: i for i, v in enumerate(network.variables)}
    axes = [position["tumour"], *(position[t] for t in tests)]
    rest = tuple(a for a in range(joint.ndim) if a not in axes)
    small = joint.sum(axis=rest).transpose(np.argsort(np.argsort(axes)))
    return small.reshape(small.shape[0], -1)


def slow_information(network, tests):
    joint = slow_joint(network, tests)
    total = 0.0
    for s, t in product(range(joint.shape[0]), range(joint.shape[1])):
        if joint[s, t] > 0:
            total += joint[s, t] * np.log2(joint[s, t] / joint[s].sum() / joint[:, t].sum())
    return total


def options(network, seed=0):
    rng = np.random.default_rng(seed)
    n = network.variable("tumour").cardinality
    return PlanProblem(("a", "b", "c"), ("A", "B", "C"), rng.random((3, n)))


def slow_value(network, tests, problem):
    joint = slow_joint(network, tests)
    after = sum(max(problem.utility @ joint[:, t]) for t in range(joint.shape[1]))
    return after - max(problem.utility @ joint.sum(axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_single_tests_are_ranked_by_mutual_information(seed):
    network = clinic(seed)
    codes = np.full(len(network.variables), -1, dtype=np.intp)
    variables = [v.name for v in network.variables if v.name != "tumour"]
    from dataclasses import replace

    grouped = tuple(
        replace(v, group="molecular") if v.name != "tumour" else v for v in network.variables
    )
    network = type(network)(network.name, "test", grouped, network.tables)
    ranked = rank_tests(network, compile_network(network), Encoded(codes, {}), "tumour")
    assert [t.bits for t in ranked] == sorted((t.bits for t in ranked), reverse=True)
    for t in ranked:
        assert t.bits == pytest.approx(slow_information(network, [t.variable]), abs=1e-9)
    assert {t.variable for t in ranked} == set(variables)


@pytest.mark.parametrize(("seed", "size"), [(0, 2), (1, 3), (2, 4), (3, 3), (4, 5)])
@pytest.mark.parametrize("objective", ["information", "decision"])
def test_the_best_panel_is_the_best_of_all(seed, size, objective):
    network = clinic(seed)
    problem = options(network, seed)
    found = search_panels(outlook_of(network), size, objective=objective, problem=problem)
    tests = [v.name for v in network.variables if v.name != "tumour"]
    panels = list(combinations(tests, size))
    if objective == "information":
        best = max(slow_information(network, p) for p in panels)
        assert found.best.bits == pytest.approx(best, abs=1e-6)
    else:
        best = max(slow_value(network, p, problem) for p in panels)
        assert found.best.value == pytest.approx(best, abs=1e-9)
    assert found.exhaustive
    assert found.looked_at == len(panels)
    assert found.gap == 0
    assert found.best.bits == pytest.approx(slow_information(network, found.best.tests), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_without_the_effort_the_gap_is_honest(seed):
    """The reported bound is never below the true best, and the search finds it here."""
    network = clinic(seed)
    outlook = outlook_of(network)
    truth = search_panels(outlook, 3)
    quick = search_panels(outlook, 3, effort=0)
    assert not quick.exhaustive
    assert quick.bound >= truth.best.bits - 1e-9
    assert quick.best.bits <= truth.best.bits + 1e-9
    assert quick.best.bits + quick.gap >= truth.best.bits - 1e-9
    assert quick.best.bits == pytest.approx(truth.best.bits, abs=1e-6)


def test_greedy_misses_two_tests_that_only_speak_together():
    """Exclusive or: each test alone is worth nothing, the pair everything (METHODS 14)."""
    rows = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    states = {"tumour": ["A", "B"], "x": ["0", "1"], "y": ["0", "1"], "z": ["0", "1"]}
    network = network_from_arrays(
        states,
        {"tumour": [], "x": [], "y": ["tumour", "x"], "z": ["tumour"]},
        {"tumour": [0.5, 0.5], "x": [0.5, 0.5], "y": rows, "z": [[0.6, 0.4], [0.4, 0.6]]},
        {"tumour": "tumour"},
    )
    found = search_panels(outlook_of(network), 2)
    assert set(found.best.tests) == {"x", "y"}
    assert found.best.bits == pytest.approx(1.0)


def test_a_panel_must_be_possible():
    outlook = outlook_of(clinic())
    with pytest.raises(CaseError, match="2 to 6"):
        search_panels(outlook, 7)
    with pytest.raises(CaseError, match="needs 3 tests"):
        search_panels(outlook, 3, among=["t0", "t1"])
    with pytest.raises(CaseError, match="treatment model"):
        search_panels(outlook, 2, objective="decision")


@pytest.mark.parametrize("seed", range(3))
def test_two_steps_are_the_expectation_over_the_first_result(seed):
    network = clinic(seed, n_tests=5)
    outlook = outlook_of(network)
    problem = options(network, seed)
    for given in (None, problem):
        found = {s.first: s for s in look_ahead(outlook, problem=given, most=99)}
        for first in outlook.tests:
            joint = slow_joint(network, [first])
            slow = (
                slow_information(network, [first])
                if given is None
                else slow_value(network, [first], problem)
            )
            card = network.variable(first).cardinality
            for r in range(card):
                gains = []
                for second in outlook.tests:
                    if second == first:
                        continue
                    pair = slow_joint(network, [first, second]).reshape(len(joint), card, -1)[:, r]
                    if given is None:
                        gains.append(pair.sum() * information(pair / pair.sum()))
                    else:
                        u = problem.utility
                        gains.append((u @ pair).max(axis=0).sum() - (u @ pair.sum(axis=1)).max())
                slow += max(gains)
            assert found[first].value == pytest.approx(slow, abs=1e-9)


def test_a_sequence_is_never_worse_than_the_pair_chosen_at_once():
    for seed in range(4):
        outlook = outlook_of(clinic(seed, n_tests=6))
        pair = search_panels(outlook, 2).best
        assert look_ahead(outlook, most=99)[0].value >= pair.bits - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_same_decision_probability_counts_outcomes(seed):
    network = clinic(seed, n_tests=5)
    outlook, problem = outlook_of(network), options(network, seed)
    found = same_decision(outlook, problem)
    joint = slow_joint(network, outlook.tests)
    now = int((problem.utility @ joint.sum(axis=1)).argmax())
    slow = sum(
        joint[:, t].sum()
        for t in range(joint.shape[1])
        if int((problem.utility @ joint[:, t]).argmax()) == now
    )
    assert found.exact
    assert found.probability == pytest.approx(slow, abs=1e-9)
    assert found.plan == problem.names[now]
    assert found.probability + sum(p for _, p in found.after) == pytest.approx(1.0)
    for change in found.changes:
        single = slow_joint(network, [change.test])
        state = network.variable(change.test).index(change.state)
        assert int((problem.utility @ single[:, state]).argmax()) != now
        assert change.probability == pytest.approx(single[:, state].sum())


def test_drawn_results_agree_with_enumeration(monkeypatch):
    from mesenbayes.workup import same_decision as module

    network = clinic(1, n_tests=5)
    outlook, problem = outlook_of(network), options(network, 1)
    exact = same_decision(outlook, problem)
    monkeypatch.setattr(module, "_EXACT", 0)
    drawn = same_decision(outlook, problem, draws=4000, rng=np.random.default_rng(0))
    low, high = drawn.interval
    assert not drawn.exact
    assert low - 0.02 <= exact.probability <= high + 0.02


def test_drawn_results_have_the_right_posterior_on_average():
    outlook = outlook_of(clinic(2, n_tests=4))
    weights = draw_results(outlook, outlook.tests, 6000, np.random.default_rng(3))
    mean = (weights / weights.sum(axis=0)).mean(axis=1)
    assert mean == pytest.approx(outlook.weight, abs=0.02)


def test_nothing_changes_a_plan_that_is_best_for_everyone():
    network = clinic(0, n_tests=4)
    outlook = outlook_of(network)
    n = network.variable("tumour").cardinality
    problem = PlanProblem(("x", "y"), ("X", "Y"), np.stack([np.ones(n), np.zeros(n)]))
    found = same_decision(outlook, problem)
    assert found.probability == pytest.approx(1.0)
    assert found.changes == ()
    assert "Nothing that can still be ordered would change the plan" in found.sentence


def test_information_of_random_joints_is_symmetric_and_bounded():
    rng = np.random.default_rng(0)
    for _ in range(20):
        joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
        bits = information(joint)
        assert bits == pytest.approx(information(joint.T))
        p = joint.sum(axis=1)
        assert 0 <= bits <= -(p * np.log2(p)).sum() + 1e-12
