"""Intervals of a posterior against Monte Carlo that shares no line with them."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.diagnosis.certainty import beta_interval, certainty
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.rows import distinct_rows, draw_tables, relevant_tables
from mesenbayes.inference import compile_network
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.network.variable import Variable
from mesenbayes.testing import enumerate_joint, random_network


def encoded_of(network, rng, n):
    codes = np.full(len(network.variables), -1, dtype=np.intp)
    for i in rng.choice(np.arange(1, len(network.variables)), n, replace=False):
        codes[i] = rng.integers(network.variables[i].cardinality)
    return Encoded(codes, {})


def brute_draws(network, codes, size, rng):
    """Posterior of the first variable under drawn tables, by enumerating the joint."""
    answers = []
    for _ in range(size):
        tables = {name: table.draw(1, rng)[0] for name, table in network.tables.items()}
        joint = enumerate_joint(network, codes, tables=tables)
        first = joint.reshape(joint.shape[0], -1).sum(axis=1)
        answers.append(first / first.sum())
    return np.array(answers)


@pytest.mark.parametrize("seed", range(3))
def test_delta_is_close_to_brute_force_monte_carlo_with_solid_rows(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_variables=4)
    encoded = encoded_of(network, rng, 2)
    found = certainty(network, compile_network(network), encoded, "V0", method="delta")
    drawn = brute_draws(network, encoded.codes, 500, rng)
    assert np.sqrt(found.variance) == pytest.approx(drawn.std(axis=0), rel=0.25, abs=3e-3)
    assert found.interval == pytest.approx(
        np.quantile(drawn, [0.025, 0.975], axis=0).T, abs=0.05
    )


@pytest.mark.parametrize("seed", range(2))
def test_monte_carlo_agrees_with_brute_force(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_variables=4)
    encoded = encoded_of(network, rng, 2)
    found = certainty(
        network, compile_network(network), encoded, "V0", method="monte carlo", draws=1500,
        rng=rng,
    )  # fmt: skip
    drawn = brute_draws(network, encoded.codes, 500, rng)
    assert found.interval == pytest.approx(
        np.quantile(drawn, [0.025, 0.975], axis=0).T, abs=0.05
    )
    top = np.bincount(drawn.argmax(axis=1), minlength=len(found.mean)) / len(drawn)
    assert found.top == pytest.approx(top, abs=0.1)


def star(strength, rates=(0.9, 0.2), tie=False):
    """Return two types with two findings; with `tie` both findings share their rows."""
    states = ("no", "yes")
    variables = (
        Variable("tumour", ("A", "B"), role="tumour"),
        Variable("f", states),
        Variable("g", states),
    )
    rows = tuple(Row(np.array([1 - r, r]) * strength, "counts") for r in rates)
    again = rows if tie else tuple(Row(r.alpha.copy(), "counts") for r in rows)
    index = np.array([0, 1])
    prior = Row(np.array([50.0, 50.0]), "definition")
    tables = {
        "tumour": Table("tumour", (), (prior,), np.array(0)),
        "f": Table("f", ("tumour",), rows, index),
        "g": Table("g", ("tumour",), again, index),
    }
    return Network("star", "test", variables, tables)


def test_a_shared_row_moves_all_its_places_together():
    """Two findings on one pair of rows: ln odds = 2 ln(p/q), so the variance is that of
    2 ln(p/q), four terms where independent rows have two."""
    encoded = Encoded(np.array([-1, 1, 1]), {})
    spread = {}
    for tie in (False, True):
        network = star(40.0, tie=tie)
        found = certainty(network, compile_network(network), encoded, "tumour", method="delta")
        spread[tie] = found.variance[0]
    assert spread[True] == pytest.approx(2 * spread[False], rel=1e-9)
    # Closed form: q = p^2 / (p^2 + r^2), dq/dp = 2 q (1 - q) / p, var(p) = p (1 - p) / (N + 1)
    p, r = 0.9, 0.2
    q = p**2 / (p**2 + r**2)
    by_hand = (2 * q * (1 - q)) ** 2 * ((1 - p) / p + (1 - r) / r) / 41
    assert spread[True] == pytest.approx(by_hand, rel=1e-9)


def test_tied_rows_are_drawn_once():
    network = star(5.0, tie=True)
    distinct = distinct_rows(network, tuple(network.tables))
    drawn = draw_tables(network, distinct, ("f", "g"), 50, np.random.default_rng(0))
    assert np.array_equal(drawn["f"], drawn["g"])
    assert drawn["f"].sum(axis=-1) == pytest.approx(1.0)


def test_thin_rows_lead_to_monte_carlo_and_it_says_so():
    network = star(2.0)
    encoded = Encoded(np.array([-1, 1, -1]), {})
    found = certainty(network, compile_network(network), encoded, "tumour")
    assert found.method == "monte carlo"
    assert "fewer than 3 cases" in found.reason
    solid = star(200.0)
    found = certainty(solid, compile_network(solid), encoded, "tumour")
    assert found.method == "delta"


def test_a_posterior_near_one_leads_to_monte_carlo():
    network = star(4.0, rates=(0.97, 0.01))
    encoded = Encoded(np.array([-1, 1, 1]), {})
    found = certainty(network, compile_network(network), encoded, "tumour")
    assert found.method == "monte carlo"
    assert "0 or 1" in found.reason
    assert found.interval[0, 0] <= found.mean[0] <= found.interval[0, 1]


def test_shares_add_up_and_go_to_the_study_that_carries_them():
    network = star(40.0)
    row = network.tables["f"].rows[1]
    study = Study("smith2001", (("yes", 8),), 40, effective_n=30.0)
    rows = (network.tables["f"].rows[0], Row(row.alpha, "counts", studies=(study,)))
    tables = {**network.tables, "f": Table("f", ("tumour",), rows, np.array([0, 1]))}
    network = Network("star", "test", network.variables, tables)
    found = certainty(
        network, compile_network(network), Encoded(np.array([-1, 1, -1]), {}), "tumour",
        method="delta",
    )  # fmt: skip
    assert sum(s.share for s in found.shares) == pytest.approx(1.0)
    assert sum(s.share for s in found.sources) == pytest.approx(1.0)
    # The row of B carries (1 - r)/r against (1 - p)/p; three quarters of it is the study's.
    of_row = ((1 - 0.2) / 0.2) / ((1 - 0.2) / 0.2 + (1 - 0.9) / 0.9)
    assert found.sources[0].source == "smith2001"
    assert found.sources[0].share == pytest.approx(of_row * 30 / 40)
    assert found.shares[0].share_after(41) == pytest.approx(of_row / 2)


def test_barren_tables_do_not_matter():
    network = star(20.0)
    encoded = Encoded(np.array([-1, 1, -1]), {})
    assert relevant_tables(network, encoded, "tumour") == ("tumour", "f")


def test_beta_interval_has_the_moments_it_was_given():
    from scipy.stats import beta

    low, high = beta_interval(np.array([0.3]), np.array([0.01]))[0]
    k = 0.3 * 0.7 / 0.01 - 1
    assert beta(0.3 * k, 0.7 * k).cdf(high) - beta(0.3 * k, 0.7 * k).cdf(low) == pytest.approx(0.95)


def test_a_wrong_variance_formula_would_be_noticed():
    """With N instead of N + 1 the closed form of the tied star fails."""
    network = star(10.0)
    encoded = Encoded(np.array([-1, 1, -1]), {})
    found = certainty(network, compile_network(network), encoded, "tumour", method="delta")
    p, r = 0.9, 0.2
    q = p / (p + r)
    right = (q * (1 - q)) ** 2 * ((1 - p) / p + (1 - r) / r) / 11
    assert found.variance[0] == pytest.approx(right)
    assert found.variance[0] != pytest.approx(right * 11 / 10)
