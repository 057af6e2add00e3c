"""The cohort engine against closed forms and an independent slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.errors import CaseError
from mesenbayes.treatment import CohortSettings, run_cohort

DEAD = ("dead_of_disease", "dead_other")


def test_exponential_survival_is_exact() -> None:
    """One rate out of one state: S(t) = exp(-h t) at every cycle, whatever the cycle."""
    for cycle in (1.0, 0.25, 1 / 12):
        cohort = run_cohort(
            ("alive", *DEAD), {"alive": 1.0}, [(math.inf, {("alive", "dead_of_disease"): 0.3})],
            CohortSettings(cycle, 10, 0.0), keep_trace=True,
        )  # fmt: skip
        assert cohort.trace is not None
        t = cycle * np.arange(cohort.trace.shape[0])
        np.testing.assert_allclose(cohort.trace[:, 0], np.exp(-0.3 * t), rtol=1e-12)


def test_half_cycle_correction_approaches_the_integral() -> None:
    """Life-years of an exponential over 10 years: (1 - e^(-h 10)) / h."""
    exact = (1 - math.exp(-3)) / 0.3

    def lived(half: bool) -> float:
        run = CohortSettings(0.25, 10, 0.0, half)
        rates = {("alive", "dead_of_disease"): 0.3}
        cohort = run_cohort(("alive", *DEAD), {"alive": 1.0}, [(math.inf, rates)], run)
        return float(cohort.years[0, 0])

    assert lived(True) == pytest.approx(exact, rel=1e-3)
    assert lived(False) > lived(True)


def test_competing_rates_share_the_exits() -> None:
    rates = {("a", "b"): 0.2, ("a", "dead_of_disease"): 0.6}
    cohort = run_cohort(
        ("a", "b", *DEAD), {"a": 1.0}, [(math.inf, rates)], CohortSettings(1, 200, 0.0),
        keep_trace=True,
    )  # fmt: skip
    assert cohort.trace is not None
    assert cohort.trace[-1, 1] == pytest.approx(0.25)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 3), min_size=4, max_size=4),
    st.floats(0, 0.2),
    st.floats(0, 0.1),
    st.sampled_from([0.5, 1.0]),
)
def test_against_matrix_powers(
    rates: list[float], mortality: float, discount: float, cycle: float
) -> None:
    """Slow twin: full transition matrices, one multiplication a cycle, loops for the sums."""
    names = ("a", "b", "c", *DEAD)
    moves = dict(
        zip([("a", "b"), ("a", "c"), ("b", "c"), ("c", "dead_of_disease")], rates, strict=True)
    )
    run = CohortSettings(cycle, 6, discount)
    cohort = run_cohort(
        names, {"a": 0.7, "b": 0.3},
        [(2.0, moves), (math.inf, {m: 2 * r for m, r in moves.items()})],
        run, mortality=np.full(run.cycles, mortality), keep_trace=True,
    )  # fmt: skip

    def matrix(scale: float) -> np.ndarray:
        P = np.eye(5)
        for i, name in enumerate(names[:3]):
            out = {m: scale * r for m, r in moves.items() if m[0] == name}
            total = sum(out.values())
            stay = math.exp(-total * cycle)
            P[i, i] = stay
            for (_, end), rate in out.items():
                P[i, names.index(end)] = (1 - stay) * rate / total if total else 0.0
        Q = np.eye(5)
        for i in range(3):
            Q[i, i], Q[i, 4] = 1 - mortality, mortality
        return P @ Q

    x = np.array([0.7, 0.3, 0, 0, 0])
    lived = np.zeros(5)
    for c in range(run.cycles):
        y = x @ matrix(1.0 if c * cycle < 2.0 else 2.0)
        w0, w1 = (1 + discount) ** -(c * cycle), (1 + discount) ** -((c + 1) * cycle)
        lived += cycle * (w0 * x + w1 * y) / 2
        x = y
    assert cohort.trace is not None
    np.testing.assert_allclose(cohort.trace[-1], x, atol=1e-12)
    np.testing.assert_allclose(cohort.years.sum(axis=0), lived, atol=1e-10)
    np.testing.assert_allclose(cohort.trace.sum(axis=1), 1, atol=1e-12)


def test_many_models_are_the_models_one_by_one() -> None:
    h = np.array([0.1, 0.2, 0.5])
    run = CohortSettings(0.5, 5, 0.03)
    both = run_cohort(
        ("alive", *DEAD), {"alive": np.ones(3)},
        [(math.inf, {("alive", "dead_of_disease"): h})], run,
    )  # fmt: skip
    for i, rate in enumerate(h):
        rates = {("alive", "dead_of_disease"): float(rate)}
        one = run_cohort(("alive", *DEAD), {"alive": 1.0}, [(math.inf, rates)], run)
        np.testing.assert_allclose(both.years[..., i], one.years)


def test_bad_runs_are_refused() -> None:
    with pytest.raises(CaseError, match="do not sum to 1"):
        run_cohort(("a", *DEAD), {"a": 0.9}, [(math.inf, {})], CohortSettings())
    with pytest.raises(CaseError, match="cannot be run"):
        CohortSettings(cycle_years=0)
