"""None of the modelled diagnoses: the study runs and its outcome points the right way.

The figures of the full study stand in docs/none_of_these.md, written by
``mesenbayes none-of-these``; here a small part of it guards the behaviour.
"""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.diagnosis.none_of_these import (
    _complementary,
    one_disease,
    study_none_of_these,
    without,
)


@pytest.fixture(scope="module")
def study(flagship):
    return study_none_of_these(
        flagship.builder, flagship, cases=8, tumours=["ES"],
        rng=np.random.default_rng(1),
    )  # fmt: skip


def test_the_left_out_tumour_is_gone_with_its_evidence(flagship):
    network = without(flagship.builder, ["ES"])
    assert "ES" not in network.variable("tumour").states
    assert "OTHER" in network.variable("tumour").states
    assert len(network.variables) == len(flagship.variables)


def test_what_only_its_place_tells_apart_is_one_disease(flagship):
    structure = flagship.builder.structure
    assert set(one_disease(structure, "ULM")) == {"LM", "ULM"}
    assert set(one_disease(structure, "LMS")) == {"LMS", "ULMS"}
    assert one_disease(structure, "IFP") == ("IFP",)  # has no code of its own


def test_distinctive_tumours_left_out_are_mostly_noticed(study):
    judged = [f for f in study.left_out if f.judged]
    assert judged
    assert study.detection > 0.6
    for flags in judged:
        assert flags.either <= flags.judged
        assert max(flags.none, flags.misfit) <= flags.either <= flags.none + flags.misfit


def test_every_case_left_out_stands_in_one_line_by_distinctiveness(study):
    lines = study.by_distinctiveness()
    assert sum(n for *_, n in lines) == sum(f.judged for f in study.left_out)
    assert sum(k for *_, k, _ in lines) == sum(f.either for f in study.left_out)


def test_modelled_tumours_are_rarely_called_none(study):
    assert study.false_alarm <= 0.25  # 8 cases; the page has the real figure


def test_the_page_states_what_was_measured(study):
    from mesenbayes.cli.none_of_these import as_page

    page = as_page(study, "0", "d", "command")
    assert f"{study.detection:.1%}" in page
    assert f"{study.false_alarm:.1%}" in page
    assert "| ES |" in page


def test_a_panel_is_chosen_for_what_its_stains_add_to_each_other():
    first = np.array([[0.02, 0.98], [0.98, 0.02], [0.98, 0.02]])
    likelihood = {
        "muscle": first,
        "muscle again": np.array([[0.05, 0.95], [0.95, 0.05], [0.95, 0.05]]),
        "melanocytic": np.array([[0.5, 0.5], [0.15, 0.85], [0.85, 0.15]]),
        "always positive": np.array([[0.01, 0.99]] * 3),
    }
    rng = np.random.default_rng(1)
    assert _complementary(likelihood, 2, rng) == ("muscle", "melanocytic")
    assert set(_complementary(likelihood, 9, rng)) == set(likelihood)
    assert _complementary({}, 2, rng) == ()
