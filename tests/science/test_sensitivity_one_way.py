"""One-way sensitivity against enumeration, and against printed examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Table
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.covariation import lines
from mesenbayes.sensitivity.distance import odds_range, parameter_distance, row_distance
from mesenbayes.sensitivity.function import one_way, sensitivity_function
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.tune import tune
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network

SEEDS = st.integers(0, 10_000)


def posterior(
    network: Network, codes: Any, target: str, tables: Mapping[str, Any] | None = None
) -> Any:
    """P(target | codes) by enumeration."""
    joint = enumerate_joint(network, codes, tables=tables)
    axis = [v.name for v in network.variables].index(target)
    mass = joint.sum(axis=tuple(i for i in range(joint.ndim) if i != axis))
    return mass / mass.sum()


def random_case(seed: int, **options: Any) -> tuple[Network, Any, str]:
    """A network, two findings of a possible case, and a target that is not observed."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, max_parents=2, max_states=3, **options)
    complete = np.unravel_index(
        int(enumerate_joint(network).ravel().argmax()), [v.cardinality for v in network.variables]
    )
    codes = np.full(5, -1)
    seen = rng.choice(5, 2, replace=False)
    codes[seen] = np.array(complete)[seen]
    target = next(i for i in rng.permutation(5) if codes[i] < 0)
    return network, codes, network.variables[int(target)].name


def moved(network: Network, problem: Problem, parameter: int, row: Any) -> dict[str, Any]:
    """The table of a parameter with its row replaced, shared rows everywhere."""
    e = problem.entries
    name = network.variables[e.variable[parameter]].name
    table = network.tables[name]
    probability = table.probability.copy()
    probability[table.row_index == e.row[parameter]] = row
    return {name: probability}


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0.01, 0.99))
def test_every_function_is_what_enumeration_says(seed: int, t: float) -> None:
    network, codes, target = random_case(seed)
    problem = Problem.of(network, codes, target)
    answer = one_way(problem)
    e = problem.entries
    for i in np.random.default_rng(seed).choice(e.size, min(8, e.size), replace=False):
        theta = e.theta[e.members(int(e.row_of[i]))]
        x = int(e.state[i])
        row = theta * (1 - t) / (1 - theta[x])
        row[x] = t
        slow = posterior(network, codes, target, moved(network, problem, int(i), row))
        np.testing.assert_allclose(answer.value(int(i), t), slow, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_derivative_bound_and_range(seed: int) -> None:
    network, codes, target = random_case(seed)
    answer = one_way(Problem.of(network, codes, target))
    theta, step = answer.entries.theta, 1e-6
    for k in range(len(answer.problem.names)):
        numeric = (answer.at(theta + step, k) - answer.at(theta - step, k)) / (2 * step)
        np.testing.assert_allclose(answer.derivative(k), numeric, rtol=1e-4, atol=1e-5)
        # Chan & Darwiche 2002: never exceeded
        assert (np.abs(answer.derivative(k)) <= answer.bound(k) * (1 + 1e-9) + 1e-9).all()
        # the bound by distance: odds move by no more than exp(D)
        t = np.clip(theta * 1.7, 0, 0.999)
        q, after = float(answer.problem.mass[k]), answer.at(t, k)
        for i, d in enumerate(parameter_distance(theta, t)):
            low, high = odds_range(q, float(d))
            assert low - 1e-9 <= after[i] <= high + 1e-9


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_vertex_is_where_the_slope_is_one(seed: int) -> None:
    """At the vertex of a hyperbola in its own centred units the slope is 1 or -1."""
    network, codes, target = random_case(seed)
    answer = one_way(Problem.of(network, codes, target))
    for k in range(len(answer.problem.names)):
        a1, b1 = answer.a[k], answer.b[k]
        a0, b0 = answer.a.sum(axis=0), answer.b.sum(axis=0)
        t = answer.vertex(k)
        bent = np.flatnonzero(~np.isnan(t) & (np.abs(a0) > 1e-3))
        slope = (a1 * b0 - b1 * a0)[bent] / (a0 * t + b0)[bent] ** 2
        np.testing.assert_allclose(np.abs(slope), 1, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_admissible_deviation_on_a_grid(seed: int) -> None:
    network, codes, target = random_case(seed)
    answer = one_way(Problem.of(network, codes, target))
    best = answer.problem.mass.argmax()
    grid = np.linspace(0, 1, 101)
    for i in range(answer.entries.size):
        values = answer.value(i, grid)
        tops = values.argmax(axis=1)
        possible = ~np.isnan(values).any(axis=1)
        low, high = answer.admissible[i]
        low, high = (-1 if np.isnan(low) else low), (2 if np.isnan(high) else high)
        inside = possible & (grid > low + 1e-9) & (grid < high - 1e-9)
        outside = possible & ((grid < low - 1e-9) | (grid > high + 1e-9))
        assert (tops[inside] == best).all()
        assert (tops[outside] != best).all()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.0, 0.3))
def test_treatment_stays_inside_its_interval(seed: int, margin: float) -> None:
    """The rule of the treatment model: first option within a margin of the best."""
    rng = np.random.default_rng(seed)
    network, codes, target = random_case(seed)
    problem = Problem.of(network, codes, target)
    value = rng.normal(size=(4, len(problem.names)))
    choice = Choice("treatment", ("a", "b", "c", "d"), value, margin)
    answer = one_way(problem, choice)
    now = choice.recommended(problem.mass)
    for i in range(answer.entries.size):
        theta = answer.entries.theta[i]
        low, high = answer.admissible[i]
        grid = np.linspace(0, 1, 201)
        values = answer.value(i, grid)
        chosen, possible = choice.recommended(values), ~np.isnan(values).any(axis=1)
        left, right = (-1 if np.isnan(low) else low), (2 if np.isnan(high) else high)
        inside = possible & (grid > left + 1e-9) & (grid < right - 1e-9)
        assert (chosen[inside] == now).all()
        for edge, outward in ((low, -1e-6), (high, 1e-6)):
            t = edge + outward
            if not np.isnan(edge) and 0 < t < 1 and abs(edge - theta) > 1e-6:
                assert choice.recommended(answer.value(i, np.array(t))) != now


def test_rows_shared_by_parent_states_move_together() -> None:
    rng = np.random.default_rng(3)
    network, codes = random_network(rng, 5, max_parents=2), None
    name = next(n for n, t in network.tables.items() if t.row_index.size > 2)
    table = network.tables[name]
    index = np.zeros_like(table.row_index)
    index.flat[-1] = 1
    shared = Table(name, table.parents, table.rows[:2], index)
    network = Network("n", "1", network.variables, {**network.tables, name: shared})
    target = network.variables[0].name if name != network.variables[0].name else "V1"
    codes = np.full(5, -1)
    codes[[v.name for v in network.variables].index(name)] = 0
    problem = Problem.of(network, codes, target)
    answer = one_way(problem)
    i = int(np.flatnonzero(problem.entries.variable == codes.argmax())[0])
    theta = table.rows[0].mean
    row = theta * 0.7 / (1 - theta[0])
    row[0] = 0.3
    slow = posterior(network, codes, target, moved(network, problem, i, row))
    np.testing.assert_allclose(answer.value(i, 0.3), slow, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 5), st.floats(0, 1))
def test_co_variation_schemes(seed: int, n: int, where: float) -> None:
    rng = np.random.default_rng(seed)
    theta = rng.dirichlet(np.ones(n))
    x = int(theta.argmin())
    for scheme in ("proportional", "uniform", "order-preserving", "partner"):
        partner = (x + 1) % n
        pieces = lines(theta, x, scheme, partner)
        for line in pieces:
            t = line.low + where * (line.high - line.low)
            row = line.at(t)
            assert row[x] == pytest.approx(t)
            assert row.sum() == pytest.approx(1)
            assert (row >= -1e-12).all()
            if scheme == "order-preserving":
                assert (np.diff(row[np.argsort(theta)]) >= -1e-12).all()
        if scheme != "uniform":
            np.testing.assert_allclose(pieces[0].at(theta[x]), theta, atol=1e-12)
    # proportional is the nearest of them (Chan & Darwiche 2005)
    t = 0.5 * (theta[x] + 1 / n)
    near = row_distance(theta, lines(theta, x)[0].at(t))
    assert near == pytest.approx(float(parameter_distance(theta[x], t)), abs=1e-9)
    assert near <= row_distance(theta, lines(theta, x, "uniform")[0].at(t)) + 1e-9
    assert near <= row_distance(theta, lines(theta, x, "order-preserving")[-1].at(t)) + 1e-9


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_functions_under_every_scheme(seed: int) -> None:
    network, codes, target = random_case(seed)
    problem = Problem.of(network, codes, target)
    e = problem.entries
    i = int(np.random.default_rng(seed).integers(e.size))
    theta = e.theta[e.members(int(e.row_of[i]))]
    x, states = int(e.state[i]), network.variables[e.variable[i]].states
    for scheme in ("proportional", "uniform", "order-preserving", "partner"):
        if scheme == "order-preserving" and theta.argmax() == x:
            continue
        partner = states[(x + 1) % len(states)]
        f = sensitivity_function(problem, i, scheme, partner)
        pieces = lines(theta, x, scheme, (x + 1) % len(states))
        for line in pieces:
            t = line.low + 0.4 * (line.high - line.low)
            tables = moved(network, problem, i, line.at(t))
            np.testing.assert_allclose(
                f(t), posterior(network, codes, target, tables), atol=1e-9
            )


# ---------------------------------------------------------------------- printed examples

FIRE = network_from_arrays(
    {
        "Fire": ("TRUE", "FALSE"),
        "Tampering": ("TRUE", "FALSE"),
        "Smoke": ("TRUE", "FALSE"),
        "Alarm": ("TRUE", "MALFUNCTION", "FALSE"),
        "Leaving": ("TRUE", "FALSE"),
        "Report": ("TRUE", "FALSE"),
    },
    {
        "Smoke": ("Fire",),
        "Alarm": ("Fire", "Tampering"),
        "Leaving": ("Alarm",),
        "Report": ("Leaving",),
    },
    {
        "Fire": [0.01, 0.99],
        "Tampering": [0.02, 0.98],
        "Smoke": [[0.9, 0.1], [0.01, 0.99]],
        "Alarm": [
            [[0.6, 0.2, 0.2], [0.92, 0.07, 0.01]],
            [[0.65, 0.2, 0.15], [0.0001, 0.65, 0.3499]],
        ],
        "Leaving": [[0.88, 0.12], [0.73, 0.27], [0.001, 0.999]],
        "Report": [[0.75, 0.25], [0.01, 0.99]],
    },
)
"""The fire alarm of Chan & Darwiche (JAIR 17:265, 2002) with a third state of the alarm, as
shipped with the R package bnmonitor 0.1.2 (data/fire_alarm.RData)."""

# sensquery(fire_alarm, "Report", "TRUE", new_value = 0.4), printed in bnmonitor's article
# "Sensitivity Analysis in Discrete BNs" (manueleleonelli.github.io/bnmonitor).
SENSQUERY = (
    ("Leaving", "TRUE", {"Alarm": "MALFUNCTION"}, 0.7983961, 0.3816771),
    ("Report", "TRUE", {"Leaving": "TRUE"}, 0.8164951, 0.3941673),
    ("Tampering", "TRUE", {}, 0.2018769, 2.5172158),
    ("Fire", "TRUE", {}, 0.1252059, 2.6510913),
    ("Alarm", "TRUE", {"Fire": "FALSE", "Tampering": "FALSE"}, 0.1106591, 7.1262142),
)


@pytest.mark.parametrize(("node", "state", "given_", "suggested", "distance"), SENSQUERY)
def test_printed_suggestions_of_bnmonitor(
    node: str, state: str, given_: dict[str, str], suggested: float, distance: float
) -> None:
    """A target probability of 0.4 is met at the printed values, at the printed distances."""
    problem = Problem.of(FIRE, np.full(6, -1), "Report")
    answer = one_way(problem)
    i = problem.entries.find(node, state, **given_)
    # N - eps D >= 0 is linear in t (METHODS 5); without evidence D is 1
    t = (0.4 - answer.b[0, i]) / answer.a[0, i]
    assert round(t, 7) == suggested
    assert answer.value(i, t)[0] == pytest.approx(0.4, abs=1e-12)
    assert round(float(parameter_distance(problem.entries.theta[i], t)), 7) == distance


def test_what_bnmonitor_leaves_out() -> None:
    """It keeps one row for each node; the nearest change of all is another row of Alarm."""
    frame = tune(one_way(Problem.of(FIRE, np.full(6, -1), "Report")), 0.4, "TRUE")
    assert frame["parameter"].iloc[0] == "P(Alarm=FALSE | Fire=FALSE, Tampering=FALSE)"
    assert frame["distance"].iloc[0] < min(distance for *_, distance in SENSQUERY)


def test_printed_proportional_row_of_bnmonitor() -> None:
    """proportional_covar: Alarm = FALSE given fire and no tampering from 0.01 to 0.1."""
    row = lines(np.array([0.92, 0.07, 0.01]), 2)[0].at(0.1)
    np.testing.assert_allclose(row, [0.83636364, 0.06363636, 0.1], atol=5e-9)


def test_a_wrong_slope_would_be_noticed() -> None:
    """The derivative without co-variation is another number: the guard of these tests."""
    problem = Problem.of(FIRE, np.array([-1, -1, 1, -1, -1, 0]), "Tampering")
    answer = one_way(problem)
    i = problem.entries.find("Alarm", "TRUE", Fire="FALSE", Tampering="FALSE")
    naive = problem.gradient[0, i] - problem.mass[0] * problem.gradient[:, i].sum()
    assert abs(naive - answer.derivative(0)[i]) > 1e-3


def test_impossible_evidence_elsewhere_is_not_divided_by() -> None:
    """Parameters that the findings make irrelevant are constant, with no admissible limit."""
    network, codes, target = random_case(11)
    answer = one_way(Problem.of(network, codes, target))
    still = np.flatnonzero((answer.derivative(0) == 0) & (answer.derivative(1) == 0))
    assert len(still)
    assert np.isnan(answer.admissible[still]).all()


def test_definitions_have_no_interval() -> None:
    network, codes, target = random_case(5)
    name = network.variables[-1].name
    rows = tuple(Row(r.alpha, "definition") for r in network.tables[name].rows)
    old = network.tables[name]
    table = Table(name, old.parents, rows, old.row_index)
    network = Network("n", "1", network.variables, {**network.tables, name: table})
    answer = one_way(Problem.of(network, codes, target))
    mine = answer.entries.variable == len(network.variables) - 1
    interval = answer.interval()
    assert (interval[mine, 0] == interval[mine, 1]).all()
    assert (interval[~mine, 0] < interval[~mine, 1]).all()
