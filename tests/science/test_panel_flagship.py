"""Panels, value and the stop rule on real networks against recomputation by the engine."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

SARCOMA = {"site": "retroperitoneum", "age": 60, "morphology": "spindle"}
GASTRIC = {"site": "stomach", "age": 60, "size_cm": 6, "mitoses_per_5mm2": 3}


def engine_information(network, answer, tests):
    """Mutual information of the tumour and some tests, one posterior an outcome."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    states = [range(network.variable(t).cardinality) for t in tests]
    outcomes = list(product(*states))
    codes, likelihoods = answer.encoded.batch(len(outcomes))
    for row, outcome in enumerate(outcomes):
        for test, state in zip(tests, outcome, strict=True):
            codes[row, position[test]] = state
    result = network.compiled.run(codes, likelihoods, targets=("tumour",))
    base = network.compiled.run(*answer.encoded.batch()).log_evidence[0]
    p = np.exp(result.log_evidence - base)
    joint = p[:, None] * result.posterior["tumour"]
    assert p.sum() == pytest.approx(1, abs=1e-9)
    product_ = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    inside = joint > 0
    return float((joint[inside] * np.log2(joint[inside] / product_[inside])).sum())


def test_bits_of_panels_are_those_of_the_engine(flagship):
    """Also for a gene and its stand-in stain, which are not independent given the tumour."""
    answer = flagship.diagnose(SARCOMA)
    plan = answer.workup
    from mesenbayes.workup.value import by_target, information, joint_with_classes

    for tests in (("CD34",), ("MDM2", "CDK4"), ("MDM2_amplification", "MDM2", "SMA")):
        mine = information(by_target(plan.outlook, joint_with_classes(plan.outlook, tests)))
        assert mine == pytest.approx(engine_information(flagship, answer, tests), abs=1e-6)


def test_the_panel_search_is_exhaustive_and_beats_greedy(flagship):
    plan = flagship.diagnose(SARCOMA).workup
    bits = {a.open_findings[0]: a.bits for a in plan.tests if len(a.open_findings) == 1}
    among = sorted(plan.stains(), key=lambda t: -bits[t])[:14]
    found = plan.panel(3, among=among)
    assert found.exhaustive
    assert found.looked_at == 364
    assert found.best.bits >= found.greedy.bits - 1e-9
    singles = sorted((bits[t] for t in found.best.tests), reverse=True)
    assert found.best.bits >= singles[0]
    wider = plan.panel(6, among=among + list(plan.stains())[:30])
    assert not wider.exhaustive
    assert wider.best.bits > found.best.bits
    assert wider.bound >= wider.best.bits


def test_a_panel_by_decision_value_is_worth_no_less_than_one_by_bits(gut):
    plan = gut.diagnose(GASTRIC).workup
    among = plan.stains()[:12]
    by_bits = plan.panel(2, among=among)
    by_value = plan.panel(2, among=among, objective="decision")
    assert by_value.best.value >= by_bits.best.value - 1e-9
    assert by_bits.best.bits >= by_value.best.bits - 1e-9


def test_two_steps_are_worth_more_than_one(gut):
    plan = gut.diagnose(GASTRIC).workup
    best = plan.two_steps[0]
    assert best.value >= max(s.first_alone for s in plan.two_steps)
    assert sum(p for _, p, _, _ in best.then) == pytest.approx(1)


def test_sequencing_finds_what_the_plan_hangs_on(gut):
    """A GIST of high risk: only its genotype can change the drug, so a test of KIT and PDGFRA
    has decision value although it says nothing about the tumour type."""
    answer = gut.diagnose(
        {**GASTRIC, "size_cm": 12, "mitoses_per_5mm2": 12, "CD117": "positive",
         "DOG1": "positive"}
    )  # fmt: skip
    assert answer.leading.code == "GIST"
    tests = {a.test.name: a for a in answer.workup.tests}
    genes, stain = tests["kit_pdgfra"], tests["CD34"]
    assert genes.value > stain.value
    assert genes.value > 0.01
    assert genes.bits < 0.2
