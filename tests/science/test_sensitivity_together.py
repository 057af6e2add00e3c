"""Several parameters at once, tied parameters, findings: against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.errors import CaseError
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.sensitivity.covariation import lines
from mesenbayes.sensitivity.findings import every_result, without_each_finding, worst_and_best
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.sources import reweighted, study_counts
from mesenbayes.sensitivity.tied import per_source, row_shares, tied_function
from mesenbayes.sensitivity.two_way import corner_bounds, many_way, two_way
from mesenbayes.testing import enumerate_joint, random_network

SEEDS = st.integers(0, 10_000)


def case(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, max_parents=2, max_states=3)
    codes = np.full(5, -1)
    for v in rng.choice(4, 2, replace=False) + 1:
        codes[v] = rng.integers(network.variables[v].cardinality)
    return Problem.of(network, codes, "V0")


def slow(p: Problem, rows: dict[int, np.ndarray], codes: np.ndarray | None = None) -> np.ndarray:
    """P(V0 | codes) by enumeration with some rows replaced."""
    e, tables = p.entries, {}
    for r, row in rows.items():
        name = p.network.variables[e.row_variable[r]].name
        table = p.network.tables[name]
        probability = tables.setdefault(name, table.probability.copy())
        probability[table.row_index == e.row_number[r]] = row
    joint = enumerate_joint(p.network, p.codes if codes is None else codes, tables=tables)
    mass = joint.sum(axis=tuple(range(1, joint.ndim)))
    return mass / mass.sum()


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 4), st.data())
def test_n_way(seed: int, n: int, data: st.DataObject) -> None:
    p = case(seed)
    e = p.entries
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(e.row_start), min(n, len(e.row_start)), replace=False)
    parameters = [int(e.row_start[r] + rng.integers(e.row_size[r])) for r in rows]
    f = many_way(p, parameters)
    t = [data.draw(st.floats(0.02, 0.98)) for _ in parameters]
    moved = {
        int(e.row_of[i]): lines(e.theta[e.members(int(e.row_of[i]))], int(e.state[i]))[0].at(v)
        for i, v in zip(parameters, t, strict=True)
    }
    np.testing.assert_allclose(f(*t), slow(p, moved), atol=1e-8)
    np.testing.assert_allclose(f(*f.theta), p.mass, atol=1e-9)
    box = np.array([[v * 0.5, v] for v in t])
    low, high = corner_bounds(f, box, 0)
    inside = rng.uniform(box[:, 0], box[:, 1], (50, len(t)))
    values = f(*inside.T)[:, 0]
    assert (values >= low - 1e-9).all()
    assert (values <= high + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.05, 0.6), st.floats(0.05, 0.35))
def test_two_of_one_row(seed: int, a: float, b: float) -> None:
    p = case(seed)
    e = p.entries
    wide = np.flatnonzero(e.row_size == 3)
    if not len(wide):
        return
    r = int(np.random.default_rng(seed).choice(wide))
    i = int(e.row_start[r])
    f = many_way(p, (i, i + 2))
    assert f.same_row
    np.testing.assert_allclose(f(a, b), slow(p, {r: np.array([a, 1 - a - b, b])}), atol=1e-9)
    surface = two_way(p, i, i + 2, points=11)
    y, x = np.meshgrid(surface.y, surface.x, indexing="ij")
    assert (surface.region[x + y > 1 + 1e-9] == -1).all()
    good = surface.region >= 0
    assert (surface.posterior[good].argmax(axis=-1) == surface.region[good]).all()
    assert len(surface.to_frame()) == 121 * len(p.names)


def test_refusals() -> None:
    p = case(2)
    e = p.entries
    two = int(e.row_start[np.flatnonzero(e.row_size == 2)[0]])
    with pytest.raises(CaseError, match="twice"):
        many_way(p, (two, two))
    with pytest.raises(CaseError, match="fill their row"):
        many_way(p, (two, two + 1))
    other = next(int(i) for i in e.row_start if i != two)
    with pytest.raises(CaseError, match="mixture"):
        many_way(p, (two, two + 1, other))
    with pytest.raises(CaseError, match="2 values are needed"):
        many_way(p, (two, other))(0.5)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.02, 0.98))
def test_tied_entries_are_a_polynomial(seed: int, t: float) -> None:
    """The same number in rows of several tables, and in two rows of one."""
    p = case(seed)
    e = p.entries
    first = [int(np.flatnonzero(e.row_variable == v)[0]) for v in (1, 2, 3)]
    rows = [*first, int(np.flatnonzero(e.row_variable == 3)[-1])]
    rows = list(dict.fromkeys(rows))
    parameters = [int(e.row_start[r]) for r in rows]
    f = tied_function(p, parameters)
    assert f.degree == 3
    moved = {r: lines(e.theta[e.members(r)], 0)[0].at(t) for r in rows}
    np.testing.assert_allclose(f(t), slow(p, moved), atol=1e-8)
    with pytest.raises(CaseError, match="different rows"):
        tied_function(p, [parameters[0], parameters[0] + 1])


def test_a_source_counted_twice_or_not_at_all() -> None:
    study = Study("S", (("b", 6),), 10, 5.0)
    row = Row(np.array([4.0, 4.0, 2.0]), "counts", studies=(study, Study("R", (("a", 2),), 4, 2.0)))
    # 6 of 10 in b count for 3; the other 4 are a or c, 2:1, for 2
    np.testing.assert_allclose(study_counts(study, ("a", "b", "c"), row.mean), [4 / 3, 3, 2 / 3])
    twice = reweighted(row, ("a", "b", "c"), {"S": 2.0})
    np.testing.assert_allclose(twice, [4 + 4 / 3, 7, 2 + 2 / 3])
    np.testing.assert_allclose(reweighted(row, ("a", "b", "c"), {"S": 1.0}), row.alpha)
    gone = reweighted(row, ("a", "b", "c"), {"S": 0.0})
    np.testing.assert_allclose(gone, [4 - 4 / 3, 1, 2 - 2 / 3])
    series = reweighted(row, ("a", "b", "c"), {"S: 10": 0.0}, by="study")
    np.testing.assert_allclose(series, gone)


def test_per_source_moves_all_its_rows() -> None:
    p = case(7)
    tables = {
        name: Table(
            name,
            t.parents,
            tuple(
                Row(r.mean * 20, "counts", studies=(Study(f"S{i % 2}", (("s0", 7),), 10, 10.0),))
                for r in t.rows
            ),
            t.row_index,
        )
        for i, (name, t) in enumerate(p.network.tables.items())
    }
    network = Network("n", "1", p.network.variables, tables)
    q = Problem.of(network, p.codes, "V0")
    frame = per_source(q).set_index("source")
    e, leading = q.entries, int(q.mass.argmax())
    for source in frame.index:
        for column, weight in (("without", 0.0), ("twice", 2.0)):
            rows = {}
            for r in q.reached:
                one = e.source_row(int(r))
                if one.studies[0].source_id == source:
                    states = network.variables[e.row_variable[r]].states
                    alpha = reweighted(one, states, {source: weight})
                    rows[int(r)] = alpha / alpha.sum()
            assert frame.loc[source, column] == pytest.approx(slow(q, rows)[leading])
    by_series = per_source(q, by="study")
    assert by_series["source"].tolist() == [f"{s}: 10" for s in per_source(q)["source"]]
    # every row rests half on its source and half on what else is in it
    assert frame["share"].sum() == pytest.approx(0.5)
    assert row_shares(q, leading).sum() == pytest.approx(1)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_without_each_finding(seed: int) -> None:
    p = case(seed)
    frame = without_each_finding(p).set_index("finding")
    leading = int(p.mass.argmax())
    for v in np.flatnonzero(p.codes >= 0):
        node = p.network.variables[v]
        codes = p.codes.copy()
        codes[v] = -1
        expected = slow(p, {}, codes)
        line = frame.loc[f"{node.name}={node.states[p.codes[v]]}"]
        assert line["without"] == pytest.approx(expected[leading])
        assert line["flips"] == (expected.argmax() != leading)


def test_uncertain_findings_have_a_bound() -> None:
    p = case(3)
    soft = Problem.of(p.network, [-1, 0, -1, -1, -1], "V0",
                      {"V4": np.linspace(1, 3, p.network.variable("V4").cardinality)})  # fmt: skip
    line = without_each_finding(soft).set_index("finding").loc["V4"]
    assert line["distance"] == pytest.approx(np.log(3))
    odds = [q / (1 - q) for q in (line["with"], line["without"])]
    assert abs(np.log(odds[0] / odds[1])) <= line["distance"] + 1e-9


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_every_result(seed: int) -> None:
    p = case(seed)
    frame = every_result(p)
    assert frame.groupby("variable")["probability"].sum().to_numpy() == pytest.approx(1, abs=1e-4)
    leading = int(p.mass.argmax())
    for _, line in frame.iterrows():
        v = next(i for i, w in enumerate(p.network.variables) if w.name == line["variable"])
        codes = p.codes.copy()
        codes[v] = p.network.variables[v].index(line["state"])
        expected = slow(p, {}, codes)
        assert line["leading_probability"] == pytest.approx(expected[leading])
    # the law of total probability
    mean = (frame["probability"] * frame["leading_probability"]).groupby(frame["variable"]).sum()
    np.testing.assert_allclose(mean, p.mass[leading], atol=1e-4)
    days = worst_and_best(p).set_index("completion")["probability"]
    assert days["worst"] <= p.mass[leading] + 1e-9 <= days["best"] + 2e-9
