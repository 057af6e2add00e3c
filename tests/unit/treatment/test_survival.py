"""Survival curves from printed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesenbayes.errors import CaseError
from mesenbayes.treatment.survival import (
    Weibull,
    exponential_rate,
    fit_weibull,
    weibull_arms,
    weibull_through,
)


def test_exponential() -> None:
    assert exponential_rate(median=10) == pytest.approx(math.log(2) / 10)
    assert math.exp(-5 * exponential_rate(survival=0.656, at=5)) == pytest.approx(0.656)


@given(st.floats(0.3, 4), st.floats(0.5, 50))
def test_two_points_give_the_curve_back(shape: float, scale: float) -> None:
    truth = Weibull(shape, scale)
    t1, t2 = truth.quantile(0.8), truth.quantile(0.3)
    found = weibull_through(t1, 0.8, t2, 0.3)
    assert found.shape == pytest.approx(shape, rel=1e-6)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert weibull_through(1, 0.9, 2, 0.81).shape == pytest.approx(1)  # exponential


def test_fit_recovers_a_curve_and_its_mean() -> None:
    truth = Weibull(1.4, 20.0)
    t = np.array([5.0, 10, 20, 40])
    found = fit_weibull(t, truth.survival(t))
    assert (found.shape, found.scale) == pytest.approx((1.4, 20.0), rel=1e-6)
    grid = np.linspace(0, 400, 400_001)
    assert np.trapezoid(truth.survival(grid), grid) == pytest.approx(truth.mean, rel=1e-4)


def test_contradictions_are_refused() -> None:
    with pytest.raises(CaseError, match="contradict"):
        weibull_arms(4.2, 1.5, 1.8)
    with pytest.raises(CaseError, match="do not fix"):
        weibull_through(5, 0.5, 10, 0.6)
