"""Joint draws against enumeration, and intervals against repeated experiments."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Table, draw_dirichlets, spread_factor
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.draws import draw_rows, posteriors
from mesenbayes.sensitivity.probabilistic import probabilistic_diagnosis
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network


def problem(seed: int, strength: float = 20.0) -> Problem:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6, max_parents=2, max_states=3)
    tables = {
        n: Table(n, t.parents, tuple(Row(r.mean * strength, "counts") for r in t.rows), t.row_index)
        for n, t in network.tables.items()
    }
    codes = np.full(6, -1)
    codes[[2, 4]] = 0
    return Problem.of(Network("n", "1", network.variables, tables), codes, "V0")


@pytest.mark.parametrize("seed", range(6))
def test_each_draw_is_what_enumeration_says(seed: int) -> None:
    p = problem(seed)
    rows = draw_rows(p, 12, np.random.default_rng(seed))
    mass, log_evidence = posteriors(p, rows)
    for i in range(12):
        tables = {n: v[i][p.network.tables[n].row_index] for n, v in rows.items()}
        joint = enumerate_joint(p.network, p.codes, tables=tables)
        expected = joint.sum(axis=tuple(range(1, 6)))
        np.testing.assert_allclose(mass[i], expected / expected.sum(), atol=1e-12)
        assert log_evidence[i] == pytest.approx(np.log(joint.sum()))


@pytest.mark.parametrize("seed", range(6))
def test_rows_left_at_their_means_cannot_matter(seed: int) -> None:
    """Drawing the rows that the case does not reach changes nothing."""
    p = problem(seed)
    unreached = np.setdiff1d(np.arange(len(p.entries.row_start)), p.reached)
    rows = draw_rows(p, 5, np.random.default_rng(0), unreached)
    mass, _ = posteriors(p, rows)
    np.testing.assert_allclose(mass, np.broadcast_to(p.mass, mass.shape), atol=1e-12)


def test_draws_are_dirichlet_where_every_state_is_worth_a_case() -> None:
    row = Row(np.array([3.0, 1.0, 2.0]), "counts")
    drawn = draw_dirichlets(row.alpha[None], 40_000, np.random.default_rng(1))[:, 0]
    np.testing.assert_allclose(drawn.sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(drawn.mean(axis=0), row.mean, atol=0.01)
    variance = row.mean * (1 - row.mean) / (row.strength + 1)
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.05)


def test_a_rare_state_is_not_drawn_as_nothing() -> None:
    # A rare tumour in a prior worth 20 cases: mean 0.001, so alpha 0.02. A Dirichlet would
    # put it below 1e-9 in most draws; what is believed is "about 0.001, give or take".
    alpha = np.array([[19.98, 0.02, 0.0]])
    drawn = draw_dirichlets(alpha, 40_000, np.random.default_rng(2))[:, 0]
    assert (drawn[:, 2] == 0).all()
    np.testing.assert_allclose(drawn[:, 1].mean(), 0.001, rtol=0.1)
    low, high = np.quantile(drawn[:, 1], [0.025, 0.975])
    assert 1e-5 < low < 1e-4
    assert 2e-3 < high < 6e-3
    # The linear variance says the same: min(1, alpha) times the Dirichlet's.
    linear = spread_factor(alpha)[0, 1] * 0.001 * 0.999 / 21
    np.testing.assert_allclose(drawn[:, 1].var(), linear, rtol=0.4)


def test_delta_method_agrees_where_rows_are_strong() -> None:
    p = problem(3, strength=2000.0)
    a = probabilistic_diagnosis(p, 4000, rng=2)
    e = p.entries
    g = p.gradient - p.mass[:, None] * p.gradient.sum(axis=0)
    spread = e.row_sum(e.theta * g**2) - e.row_sum(e.theta * g) ** 2
    variance = (spread / (e.strength + 1)).sum(axis=1)
    np.testing.assert_allclose(a.posterior.std(axis=0), np.sqrt(variance), rtol=0.06)


def test_intervals_cover_at_their_level() -> None:
    """Truths from the prior, data from the truths: 90 % intervals hold in 90 of 100."""
    rng = np.random.default_rng(20)
    hits = []
    for _ in range(150):
        prior, marker = rng.dirichlet([1, 1, 1]), rng.beta(1, 1, 3)
        truth = prior * marker / (prior @ marker)
        cases = rng.multinomial(25, prior)
        positive = rng.binomial(12, marker)
        tables = {
            "T": Table("T", (), (Row(1.0 + cases, "counts"),), np.zeros((), dtype=np.intp)),
            "M": Table(
                "M",
                ("T",),
                tuple(Row(np.array([1.0 + 12 - k, 1.0 + k]), "counts") for k in positive),
                np.arange(3),
            ),
        }
        shape = network_from_arrays(
            {"T": "abc", "M": ("no", "yes")},
            {"M": ("T",)},
            {"T": [0.3, 0.3, 0.4], "M": [[0.5] * 2] * 3},
        )
        network = Network("n", "1", shape.variables, tables)
        a = probabilistic_diagnosis(Problem.of(network, [-1, 1], "T"), 400, rng=rng)
        low, high = np.quantile(a.posterior, [0.05, 0.95], axis=0)
        hits.append((low <= truth) & (truth <= high))
    coverage = np.mean(hits)
    assert 0.86 < coverage < 0.94  # standard error about 0.015


def test_summaries_add_up() -> None:
    p = problem(1)
    rng = np.random.default_rng(0)
    value = rng.normal(size=(3, len(p.names)))
    a = probabilistic_diagnosis(p, 500, choice=Choice("treatment", ("a", "b", "c"), value), rng=3)
    frame = a.differential()
    assert frame["leads"].sum() == pytest.approx(1)
    assert ((frame["low"] <= frame["median"]) & (frame["median"] <= frame["high"])).all()
    options = a.options()
    assert options["probability_best"].sum() == pytest.approx(1)
    # EVPI is the least expected loss
    loss = options["expected_loss"].min()
    value = a.net_benefit
    assert loss == pytest.approx(value.max(axis=1).mean() - value.mean(axis=0).max())
    ranks = a.ranking(len(p.names))
    np.testing.assert_allclose(ranks.sum(axis=1), 1)
    np.testing.assert_allclose(ranks.sum(axis=0), 1)
    same = probabilistic_diagnosis(p, 500, rng=3)
    np.testing.assert_array_equal(a.mass, same.mass)
    curve = a.acceptability({"a": 0.0, "b": 1.0, "c": 2.0}, [0.0, 1.0, 100.0])
    assert curve.groupby("willingness")["probability_best"].sum().tolist() == pytest.approx([1] * 3)
    free = curve[(curve["willingness"] == 0) & (curve["probability_best"] == 1)]
    assert free["option"].tolist() == ["a"]
    assert curve.groupby("willingness")["on_frontier"].sum().tolist() == [1, 1, 1]
    with pytest.raises(CaseError, match="costs miss c"):
        a.acceptability({"a": 0.0, "b": 1.0}, [1.0])
    with pytest.raises(CaseError, match="no treatment options"):
        same.options()
