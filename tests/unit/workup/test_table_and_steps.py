"""The tables of the work-up: costs, conditions, the order of the clinic."""

from __future__ import annotations

import shutil

import pytest

from mesenbayes.errors import CaseError, EvidenceError, NetworkError
from mesenbayes.network.folder import networks_folder
from mesenbayes.workup.conditions import parse_condition
from mesenbayes.workup.steps import STAGES, read_steps, steps_for
from mesenbayes.workup.table import match_variables, read_test_table

FOLDER = networks_folder() / "mesenchymal" / "workup"
GASTRIC = {"site": "stomach", "age": 60, "size_cm": 6, "mitoses_per_5mm2": 3}


@pytest.fixture(scope="module")
def network(gut):
    return gut


@pytest.fixture(scope="module")
def table(network):
    return read_test_table(network, FOLDER)


def test_every_price_has_a_source_or_is_an_assumption(table):
    assert table.tests
    for test in table.tests:
        assert test.source_id or test.trust == "assumption", test.name
        assert test.note
    ids = {line.split(",")[0] for line in (FOLDER / "sources.csv").read_text().splitlines()[1:]}
    assert {t.source_id for t in table.tests if t.source_id} <= ids
    assert {r.step.source_id for r in read_steps(FOLDER) if r.step.source_id} <= ids


def test_group_costs_are_paid_once_and_not_for_a_block_already_cut(table):
    one, two = table.test("CD34"), table.test("desmin")
    alone = table.bill([one])
    both = table.bill([one, two])
    assert alone.money == one.money + one.group_money
    assert both.money == one.money + two.money + one.group_money
    assert both.tissue == one.tissue + two.tissue
    assert both.days == max(one.days, two.days)
    assert table.bill([one], paid=frozenset({one.group})).money == one.money
    assert table.bill([one, one]).money == alone.money


def test_a_panel_is_one_price_for_many_genes(table):
    panel = table.test("dna_panel")
    assert len(panel.reveals) > 1
    assert table.bill([panel]).money == panel.money + panel.group_money


def test_complications_combine():
    from mesenbayes.workup.table import OrderableTest, TestTable

    def made(name, p):
        return OrderableTest(
            name, name, "imaging", (name,), 1.0, "", 0.0, 1.0, p, 0.0, parse_condition(""), "x",
            "primary", "",
        )  # fmt: skip

    bill = TestTable((), {}).bill([made("a", 0.1), made("b", 0.2)])
    assert bill.complication == pytest.approx(1 - 0.9 * 0.8)


def test_patterns_name_findings(network):
    stains = match_variables(network, "group:immunohistochemistry")
    assert {v.group for v in stains} == {"immunohistochemistry"}
    assert [v.name for v in match_variables(network, "KIT_mutation|PDGFRA_mutation")] == [
        v.name for v in network.variables if v.name in ("KIT_mutation", "PDGFRA_mutation")
    ]
    assert all(v.name.startswith("ct_") for v in match_variables(network, "group:imaging ct_*"))
    assert match_variables(network, "no_such_thing") == []


def test_a_users_own_table_is_read_and_a_broken_one_refused(network, tmp_path):
    own = tmp_path / "tests.csv"
    shutil.copy(FOLDER / "tests.csv", own)
    text = own.read_text().replace(",37.5,cutting,25,", ",12,cutting,0,")
    own.write_text(text)
    table = read_test_table(network, FOLDER, own)
    assert table.test("CD34").money == 12
    own.write_text(text.replace(",12,cutting,0,", ",cheap,cutting,0,"))
    with pytest.raises(EvidenceError, match=r"tests.csv:\d+: money is 'cheap'"):
        read_test_table(network, FOLDER, own)
    own.write_text(text.replace("label,", "", 1))
    with pytest.raises(NetworkError, match="column 'label' is missing"):
        read_test_table(network, FOLDER, own)
    with pytest.raises(NetworkError, match="no such file"):
        read_test_table(network, FOLDER, tmp_path / "none.csv")


def test_an_unknown_test_is_refused_with_the_nearest(table):
    with pytest.raises(NetworkError, match="desmin"):
        table.test("desmim")


@pytest.mark.parametrize(
    ("text", "known", "probability", "holds"),
    [
        ("", {}, {}, True),
        ("site=stomach|rectum", {"site": "rectum"}, {}, True),
        ("site=stomach|rectum", {"site": "skin"}, {}, False),
        ("site=stomach", {}, {}, False),
        ("known(ct_*)", {"ct_fat": "absent"}, {}, True),
        ("known(ct_*)", {"mri_fat": "absent"}, {}, False),
        ("P(GIST)>=0.2", {}, {"GIST": 0.3}, True),
        ("P(GIST)>=0.2;site=stomach", {"site": "stomach"}, {"GIST": 0.1}, False),
    ],
)
def test_conditions(text, known, probability, holds):
    assert parse_condition(text).holds(known, probability) is holds


def test_a_condition_that_cannot_be_read_is_refused():
    with pytest.raises(NetworkError, match="cannot be read"):
        parse_condition("site is stomach")


def texts(known, probability):
    return [s.text for s in steps_for(read_steps(FOLDER), known, probability)]


def test_imaging_by_place():
    assert any("CT" in t for t in texts({"site": "stomach"}, {}))
    assert not any("MRI" in t for t in texts({"site": "stomach"}, {}))
    assert any(t.startswith("MRI") for t in texts({"site": "extremity"}, {}))
    assert not any(t.startswith("CT") for t in texts({"site": "extremity"}, {}))
    assert any("PET" in t for t in texts({"site": "stomach", "metastasis": "present"}, {}))
    assert not any("PET" in t for t in texts({"site": "stomach"}, {}))


def test_needle_by_place_and_fna_alone_is_not_enough():
    assert any("EUS-guided" in t for t in texts({"site": "stomach"}, {}))
    assert any(t.startswith("Core needle") for t in texts({"site": "extremity"}, {}))
    assert any("not enough" in t for t in texts({"site": "stomach", "sampling": "fna"}, {}))
    assert not any("not enough" in t for t in texts({"site": "stomach", "sampling": "core"}, {}))


def test_the_order_is_imaging_needle_stains_genes_review():
    steps = steps_for(read_steps(FOLDER), {"site": "stomach"}, {"GIST": 0.9})
    stages = [STAGES.index(s.stage) for s in steps]
    assert stages == sorted(stages)
    assert {s.stage for s in steps} == set(STAGES)


def test_steps_are_ticked_off():
    known = {"site": "stomach", "CD117": "positive", "DOG1": "positive"}
    (step,) = [
        s for s in steps_for(read_steps(FOLDER), known, {"GIST": 0.9})
        if s.text.startswith("CD117 and DOG1")
    ]  # fmt: skip
    assert step.done


def test_a_work_up_of_a_real_case(network):
    plan = network.diagnose({**GASTRIC, "morphology": "spindle"}).workup
    frame = plan.to_frame()
    assert (frame["bits"] >= 0).all()
    assert (frame["value"] >= 0).all()
    # No test is worth more than knowing the answer.
    p = plan.outlook.posterior
    import numpy as np

    entropy = -(p * np.log2(np.maximum(p, 1e-300))).sum()
    assert frame["bits"].max() <= entropy + 1e-9
    u = plan.problem.utility
    perfect = (plan.outlook.weight * u.max(axis=0)).sum() - (u @ plan.outlook.weight).max()
    assert frame["value"].max() <= perfect + 1e-6
    # A sequencing panel says at least what one of its genes says (up to its own sampling error).
    bits = frame.set_index("test")["bits"]
    error = frame.set_index("test")["error"]
    assert bits["dna_panel"] >= bits["kit_pdgfra"] - 4 * error["dna_panel"] - 1e-9
    assert plan.next_step.test.kind == "stain"
    assert plan.sentence
    data = plan.to_dict()
    assert {"sentence", "stop", "steps", "tests", "two_steps", "same_decision"} <= set(data)


def test_the_plan_of_the_work_up_is_the_plan_of_the_treatment_model(network):
    for extra in ({}, {"CD117": "positive", "DOG1": "positive"}, {"S100": "positive"}):
        answer = network.diagnose({**GASTRIC, **extra})
        assert answer.workup.same_decision.plan == answer.decision.recommended


def test_a_settled_case_says_stop(network):
    answer = network.diagnose(
        {**GASTRIC, "morphology": "spindle", "CD117": "positive", "DOG1": "positive",
         "CD34": "positive", "KIT_mutation": "exon_11", "PDGFRA_mutation": "wild_type",
         "SDHB": "retained"}
    )  # fmt: skip
    plan = answer.workup
    assert plan.same_decision.probability > 0.9
    assert plan.stop == ("Stop testing" in plan.sentence)


def test_a_panel_beyond_the_budget_is_refused(network):
    plan = network.diagnose(GASTRIC).workup
    with pytest.raises(CaseError, match="more than 10"):
        plan.panel(3, budget=10)
    with pytest.raises(CaseError, match="not an open test"):
        plan.panel(2, among=["CD34", "age"])


def test_a_network_without_a_table_says_so(network):
    from mesenbayes.facade import Network

    bare = Network(network.name, "0", network.variables, network.tables)
    with pytest.raises(CaseError, match="no table of tests"):
        _ = bare.diagnose(GASTRIC).workup
