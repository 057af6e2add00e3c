"""What would flip it: least changes against search and enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.errors import CaseError
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.distance import row_distance
from mesenbayes.sensitivity.flip import (
    flip_by_finding,
    flip_by_row,
    flip_by_source,
    what_would_flip,
)
from mesenbayes.sensitivity.function import one_way
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.row_change import best_row, least_row_change
from mesenbayes.sensitivity.tornado import tornado, tornado_of_gain
from mesenbayes.sensitivity.tune import tune
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network

SEEDS = st.integers(0, 10_000)


def case(seed: int, observed: int = 2) -> tuple[Network, np.ndarray, str]:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, max_parents=2, max_states=3)
    codes = np.full(5, -1)
    for v in rng.choice(4, observed, replace=False) + 1:
        codes[v] = rng.integers(network.variables[v].cardinality)
    return network, codes, "V0"


def slow(network: Network, codes: np.ndarray, likelihoods: dict | None = None,
         tables: dict | None = None) -> np.ndarray:  # fmt: skip
    joint = enumerate_joint(network, codes, likelihoods, tables)
    mass = joint.sum(axis=tuple(range(1, joint.ndim)))
    return mass / mass.sum()


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 5))
def test_least_change_of_a_row(seed: int, n: int) -> None:
    """At the distance given some row reaches the goal; none nearer does."""
    rng = np.random.default_rng(seed)
    theta, c = rng.dirichlet(np.ones(n)), rng.normal(size=n)
    d = -float(c @ theta) - rng.exponential(0.3)
    distance, row = least_row_change(theta, c, d)
    if not np.isfinite(distance):
        assert c.max() + d <= 1e-9  # not even all mass on the best entry reaches it
        return
    assert row.sum() == pytest.approx(1)
    assert c @ row + d == pytest.approx(0, abs=1e-9)
    assert row_distance(theta, row) == pytest.approx(distance, abs=1e-9)
    for _ in range(200):
        other = theta * np.exp(rng.uniform(0, 0.999 * distance, n))
        assert c @ (other / other.sum()) + d < 1e-9
    nearest = best_row(theta, c, distance)
    assert c @ nearest + d == pytest.approx(0, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_row_that_flips_the_diagnosis(seed: int) -> None:
    network, codes, target = case(seed)
    problem = Problem.of(network, codes, target)
    answer = one_way(problem)
    e, rng = problem.entries, np.random.default_rng(seed)
    found, tried = flip_by_row(answer)
    assert tried == len(problem.reached)
    labels = {f.what: f for f in found}
    now = problem.mass.argmax()
    for r in problem.reached:
        theta = e.theta[e.members(int(r))]
        flip = labels.get(e.row_label(int(r)))
        name = network.variables[e.row_variable[r]].name
        table = network.tables[name]

        def leads(row: np.ndarray, name: str = name, table: Table = table, r: int = r) -> int:
            p = table.probability.copy()
            p[table.row_index == e.row_number[r]] = row
            return int(slow(network, codes, tables={name: p}).argmax())

        reach = 20.0 if flip is None else 0.99 * flip.distance
        for _ in range(15):
            other = theta * np.exp(rng.choice([0, reach], len(theta)))
            assert leads(other / other.sum()) == now


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_row_that_flips_the_treatment(seed: int) -> None:
    """With a margin: nothing nearer flips it, also where several conditions must hold."""
    network, codes, target = case(seed)
    problem = Problem.of(network, codes, target)
    rng = np.random.default_rng(seed)
    choice = Choice("treatment", ("a", "b", "c"), rng.normal(size=(3, len(problem.names))), 0.1)
    found, _ = flip_by_row(one_way(problem, choice))
    e, now = problem.entries, int(choice.recommended(problem.mass))
    labels = {f.what: f for f in found}
    for r in problem.reached:
        flip = labels.get(e.row_label(int(r)))
        members = e.members(int(r))
        theta, g = e.theta[members], problem.gradient[:, members]
        reach = 20.0 if flip is None else 0.99 * flip.distance
        others = theta * np.exp(rng.uniform(0, reach, (60, len(theta))))
        others /= others.sum(axis=1, keepdims=True)
        mass = problem.mass + (others - theta) @ g.T
        assert (choice.recommended(mass) == now).all()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_finding_that_flips(seed: int) -> None:
    network, codes, target = case(seed)
    problem = Problem.of(network, codes, target)
    now = problem.mass.argmax()
    found, tried = flip_by_finding(one_way(problem))
    assert tried == 2
    for flip in found:
        name, state = flip.what.split("=")
        v = [w.name for w in network.variables].index(name)
        other = codes.copy()
        if np.isfinite(flip.distance):
            other[v] = -1
            for epsilon, flips in ((flip.becomes * 0.999, False), (flip.becomes * 1.001, True)):
                if epsilon > 1:
                    continue
                likelihood = np.full(network.variables[v].cardinality, epsilon)
                likelihood[network.variables[v].index(state)] = 1.0
                assert (slow(network, other, {name: likelihood}).argmax() != now) == flips
        else:
            seen = flip.note.split()[-1]
            other[v] = network.variables[v].index(seen)
            assert slow(network, other).argmax() == problem.names.index(flip.winner)


def with_studies(network: Network) -> Network:
    """Every row of V1 and V2 rests on source A, every other on source B."""
    tables = {}
    for name, table in network.tables.items():
        source = "A" if name in ("V1", "V2") else "B"
        rows = tuple(
            Row(r.alpha, "counts", studies=(Study(source, (("s0", 5),), 10, 10.0),))
            for r in table.rows
        )
        tables[name] = Table(name, table.parents, rows, table.row_index)
    return Network("n", "1", network.variables, tables)


@pytest.mark.parametrize("seed", [1, 2, 5, 8])
def test_a_source_that_flips(seed: int) -> None:
    network, codes, target = case(seed, observed=4)
    answer = one_way(Problem.of(with_studies(network), codes, target))
    by_source, tried = flip_by_source(answer)
    assert tried == 2
    by_row, _ = flip_by_row(answer)
    for flip in by_source:
        mine = [
            f.distance for f in by_row if (f.what[2:4] in ("V1", "V2")) == (flip.what == "A")
        ]
        # Many rows that move together need no more than the one that needs least.
        assert flip.distance <= min(mine, default=np.inf) + 0.06
    assert not by_row or by_source


def test_impossible_is_an_answer() -> None:
    network = network_from_arrays(
        {"T": ("a", "b"), "F": ("no", "yes")},
        {"F": ("T",)},
        {"T": [0.9, 0.1], "F": [[0.4, 0.6], [0.5, 0.5]]},
    )
    flips = what_would_flip(one_way(Problem.of(network, np.array([-1, 0]), "T")))
    # a leads 0.36 to 0.05: F = no in b at most 1 gives 0.1, in a 0.0556 < 0.4 suffices
    changed = {f.what for f in flips.of("parameter")}
    assert changed == {"P(T=b)", "P(F=no | T=a)"}
    assert flips.impossible["parameter"] > 0
    near = next(f for f in flips.of("parameter") if "F=no" in f.what)
    assert near.becomes == pytest.approx(0.05 / 0.9)
    assert "b would take over" in flips.sentence
    with pytest.raises(CaseError, match="nothing flips by 'moon'"):
        what_would_flip(one_way(Problem.of(network, np.array([-1, 0]), "T")), ("moon",))


def test_tuning_lists_every_parameter_that_can() -> None:
    network, codes, target = case(4)
    answer = one_way(Problem.of(network, codes, target))
    wanted = 0.5
    frame = tune(answer, wanted)
    e = answer.entries
    for _, line in frame.iterrows():
        i = next(i for i in range(e.size) if e.label(i) == line["parameter"])
        k = answer.problem.mass.argmax()
        assert answer.value(i, line["becomes"])[k] == pytest.approx(wanted)
    assert frame["distance"].is_monotonic_increasing
    with pytest.raises(CaseError, match="cannot be aimed at"):
        tune(answer, 1.5)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_tornado_bars_are_the_range(seed: int) -> None:
    """The two ends bound the value over the whole interval: the functions are monotone."""
    network, codes, target = case(seed)
    problem = Problem.of(network, codes, target)
    rng = np.random.default_rng(seed)
    choice = Choice("treatment", ("a", "b"), rng.normal(size=(2, len(problem.names))))
    answer = one_way(problem, choice)
    bars = tornado(answer, 0, shown=None)
    assert len(set(answer.entries.row_of[bars.parameters])) == len(bars.parameters)
    for i, interval, ends in zip(bars.parameters, bars.interval, bars.ends, strict=True):
        inner = answer.value(int(i), np.linspace(*interval, 30))[:, 0]
        assert inner.min() == pytest.approx(ends.min(), abs=1e-9)
        assert inner.max() == pytest.approx(ends.max(), abs=1e-9)
    width = bars.to_frame()["width"]
    assert width.is_monotonic_decreasing
    gain = tornado_of_gain(answer, "a", "b", shown=3)
    for i, interval, ends in zip(gain.parameters, gain.interval, gain.ends, strict=True):
        expected = choice.expected(answer.value(int(i), interval))
        np.testing.assert_allclose(expected[:, 0] - expected[:, 1], ends, atol=1e-9)
    assert "runs from" in bars.sentence
