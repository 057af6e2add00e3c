"""Studies of one cell: grouping, overlap, spreading, and what each counts for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesenbayes.evidence.between_study import (
    BetweenStudy,
    fit_between_study,
    intra_class_correlation,
)
from mesenbayes.evidence.pooling import StudyCounts, effective_counts, studies_of
from mesenbayes.evidence.records import Count

TRUST = {"primary": 1.0, "derived": 0.7, "secondary": 0.5, "tertiary": 0.3}
YES_NO = ("absent", "present")


def row(k: int, n: int, state: str = "present", **other: str) -> Count:
    fields = {"source_id": "A2000", "trust": "primary", "tumour": "GIST", "finding": "DOG1"}
    return Count(state=state, k=k, n=n, **(fields | other))  # type: ignore[arg-type]


def study(k: float, n: int, weight: float = 1.0) -> StudyCounts:
    return StudyCounts("A", np.array([n - k, k]), n, weight)


# ------------------------------------------------------------------ what a study counts for


def test_effective_n_is_the_design_effect_of_a_cluster_sample() -> None:
    # 10 / (1 + 9 * 0.25) = 10 / 3.25, times the weight
    assert study(4, 10, weight=0.5).effective_n(0.25) == pytest.approx(0.5 * 10 / 3.25)
    assert study(4, 10).effective_n(0.0) == 10
    assert study(4, 10).effective_n(1.0) == pytest.approx(1.0)


@given(st.integers(1, 10_000), st.floats(0.01, 0.99))
def test_no_study_counts_for_more_than_its_cases_or_one_over_rho(n: int, rho: float) -> None:
    assert study(0, n).effective_n(rho) <= min(n, 1 / rho) * (1 + 1e-12)


def test_a_thousand_cases_of_one_laboratory_are_less_than_ten_of_a_hundred() -> None:
    rho = 0.1
    assert study(500, 1000).effective_n(rho) < 1 / rho
    assert 10 * study(50, 100).effective_n(rho) > 9 * study(500, 1000).effective_n(rho)


def test_effective_counts_add_up_over_studies() -> None:
    studies = [study(4, 10), study(9, 10, weight=0.5)]
    expected = sum(s.effective_n(0.2) * s.proportions for s in studies)
    np.testing.assert_allclose(effective_counts(studies, 0.2, 2), expected)
    np.testing.assert_array_equal(effective_counts([], 0.2, 3), np.zeros(3))


# ------------------------------------------------------------------ grouping into studies


def test_an_excluded_row_is_no_study() -> None:
    assert studies_of([row(5, 10, exclude="same cases")], YES_NO, TRUST) == []


def test_of_an_overlap_group_the_largest_series_speaks_alone() -> None:
    rows = [
        row(5, 10, source_id="small", overlap="archive"),
        row(30, 40, source_id="large", overlap="archive"),
        row(7, 12, source_id="other"),
    ]
    found = studies_of(rows, YES_NO, TRUST)
    assert [s.source_id for s in found] == ["large", "other"]
    assert found[0].counts.tolist() == [10, 30]


def test_without_an_overlap_group_both_would_count() -> None:
    rows = [row(5, 10, source_id="small"), row(30, 40, source_id="large")]
    assert len(studies_of(rows, YES_NO, TRUST)) == 2


def test_a_study_weighs_as_its_least_trusted_row() -> None:
    rows = [row(3, 10), row(7, 10, state="absent", trust="secondary")]
    (found,) = studies_of(rows, YES_NO, TRUST)
    assert found.weight == 0.5
    assert found.counts.tolist() == [7, 3]


def test_subgroups_of_one_source_are_studies_of_their_own() -> None:
    rows = [row(3, 10, subgroup="gastric"), row(9, 10, subgroup="small bowel")]
    assert len(studies_of(rows, YES_NO, TRUST)) == 2


# ------------------------------------------------------------------ spreading


def test_the_rest_of_a_yes_no_study_is_the_other_state() -> None:
    (found,) = studies_of([row(3, 10)], YES_NO, TRUST)
    assert found.counts.tolist() == [7, 3]
    assert found.is_complete


def test_unsplit_cases_are_spread_as_the_other_studies_find_them() -> None:
    states = ("spindle", "epithelioid", "mixed")
    complete = [row(50, 100, "spindle"), row(40, 100, "epithelioid"), row(10, 100, "mixed")]
    partial = row(50, 100, "spindle", source_id="B2001")
    full, spread = studies_of([*complete, partial], states, TRUST)
    assert full.is_complete
    assert not spread.is_complete
    assert spread.counts.sum() == pytest.approx(100)
    # EM: among the rest, epithelioid to mixed is 4 to 1, as in the study that splits.
    assert spread.counts[1] / spread.counts[2] == pytest.approx(4, rel=0.05)


def test_given_proportions_to_spread_by_are_used() -> None:
    states = ("a", "b", "c")
    (found,) = studies_of([row(4, 10, "a")], states, TRUST, rest=np.array([0.2, 0.6, 0.2]))
    np.testing.assert_allclose(found.counts, [4, 4.5, 1.5], atol=0.02)


def test_categories_that_overlap_are_scaled_to_the_cases() -> None:
    states = ("a", "b")
    (found,) = studies_of([row(8, 10, "a"), row(8, 10, "b")], states, TRUST)
    assert found.counts.tolist() == [5, 5]


# ------------------------------------------------------------------ rho


def test_two_studies_of_all_or_nothing_disagree_as_much_as_can_be() -> None:
    assert intra_class_correlation([[study(0, 50), study(50, 50)]], 0.01) == 0.9


def test_agreeing_studies_and_no_studies_return_the_floor() -> None:
    assert intra_class_correlation([[study(5, 10), study(5, 10)]], 0.05) == 0.05
    assert intra_class_correlation([[study(5, 10)]], 0.05) == 0.05
    assert intra_class_correlation([], 0.05) == 0.05


def test_rho_of_two_studies_by_hand() -> None:
    # p = 0.5, v = 2 * 0.25; q = 2 * 10 * 2 * 0.04 = 1.6 for rates 0.3 and 0.7 of 10 cases
    # rho = (q - v (S - 1)) / (v (N - sum n^2 / N - (S - 1))) = 1.1 / (0.5 * 9)
    found = intra_class_correlation([[study(3, 10), study(7, 10)]], 0.01)
    assert found == pytest.approx(1.1 / 4.5)


def test_rho_follows_the_rate() -> None:
    between = BetweenStudy(0.02, 0.8)
    assert between.rho(np.array([1.0, 0.0])) == pytest.approx(0.02)
    assert between.rho(np.array([0.5, 0.5])) == pytest.approx(0.02 + 0.8 / 4)
    # Three states: half of sum p (1 - p) = (0.25 + 0.1875 + 0.1875) / 2
    assert between.rho(np.array([0.5, 0.25, 0.25])) == pytest.approx(0.02 + 0.8 * 0.3125)
    assert BetweenStudy(0.5, 9.0).rho(np.array([0.5, 0.5])) == 0.9


def test_rho_of_a_cell_is_that_of_its_own_rate() -> None:
    between = BetweenStudy(0.02, 0.8)
    assert between.rho_of([]) == between.rho_of([study(0, 0)] * 0) == 0.02
    few, many = between.rho_of([study(0, 5)]), between.rho_of([study(0, 500)])
    assert 0.02 < many < few < between.rho(np.array([0.5, 0.5]))
    # At the fixed point the rate is that of the effective counts and one case spread evenly.
    worth = study(0, 500).effective_n(many)
    share = 0.5 / (worth + 1)
    assert many == pytest.approx(between.rho(np.array([1 - share, share])), rel=1e-6)


def test_without_two_studies_of_a_cell_the_fit_stays_where_it_starts() -> None:
    assert fit_between_study([[study(5, 10)]]) == fit_between_study([])
    assert fit_between_study([]).rho_0 == pytest.approx(0.02)
