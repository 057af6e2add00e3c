"""Scores judged by fractions, by scikit-learn, by statsmodels and by simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from mesenbayes.cohort.calibration import class_calibration
from mesenbayes.cohort.coverage import interval_coverage
from mesenbayes.cohort.decision_curve import decision_curve, net_benefit, utility_benefit
from mesenbayes.cohort.resample import (
    bootstrap,
    move_prevalence,
    prevalence_vector,
    prevalence_weights,
)
from mesenbayes.cohort.scores import (
    brier_parts,
    brier_score,
    check,
    equal_count_bins,
    log_score,
    surprise,
    top_k,
)
from mesenbayes.errors import CaseError


@pytest.fixture(scope="module")
def forecasts():
    """Two thousand calibrated forecasts over five classes, their outcomes and some weights."""
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.full(5, 0.6), 2000)
    y = (rng.random((2000, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 4)
    return p, y, rng.gamma(2.0, size=2000)


def test_scores_are_fractions_by_hand():
    # Two cases: truth called with 1/2 and 1/4. Log score (ln 2 + ln 4)/2 = 1.5 ln 2.
    p, y = np.array([[1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 4, 1 / 2]]), np.array([0, 1])
    assert_allclose(log_score(p, y), 1.5 * np.log(2))
    # Brier: 1/4 + 1/16 + 1/16 = 6/16 and 1/16 + 9/16 + 4/16 = 14/16.
    assert_allclose(brier_score(p, y), (6 / 16 + 14 / 16) / 2)
    assert top_k(p, y, 1) == 0.5
    assert top_k(p, y, 2) == 0.5  # tied with the class before it: third, not second
    assert top_k(p, y, 3) == 1
    assert log_score(np.array([[0.0, 1.0]]), np.array([0])) == np.inf


def test_scikit_learn_agrees(forecasts):
    metrics = pytest.importorskip("sklearn.metrics")
    p, y, w = forecasts
    labels = list(range(5))
    assert_allclose(log_score(p, y, w), metrics.log_loss(y, p, labels=labels, sample_weight=w))
    assert_allclose(
        brier_score(p, y, w),
        metrics.brier_score_loss(y, p, labels=labels, sample_weight=w, scale_by_half=False),
    )
    for k in (1, 3):
        ours = top_k(p, y, k, w)
        theirs = metrics.top_k_accuracy_score(y, p, k=k, labels=labels, sample_weight=w)
        assert_allclose(ours, theirs)


def test_scikit_learn_agrees_on_calibration(forecasts):
    calibration_curve = pytest.importorskip("sklearn.calibration").calibration_curve
    p, y, _ = forecasts
    ours = class_calibration(p[:, 0], y == 0, "a", bins=10)
    observed, predicted = calibration_curve(y == 0, p[:, 0], n_bins=10, strategy="quantile")
    assert_allclose(ours.predicted, predicted, atol=2e-3)  # edges fall between other cases
    assert_allclose(ours.observed, observed, atol=1e-2)


def test_logistic_recalibration_agrees_with_scikit_learn(forecasts):
    linear = pytest.importorskip("sklearn.linear_model")
    p, y, w = forecasts
    q = np.clip(p[:, 1], 1e-9, 1 - 1e-9)
    x = np.log(q / (1 - q))[:, None]
    judge = linear.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    judge.fit(x, y == 1, sample_weight=w / w.mean())
    ours = class_calibration(p[:, 1], y == 1, "b", w)
    assert_allclose(ours.slope, judge.coef_[0, 0], rtol=1e-4)
    assert_allclose(ours.intercept, judge.intercept_[0], atol=1e-4)


def test_the_parts_of_the_brier_score_add_up(forecasts):
    p, y, w = forecasts
    for weights in (None, w):
        parts = brier_parts(p, y, weights)
        assert_allclose(parts.total, brier_score(p, y, weights), rtol=1e-12)
        assert parts.reliability < 0.01 < parts.resolution
    # Forecasts of few different values fall into bins without variance: Murphy's three terms.
    coarse = 0.1 + 0.5 * (p[:, :1] > 0.2)
    coarse = np.hstack([coarse, 1 - coarse])
    assert_allclose(brier_parts(coarse, (y != 0).astype(int)).within_bins, 0, atol=1e-12)


def test_equal_values_are_never_torn_apart():
    values = np.array([0.0] * 70 + [0.5] * 20 + [1.0] * 10)
    bins = equal_count_bins(values, 10)
    assert [len(b) for b in bins] == [70, 20, 10]
    assert sorted(np.concatenate(bins)) == list(range(100))


def test_calibrated_forecasts_pass_and_overconfident_ones_fail(forecasts):
    p, y, _ = forecasts
    assert surprise(p, y).is_consistent
    sharper = p**2 / (p**2).sum(axis=1, keepdims=True)
    assert surprise(sharper, y).z > 5
    assert class_calibration(sharper[:, 0], y == 0, "a").slope < 0.7
    blunter = p**0.5 / (p**0.5).sum(axis=1, keepdims=True)
    assert surprise(blunter, y).z < -5
    assert class_calibration(blunter[:, 0], y == 0, "a").slope > 1.4


def test_net_benefit_case_by_case(forecasts):
    p, y, w = forecasts
    thresholds = np.array([0.1, 0.35, 0.8])
    for weights in (None, w):
        curve = decision_curve(p[:, 2], y == 2, w=weights, thresholds=thresholds)
        used = np.ones(len(y)) if weights is None else weights
        for t, ours, everyone in zip(thresholds, curve.model, curve.treat_all, strict=True):
            tp = fp = 0.0
            for forecast, outcome, weight in zip(p[:, 2], y == 2, used, strict=True):
                if forecast >= t:
                    tp, fp = tp + weight * outcome, fp + weight * (not outcome)
            assert_allclose(ours, (tp - fp * t / (1 - t)) / used.sum())
            prevalence = used[y == 2].sum() / used.sum()
            assert_allclose(everyone, prevalence - (1 - prevalence) * t / (1 - t))


def test_a_threshold_equal_to_a_forecast_treats():
    assert_allclose(net_benefit(np.array([0.5]), np.array([True]), np.array([0.5])), [1.0])


def test_utilities_of_two_options_reduce_to_the_net_benefit(forecasts):
    # U(treat, case) = 1, U(treat, other) = -t/(1 - t), U(wait, .) = 0: treat when p >= t.
    p, y, _ = forecasts
    q = np.stack([p[:, 0], 1 - p[:, 0]], axis=1)
    truth = (y != 0).astype(int)
    for t in (0.2, 0.6):
        utility = np.array([[0.0, 0.0], [1.0, -t / (1 - t)]])
        benefit = utility_benefit(q, truth, utility, ["wait", "treat"])
        expected = net_benefit(p[:, 0], y == 0, np.array([t]))[0]
        assert_allclose(benefit.chosen, expected, atol=1e-12)
        assert benefit.same_for_all["wait"] == 0
        assert_allclose(benefit.perfect, np.mean(y == 0))


def test_the_network_that_knows_nothing_is_worth_nothing():
    rng = np.random.default_rng(3)
    y = rng.random(5000) < 0.3
    curve = decision_curve(np.full(5000, 0.3), y)
    assert_allclose(curve.model, np.maximum(curve.treat_all, 0), atol=0.02)


def test_weights_make_the_scores_of_another_population():
    # A sample half and half, a population 9 to 1; the score is 0.9 of one class's and 0.1 of the
    # other's.
    p = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])
    y = np.array([0, 0, 1, 1])
    w = prevalence_weights(y, prevalence_vector({"a": 0.9}, ["a", "b"]))
    expected = 0.9 * log_score(p[:2], y[:2]) + 0.1 * log_score(p[2:], y[2:])
    assert_allclose(log_score(p, y, w), expected)


def test_moving_the_prevalence_is_bayes_theorem():
    # p(a | x) = 1/2 at prevalence 1/2, so LR = 1, so 9/10 at prevalence 9/10.
    moved = move_prevalence(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.9, 0.1]))
    assert_allclose(moved, [[0.9, 0.1]])


@pytest.mark.parametrize(
    ("shares", "reason"),
    [({"GSIT": 0.5}, "unknown class 'GSIT'; did you mean GIST"), ({"GIST": 1.5}, "between 0 and 1"),
     ({"GIST": 0.7, "LM": 0.7}, "add up to 1.4")],
)  # fmt: skip
def test_an_impossible_prevalence_is_refused(shares, reason):
    with pytest.raises(CaseError, match=reason):
        prevalence_vector(shares, ["GIST", "LM", "SCHW"])


def test_the_bootstrap_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(100):
        q = rng.beta(2, 2, 80)
        y = (rng.random(80) >= q).astype(int)
        p = np.stack([q, 1 - q], axis=1)
        ((low, high),) = bootstrap(
            lambda p, y, w: np.array([brier_score(p, y, w)]), p, y, np.ones(80),
            resamples=150, rng=rng,
        )  # fmt: skip
        # E[sum (p - o)^2] = 2 E[q (1 - q)] = 2 (1/2 - (1/4 + 1/20)) = 0.4 for Beta(2, 2).
        inside += low <= 0.4 <= high
    assert 0.86 <= inside / 100 <= 0.99


def test_intervals_that_are_honest_are_covered_and_wrong_ones_are_not():
    rng = np.random.default_rng(6)
    q = rng.beta(1, 1, 20_000)
    shift = rng.normal(0, 0.05)  # the network errs by this much everywhere, in log odds x 10
    said = expit(np.log(q / (1 - q)) + shift)
    y = (rng.random(20_000) >= q).astype(int)
    p = np.stack([said, 1 - said], axis=1)
    honest = np.stack([np.clip(p - 0.05, 0, 1), np.clip(p + 0.05, 0, 1)], axis=-1)
    assert interval_coverage(p, honest, y).inside == 1
    elsewhere = np.clip(honest + 0.3 * (p < 0.5)[..., None] - 0.3 * (p >= 0.5)[..., None], 0, 1)
    assert interval_coverage(p, elsewhere, y).compatible < 0.5


@pytest.mark.parametrize(
    ("p", "y", "w", "reason"),
    [
        ([[0.5, 0.5]], [0, 1], None, "do not go with 2 outcomes"),
        ([[0.5, 0.6]], [0], None, "add up to 1"),
        ([[0.5, 0.5]], [2], None, "none of the classes"),
        ([[0.5, 0.5]], [0], [0.0], "not all 0"),
    ],
)
def test_what_is_no_forecast_is_refused(p, y, w, reason):
    with pytest.raises(CaseError, match=reason):
        check(np.array(p), np.array(y), None if w is None else np.array(w))
