"""Intervals of a rate, against printed values and against simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mesenbayes.evidence.intervals import beta_interval, prediction_interval, wilson_interval


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # Newcombe, Stat Med 17:857 (1998), table I, method 3 (score without correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_printed_by_newcombe(k: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_mirrors_and_holds_the_rate(k_n: tuple[int, int]) -> None:
    k, n = k_n
    low, high = wilson_interval(k, n)
    assert 0 <= low <= k / n <= high <= 1
    mirrored = wilson_interval(n - k, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (3, 2), (-1, 5)])
def test_what_is_no_rate_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        wilson_interval(k, n)


def test_beta_interval_is_scipys_and_a_point_at_the_ends() -> None:
    assert beta_interval(3, 9) == pytest.approx(stats.beta(3, 9).interval(0.95))
    assert beta_interval(0, 5) == (0, 0)
    assert beta_interval(5, 0) == (1, 1)


def test_one_more_laboratory_scatters_by_rho_however_much_is_known() -> None:
    a, b, rho = 9000.0, 1000.0, 0.1
    low, high = prediction_interval(a, b, rho)
    assert (low, high) == pytest.approx(stats.beta(0.9 * 9, 0.1 * 9).interval(0.95))
    inner = beta_interval(a, b)
    assert low < inner[0]
    assert inner[1] < high
    # A cell that is worth 3 cases is not known to a precision of 9.
    assert prediction_interval(2, 1, rho) == pytest.approx(beta_interval(2, 1))


def test_the_prediction_interval_covers_laboratories_drawn_from_the_model() -> None:
    rng = np.random.default_rng(5)
    rho, mean = 0.08, 0.7
    precision = 1 / rho - 1
    rates = rng.beta(mean * precision, (1 - mean) * precision, 20_000)
    low, high = prediction_interval(mean * 1e6, (1 - mean) * 1e6, rho)
    assert ((rates > low) & (rates < high)).mean() == pytest.approx(0.95, abs=0.01)
