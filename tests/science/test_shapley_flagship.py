"""The balance sheet on the flagship: additive, with studies, robust to the order of findings."""

from __future__ import annotations

import numpy as np
import pytest

CASE = {
    "site": "stomach", "age": 60, "morphology": "spindle", "CD117": "positive",
    "DOG1": "positive", "CD34": "positive", "S100": "focal", "desmin": "negative",
}  # fmt: skip


def test_weights_add_up_to_the_change_of_the_odds(flagship):
    answer = flagship.diagnose(CASE)
    states = flagship.variable("tumour").states
    p = answer.probabilities
    nothing = np.full((1, len(flagship.variables)), -1)
    prior = flagship.compiled.run(nothing, targets=("tumour",)).posterior["tumour"][0]
    for sheet in answer.balance:
        if sheet.rival not in states:
            continue
        lead, rival = states.index(sheet.leading), states.index(sheet.rival)
        change = 10 * np.log10(p[lead] / p[rival] / (prior[lead] / prior[rival]))
        assert sum(w.shapley for w in sheet.weights) == pytest.approx(change, abs=1e-6)


def test_the_order_in_which_findings_are_stated_does_not_matter(flagship):
    forward = flagship.diagnose(CASE).balance[0]
    backward = flagship.diagnose(dict(reversed(CASE.items()))).balance[0]
    assert {w.variable: round(w.shapley, 8) for w in forward.weights} == {
        w.variable: round(w.shapley, 8) for w in backward.weights
    }


def test_weights_link_to_studies_of_that_finding_in_that_tumour(flagship):
    sheet = flagship.diagnose(CASE).balance_against(["SCHW"])[0]
    weights = {w.variable: w for w in sheet.weights}
    of_gist, of_schwannoma = weights["S100"].support
    assert (of_gist.diagnosis, of_schwannoma.diagnosis) == ("GIST", "SCHW")
    assert of_gist.table == "S100_expression"
    assert of_schwannoma.source_ids
    assert weights["S100"].p_leading < weights["S100"].p_rival
    assert weights["S100"].shapley < 0
    assert "S100" in {w.variable for w in sheet.against}
    # One finding alone against one rival is the likelihood ratio.
    ratio = 10 * np.log10(weights["CD117"].p_leading / weights["CD117"].p_rival)
    assert weights["CD117"].alone == pytest.approx(ratio, abs=0.5)


def test_a_gene_and_its_stand_in_stain_are_named_redundant(flagship):
    """MDM2 is stained because it is amplified: the second of the two says little more."""
    answer = flagship.diagnose(
        {"site": "retroperitoneum", "MDM2_amplification": "present", "MDM2": "positive"}
    )
    sheet = answer.balance_against(["LMS"])[0]
    pairs = {frozenset((i.first, i.second)): i.kind for i in sheet.interactions}
    assert pairs[frozenset(("MDM2_amplification", "MDM2"))] == "redundancy"
