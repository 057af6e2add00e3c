"""The four-class model of expression, against simulation, closed forms and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from mesenbayes.evidence.mixture import (
    CLASSES,
    BetaMixture,
    classes_of_unstudied,
    fit_beta_mixture,
    fit_lineage_weight,
    log_beta_binomial,
    with_relatives,
)

TRUTH = BetaMixture(
    a=np.array([0.5, 2.0, 4.0, 12.0]),
    b=np.array([60.0, 20.0, 7.0, 1.5]),
    weights=np.array([0.4, 0.2, 0.2, 0.2]),
)


@pytest.fixture(scope="module")
def fitted() -> BetaMixture:
    rng = np.random.default_rng(1)
    z = rng.choice(4, 6000, p=TRUTH.weights)
    n = rng.integers(10, 80, len(z)).astype(float)
    k = rng.binomial(n.astype(int), rng.beta(TRUTH.a[z], TRUTH.b[z])).astype(float)
    return fit_beta_mixture(k, n)


def test_simulated_components_and_weights_are_recovered(fitted: BetaMixture) -> None:
    np.testing.assert_allclose(
        fitted.a / (fitted.a + fitted.b), TRUTH.a / (TRUTH.a + TRUTH.b), atol=0.04
    )
    np.testing.assert_allclose(fitted.weights, TRUTH.weights, atol=0.06)
    assert fitted.weights.sum() == pytest.approx(1)


def test_the_fit_is_deterministic() -> None:
    k, n = np.array([0.0, 1, 9, 10, 5]), np.array([10.0, 10, 10, 10, 10])
    first, second = fit_beta_mixture(k, n), fit_beta_mixture(k, n)
    np.testing.assert_array_equal(first.a, second.a)
    np.testing.assert_array_equal(first.weights, second.weights)


def test_with_few_cells_the_components_stay_proper_and_in_order() -> None:
    fit = fit_beta_mixture(np.array([0.0, 10.0]), np.array([10.0, 10.0]))
    means = fit.a / (fit.a + fit.b)
    assert (fit.a > 0).all()
    assert (fit.b > 0).all()
    assert (np.diff(means) > 0).all()
    assert means[0] < 0.02
    assert means[-1] > 0.8


def test_the_beta_binomial_is_scipys_without_its_coefficient() -> None:
    k, n, a, b = 3, 11, 0.7, 4.2
    coefficient = stats.binom(n, 0.5).logpmf(k) - n * np.log(0.5)
    ours = log_beta_binomial(np.array(k), np.array(n), np.array(a), np.array(b))
    assert ours + coefficient == pytest.approx(stats.betabinom(n, a, b).logpmf(k))


def test_responsibilities_are_bayes_rule() -> None:
    k, n = np.array([0.0, 7.5]), np.array([12.0, 8.0])
    weighted = np.array(
        [
            [w * np.exp(log_beta_binomial(np.array(x), np.array(m), a, b))
             for w, a, b in zip(TRUTH.weights, TRUTH.a, TRUTH.b, strict=True)]
            for x, m in zip(k, n, strict=True)
        ]
    )  # fmt: skip
    expected = weighted / weighted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(TRUTH.responsibility(k, n), expected, rtol=1e-12)


def test_moments_of_a_cell_are_those_of_the_mixture_by_integration() -> None:
    p, k, n = np.array([0.6, 0.1, 0.1, 0.2]), 2.5, 6.0
    mean, strength = TRUTH.moments(p, k, n)

    def density(x: float) -> float:
        return float(p @ stats.beta(TRUTH.a + k, TRUTH.b + n - k).pdf(x))

    first = quad(lambda x: x * density(x), 0, 1, limit=200)[0]
    second = quad(lambda x: x * x * density(x), 0, 1, limit=200)[0]
    assert mean == pytest.approx(first, rel=1e-6)
    assert mean * (1 - mean) / (strength + 1) == pytest.approx(second - first**2, rel=1e-5)


def test_an_unstudied_cell_follows_the_formula_exactly() -> None:
    # r (1 - s) / (s unstudied) with s = 3/4: a third of what was found, over 30 cells
    r = np.array([5.0, 0.9, 2.7, 6.0])
    p = classes_of_unstudied(r, unstudied=30, share_found=0.75)
    np.testing.assert_allclose(p[1:], r[1:] / 3 / 30)
    assert p.sum() == pytest.approx(1)


def test_a_marker_found_once_stays_rare_and_one_found_everywhere_is_not_certain() -> None:
    rare = classes_of_unstudied(np.array([2.0, 0, 0, 0.01]), 40, 0.75)
    common = classes_of_unstudied(np.array([0.0, 0, 0, 400]), 5, 0.75)
    np.testing.assert_array_equal(rare[1:], 0.002)
    assert common[3] == 0.3
    assert common[0] == pytest.approx(1 - 0.3 - 0.004)


def test_relatives_vote() -> None:
    p, lineage = np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.0, 0.0, 0.0, 2.0])
    np.testing.assert_allclose(with_relatives(p, lineage, 2.0, 2.0), [0.35, 0.05, 0.05, 0.55])
    np.testing.assert_allclose(with_relatives(p, np.zeros(4), 0.0, 3.0), p)


def test_relatives_weigh_much_where_lineages_agree_and_little_where_they_do_not() -> None:
    rng = np.random.default_rng(2)
    silent, expressing = np.eye(4)[0], np.eye(4)[3]
    p = np.tile([0.6, 0.1, 0.1, 0.2], (400, 1))
    truth = rng.random(400) < 0.25
    likelihood = np.where(truth[:, None], expressing, silent) + 1e-3
    n = np.full(400, 4.0)
    alike = 4 * np.where(truth[:, None], expressing, silent)
    shuffled = alike[rng.permutation(400)]
    assert fit_lineage_weight(p, alike, n, likelihood) <= 1
    assert fit_lineage_weight(p, shuffled, n, likelihood) >= 16


def test_the_classes_are_named_in_order_of_rate(fitted: BetaMixture) -> None:
    assert CLASSES == ("silent", "occasional", "variable", "expressing")
    assert (np.diff(fitted.a / (fitted.a + fitted.b)) > 0).all()
