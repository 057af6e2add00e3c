"""Every tumour class under every option is a proper cohort."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesenbayes.treatment import CohortSettings, TreatmentBelief, TreatmentModel
from mesenbayes.treatment.case import prepare
from mesenbayes.treatment.evaluate import case_options, run_models

GENOTYPES = (
    "KIT_ex11", "KIT_ex9", "KIT_ex13", "KIT_ex17", "PDGFRA_D842V", "PDGFRA_ex18_other",
    "PDGFRA_ex12", "PDGFRA_ex14", "SDH_deficient", "NF1", "BRAF", "NTRK_FGFR_fusion",
    "quadruple_WT",
)  # fmt: skip
SITES = ("stomach", "rectum", "retroperitoneum", "extremity", "uterus", "abdominal_wall", "thorax")


@pytest.mark.parametrize("metastasis", ["absent", "present"])
@pytest.mark.parametrize("site", SITES)
def test_shares_stay_shares(model: TreatmentModel, site: str, metastasis: str) -> None:
    codes = list(model.folder.groups)
    belief = TreatmentBelief(
        dict.fromkeys(codes, 1 / len(codes)),
        dict.fromkeys(GENOTYPES, 1 / len(GENOTYPES)),
        {"site": site, "size_cm": 12.0, "mitoses_per_5mm2": 20, "metastasis": metastasis},
    )
    case = prepare(
        model.folder, belief, settings=CohortSettings(0.5, 40), draws=8,
        rng=np.random.default_rng(3),
    )  # fmt: skip
    assert {k.tumour for k in case.classes} >= set(codes) - {"GIST"}
    options = case_options(case, offer_all=True)
    flat = [m for row in options.models for m in row]
    trace = run_models(case, flat, options.phases, keep_trace=True).trace
    assert trace is not None
    assert trace.min() > -1e-12
    np.testing.assert_allclose(trace.sum(axis=1), 1, atol=1e-9)
    dead = trace[:, -2:].sum(axis=1)
    assert (np.diff(dead, axis=0) >= -1e-12).all()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["GIST", "LM", "SCHW", "DES", "LMS", "IMT", "MEL", "OTHER", "PECOMA"]),
        st.floats(0.01, 1), min_size=1,
    ),
    st.sampled_from(SITES),
    st.one_of(st.floats(0.3, 30), st.sampled_from(["le_2", "gt_2_to_5", "gt_10"])),
    st.integers(18, 90),
)  # fmt: skip
def test_any_belief_gets_a_decision(
    model: TreatmentModel, weights: dict[str, float], site: str, size: float | str, age: int
) -> None:
    total = sum(weights.values())
    tumour = {code: w / total for code, w in weights.items()}
    decision = model.decide(
        TreatmentBelief(tumour, {}, {"site": site, "size_cm": size, "age": age}), draws=10
    )
    values = [option.expected_utility for option in decision.options]
    assert values == sorted(values, reverse=True)
    assert all(0 < v < 60 for v in values)
    assert decision.recommended in decision.option_names
    assert decision.value_of_perfect_information >= 0


def test_what_no_diagnosis_shares_is_the_mixture_of_certain_cases(model: TreatmentModel) -> None:
    """EU is linear in the posterior: the mixture of two certain cases, draw by draw."""
    findings = {"site": "stomach", "size_cm": 4.0, "mitoses_per_5mm2": 3, "age": 55}
    half = TreatmentBelief({"SCHW": 0.25, "LMS": 0.75}, {}, findings)
    mixed = model.decide(half, draws=20)
    alone = {
        code: model.decide(replace(half, tumour={code: 1.0}), draws=20).option("resection")
        for code in ("SCHW", "LMS")
    }
    expected = 0.25 * alone["SCHW"].expected_utility + 0.75 * alone["LMS"].expected_utility
    assert mixed.option("resection").expected_utility == pytest.approx(expected, rel=1e-12)


def test_import_is_light() -> None:
    code = (
        "import sys, mesenbayes.treatment;"
        "heavy = ('scipy', 'pandas', 'matplotlib', 'pyagrum', 'pgmpy');"
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
