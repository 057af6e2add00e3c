"""The choice over the whole posterior, on plain values."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.treatment import CohortSettings, TreatmentBelief, TreatmentModel
from mesenbayes.treatment.guidelines import GuidelinePoint, among_equals

GENOTYPE = {"KIT_ex11": 0.75, "KIT_ex9": 0.1, "PDGFRA_D842V": 0.15}
HIGH_RISK = {"site": "stomach", "size_cm": 7.0, "mitoses_per_5mm2": 12, "age": 62}


def belief(**more: object) -> TreatmentBelief:
    return TreatmentBelief(
        {"GIST": 0.9, "SCHW": 0.07, "LMS": 0.03},
        GENOTYPE,
        {**HIGH_RISK, **more},  # type: ignore[arg-type]
    )


def test_high_risk_gist_gets_three_years_of_imatinib(model: TreatmentModel) -> None:
    decision = model.decide(belief())
    assert decision.recommended == "resection_imatinib_3y"
    gains = {(g.tumour, g.genotype): g.gain for g in decision.options[0].by_class}
    assert gains["GIST", "KIT_ex11"] > gains["GIST", "KIT_ex9"] > 0.5
    assert gains["GIST", "PDGFRA_D842V"] < 0  # toxicity only
    assert -0.2 < gains["SCHW", ""] <= 0
    assert "if GIST with KIT exon 11" in decision.options[0].sentence


def test_expected_utility_is_the_mixture(model: TreatmentModel) -> None:
    """Slow twin: the sum over classes, written out."""
    decision = model.decide(belief(), draws=20)
    for row, name in enumerate(decision.option_names):
        total = 0.0
        for k in range(len(decision.classes)):
            for n in range(20):
                total += decision.class_probability[n, k] * decision.utility[row, k, n] / 20
        assert decision.option(name).expected_utility == pytest.approx(total)
        by_class = decision.option(name).by_class
        assert sum(g.probability * g.utility for g in by_class) == pytest.approx(total)
        assert sum(g.probability * g.gain for g in by_class) == pytest.approx(
            decision.option(name).gain
        )
    assert sum(o.probability_best for o in decision.options) == pytest.approx(1)
    assert all(o.regret >= 0 for o in decision.options)


def test_the_posterior_drives_the_choice(model: TreatmentModel) -> None:
    """The same tumour, other diagnoses: imatinib is not for a schwannoma."""
    benign = TreatmentBelief({"GIST": 0.02, "SCHW": 0.98}, {"KIT_ex11": 1.0}, HIGH_RISK)
    assert model.decide(benign).recommended in ("resection", "observe")
    resistant = TreatmentBelief({"GIST": 1.0}, {"PDGFRA_D842V": 1.0}, HIGH_RISK)
    assert model.decide(resistant).recommended == "resection"


def test_pure_desmoid_is_watched_before_it_is_resected(model: TreatmentModel) -> None:
    des = TreatmentBelief({"DES": 1.0}, {}, {"site": "abdominal_wall", "size_cm": 6, "age": 35})
    decision = model.decide(des)
    assert (
        decision.option("observe").expected_utility
        > decision.option("wide_resection").expected_utility
    )


def test_of_equal_options_the_least_intensive_is_recommended(model: TreatmentModel) -> None:
    low = TreatmentBelief(
        {"GIST": 1.0},
        {"KIT_ex11": 1.0},
        {"site": "stomach", "size_cm": 7.0, "mitoses_per_5mm2": 2, "age": 62},
    )
    decision = model.decide(low)
    assert decision.options[0].name == "resection_imatinib_3y"  # by 0.03 QALY
    assert decision.recommended == "resection"
    assert "practically as good" in decision.sentence


def test_threshold_is_where_the_options_cross(model: TreatmentModel) -> None:
    two = TreatmentBelief({"GIST": 0.5, "SCHW": 0.5}, {"KIT_ex11": 1.0}, HIGH_RISK)
    decision = model.decide(two)
    t = decision.threshold("resection_imatinib_3y", "resection", "GIST")
    assert t is not None
    assert 0 < t < 0.3
    assert decision.thresholds("GIST")["resection"] == t
    mean = decision.utility.mean(axis=-1)
    a, b = (decision.option_names.index(n) for n in ("resection_imatinib_3y", "resection"))
    gist = [k.tumour for k in decision.classes].index("GIST")
    difference = mean[a] - mean[b]
    assert t * difference[gist] + (1 - t) * difference[1 - gist] == pytest.approx(0, abs=1e-12)


def test_perfect_information_is_worth_nothing_when_the_diagnosis_is_certain(
    model: TreatmentModel,
) -> None:
    certain = TreatmentBelief({"GIST": 1.0}, {"KIT_ex11": 1.0}, HIGH_RISK)
    assert model.decide(certain).value_of_perfect_information == pytest.approx(0, abs=1e-9)
    mixed = TreatmentBelief({"DES": 0.9, "LMS": 0.1}, {}, {"site": "abdominal_wall", "size_cm": 6})
    assert model.decide(mixed).value_of_perfect_information > 0.05


def test_waiting_for_a_test(model: TreatmentModel) -> None:
    mixed = TreatmentBelief({"DES": 0.9, "LMS": 0.1}, {}, {"site": "abdominal_wall", "size_cm": 6})
    results = [
        (0.9, TreatmentBelief({"DES": 1.0}, {}, mixed.findings)),
        (0.1, TreatmentBelief({"LMS": 1.0}, {}, mixed.findings)),
    ]
    soon = model.wait_or_act(mixed, results, delay_years=0.05)
    assert soon.worth_waiting
    late = model.wait_or_act(mixed, results, delay_years=3.0, test_loss=0.5)
    assert late.gain < soon.gain
    assert not late.worth_waiting


def test_same_seed_same_bytes(model: TreatmentModel) -> None:
    assert json.dumps(model.decide(belief()).to_dict()) == json.dumps(
        model.decide(belief()).to_dict()
    )
    other = model.decide(belief(), rng=np.random.default_rng(1))
    assert other.options[0].expected_utility != model.decide(belief()).options[0].expected_utility


def test_posterior_draws_widen_the_interval(model: TreatmentModel) -> None:
    tumour = {"GIST": 0.5, "LMS": 0.5}
    p = np.random.default_rng(0).beta(1, 1, 400)
    drawn = TreatmentBelief(tumour, {"KIT_ex11": 1.0}, HIGH_RISK, np.stack([p, 1 - p], axis=1))
    fixed = TreatmentBelief(tumour, {"KIT_ex11": 1.0}, HIGH_RISK)

    def width(b: TreatmentBelief) -> float:
        low, high = model.decide(b).option("resection").interval
        return high - low

    assert width(drawn) > width(fixed)


def test_preferences(model: TreatmentModel) -> None:
    years = model.decide(belief(), preferences="life_years")
    qaly = model.decide(belief())
    assert years.unit == "life-years"
    assert years.options[0].expected_utility > qaly.options[0].expected_utility
    own = {
        "watched": 1.0, "recurrence_free": 1.0, "local_recurrence": 1.0,
        "first_line": 1.0, "second_line": 1.0, "third_line": 1.0,
    }  # fmt: skip
    valued = model.decide(belief(), preferences=own, draws=10)
    lived = model.decide(belief(), preferences="life_years", draws=10)
    gap = lived.option("observe").expected_utility - valued.option("observe").expected_utility
    assert 0 <= gap < 0.2  # only the losses of operations and toxicity remain
    with pytest.raises(CaseError, match="miss third_line"):
        model.decide(belief(), preferences={k: v for k, v in own.items() if k != "third_line"})
    with pytest.raises(CaseError, match="recurrence_free_years"):
        model.decide(belief(), preferences="recurrence_free_year")


def test_no_discount_lives_longer(model: TreatmentModel) -> None:
    plain = model.decide(belief(), settings=CohortSettings(0.25, 38, 0.0), draws=5)
    discounted = model.decide(belief(), settings=CohortSettings(0.25, 38, 0.03), draws=5)
    assert plain.options[0].expected_utility > discounted.options[0].expected_utility


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"GIST": 0.5},), "sum to 0.5"),
        (({"GIST": 0.0, "LMS": 1.0}, {"KIT_ex11": 1.0}), "only a GIST has one"),
        (({"GIST": 1.0}, {}, {"size_cm": -2}), "size_cm: -2 is not possible"),
        (({"GIST": 1.0}, {}, {"stage": "II", "metastasis": "present"}), "stage II contradicts"),
        (({"GIST": 1.0}, {}, {}, np.ones((3, 2))), "expected"),
        (({"GIST": 1.0}, {}, {"size_cm": "large"}), "neither a number"),
    ],
)
def test_bad_belief_is_refused_by_name(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(CaseError, match=message):
        TreatmentBelief(*arguments)  # type: ignore[arg-type]


def test_stage_that_does_not_fit_the_size_is_refused(model: TreatmentModel) -> None:
    wrong = TreatmentBelief({"GIST": 1.0}, {}, {**HIGH_RISK, "stage": "IA"})
    with pytest.raises(CaseError, match="AJCC 8 gives IIIA"):
        model.decide(wrong)
    model.decide(TreatmentBelief({"GIST": 1.0}, {}, {**HIGH_RISK, "stage": "IIIA"}), draws=2)


def test_benefit_of_imatinib_grows_with_the_risk(model: TreatmentModel) -> None:
    gains = []
    for size, mitoses in ((3.0, 2), (7.0, 2), (12.0, 2), (4.0, 8), (7.0, 8), (12.0, 8)):
        findings = {"site": "stomach", "size_cm": size, "mitoses_per_5mm2": mitoses}
        case = TreatmentBelief({"GIST": 1.0}, {"KIT_ex11": 1.0}, findings)
        decision = model.decide(case, draws=50)
        gains.append(decision.option("resection_imatinib_3y").gain)
    assert gains == sorted(gains)  # 1.9, 3.6, 10, 16, 55 and 86 % progress
    assert gains[0] < 0.05 < gains[3]


@pytest.mark.parametrize(
    ("genotype", "imatinib"),
    [
        ("KIT_ex11", True), ("KIT_ex9", True), ("PDGFRA_ex12", True), ("PDGFRA_ex18_other", True),
        ("PDGFRA_D842V", False), ("SDH_deficient", False), ("NF1", False), ("BRAF", False),
        ("NTRK_FGFR_fusion", False),
    ],
)  # fmt: skip
def test_adjuvant_choice_follows_the_genotype_as_the_guideline_has_it(
    model: TreatmentModel, genotype: str, imatinib: bool
) -> None:
    case = TreatmentBelief({"GIST": 1.0}, {genotype: 1.0}, HIGH_RISK)
    decision = model.decide(case, draws=50)
    assert ("imatinib" in decision.recommended) == imatinib
    assert not model.guidelines(case, decision).disagreements


def test_unknown_code_has_a_neighbour(model: TreatmentModel) -> None:
    with pytest.raises(CaseError, match="did you mean"):
        model.decide(TreatmentBelief({"GISTT": 1.0}))


def test_guidelines_keep_the_uncertainty(model: TreatmentModel) -> None:
    decision = model.decide(belief())
    found = model.guidelines(belief(), decision)
    three_years = next(p for p in found if p.guideline_id == "G104")
    assert three_years.strength == "I, A; ESMO-MCBS A"
    assert three_years.probability == pytest.approx(0.9 * 0.85)
    assert three_years.applies.startswith("applies if GIST, 0.90")
    rupture = next(p for p in found if p.guideline_id == "G107")
    assert rupture.needs == ("rupture = present",)
    assert not found.disagreements
    watching = model.decide(belief())
    against = TreatmentBelief({"GIST": 1.0}, {"PDGFRA_D842V": 1.0}, HIGH_RISK)
    # the choice made for one tumour, judged against the points of another
    assert any(
        "should not" in d.sentence or "No adjuvant" in d.sentence
        for d in model.guidelines(against, watching).disagreements
    )


def test_alerts(model: TreatmentModel) -> None:
    names = {
        a.alert_id
        for a in model.alerts(belief(sampling="fna", margin="R1", mdt_discussion="absent"))
    }
    assert {"fna_only", "genotype_missing", "margin_gist", "no_mdt_gist"} <= names
    quiet = belief(mdt_discussion="done", genotype_tested="yes")
    assert not {a.alert_id for a in model.alerts(quiet)} & {"no_mdt_gist", "genotype_missing"}


def test_follow_up_is_dated(model: TreatmentModel) -> None:
    plan = model.follow_up(belief(), datetime.date(2026, 1, 31))
    assert plan.schedule == "gist_high_imatinib"
    assert plan.visits[0].date == datetime.date(2026, 4, 30)
    assert plan.to_frame().shape[0] == len(plan.visits) > 20
    text = plan.to_ical()
    assert text.count("BEGIN:VEVENT") == len(plan.visits)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    sarcoma = TreatmentBelief({"LMS": 1.0}, {}, {"site": "extremity", "grade": "grade_1"})
    low = model.follow_up(sarcoma, datetime.date(2026, 1, 1))
    assert low.schedule == "sarcoma_low"
    assert low.visits[0].month == 4


def test_what_is_not_determined_is_watched_closely(model: TreatmentModel) -> None:
    unknown = TreatmentBelief({"GIST": 1.0}, {"KIT_ex11": 1.0}, {"site": "stomach"})
    plan = model.follow_up(unknown, datetime.date(2026, 1, 1))
    assert plan.schedule == "gist_high_imatinib"
    assert "gist_very_low" in plan.alternatives
    watched = model.follow_up(unknown, datetime.date(2026, 1, 1), "observe")
    assert watched.schedule == "small_gist_watched"


def test_a_mimic_goes_its_own_way(model: TreatmentModel) -> None:
    melanoma = TreatmentBelief({"MEL": 0.95, "LMS": 0.05}, {}, {"metastasis": "present"})
    decision = model.decide(melanoma, draws=20)
    assert decision.recommended == "own_pathway"
    assert "not modelled" in decision.sentence
    assert any(a.alert_id == "not_mesenchymal" for a in model.alerts(melanoma))


def test_radiotherapy_is_not_offered_in_the_gut(model: TreatmentModel) -> None:
    sarcoma = {"LMS": 1.0}
    gut = model.decide(TreatmentBelief(sarcoma, {}, {"site": "stomach", "size_cm": 6}), draws=5)
    limb = model.decide(TreatmentBelief(sarcoma, {}, {"site": "extremity", "size_cm": 6}), draws=5)
    assert "wide_resection_radiotherapy" in gut.not_offered
    assert "wide_resection_radiotherapy" in limb.option_names


def test_advanced_disease_is_treated_by_genotype(model: TreatmentModel) -> None:
    far = {"metastasis": "present", "age": 60}
    for genotype, drug in {
        "KIT_ex11": "imatinib_400",
        "KIT_ex9": "imatinib_800",
        "PDGFRA_D842V": "avapritinib",
    }.items():
        decision = model.decide(TreatmentBelief({"GIST": 1.0}, {genotype: 1.0}, far))
        assert decision.setting == "advanced"
        assert decision.recommended == drug
    lms = model.decide(TreatmentBelief({"LMS": 1.0}, {}, far))
    assert lms.recommended == "doxorubicin_trabectedin"
    alk = TreatmentBelief({"IMT": 1.0}, {}, {**far, "ALK": "positive"})
    assert model.decide(alk).recommended == "crizotinib"


def test_every_number_has_a_source_or_a_reason(model: TreatmentModel) -> None:
    sources = {row.text("source_id") for row in model.folder.tables["sources"]}
    for name, rows in model.folder.tables.items():
        for row in rows:
            for source in row.text("source_id").split(";"):
                assert not source or source in sources, (name, row.line)
    listed = model.assumptions()
    assert len(listed) > 30
    assert all(a.reason for a in listed)


def test_everything_becomes_json(model: TreatmentModel) -> None:
    decision = model.decide(belief(), draws=5)
    for result in (
        decision, model.risk(belief()), model.guidelines(belief(), decision),
        *model.alerts(belief()),
        model.follow_up(belief(), datetime.date(2026, 1, 1)), *model.assumptions(),
    ):  # fmt: skip
        json.dumps(result.to_dict())
        result.to_frame()
        assert result._repr_html_().startswith("<table")


def _point(
    strength: str, probability: float, options: tuple[str, ...], *needs: str
) -> GuidelinePoint:
    return GuidelinePoint(
        guideline_id="G0", topic="", kind="", recommendation="", probability=probability,
        applies="", needs=needs, strength=strength, source="", source_id="", trust="", quote="",
        options=options,
    )  # fmt: skip


def test_equals_are_ordered_by_departures_from_the_guidelines_then_as_they_stand() -> None:
    names = ["wait", "operate", "irradiate"]
    assert among_equals([], names) == [0, 1, 2]
    standard = _point("standard", 0.9, ("operate",))
    assert among_equals([standard], names) == [1, 0, 2]
    assert among_equals([_point("standard", 0.9, ("!wait",))], names) == [1, 2, 0]
    for point in (
        _point("optional", 0.9, ("operate",)),
        _point("standard", 0.4, ("operate",)),
        _point("standard", 0.9, ("operate",), "size not stated"),
        _point("standard", 0.9, ()),
    ):
        assert among_equals([point], names) == [0, 1, 2]
