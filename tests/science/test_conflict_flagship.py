"""Does it fit, on real networks: a planted contradiction is found, traced and repaired."""

from __future__ import annotations

import numpy as np
import pytest

GIST = {
    "site": "stomach", "age": 60, "morphology": "spindle", "CD117": "positive",
    "DOG1": "positive", "CD34": "positive", "S100": "negative", "desmin": "negative",
}  # fmt: skip


def test_a_plain_case_fits(flagship):
    answer = flagship.diagnose(GIST)
    assert not answer.conflict.is_odd
    assert answer.repairs == ()


def test_findings_of_three_tumours_in_one_do_not_fit(flagship):
    odd = {**GIST, "STAT6": "positive", "HMB45": "positive", "myogenin": "positive",
           "beta_catenin": "nuclear", "S100": "positive"}  # fmt: skip
    answer = flagship.diagnose(odd)
    assert answer.conflict.is_odd
    assert answer.conflict.misfit.whole < 0.002
    assert answer.conflict.misfit.sentence in answer.conflict.sentence
    planted = {"STAT6", "HMB45", "myogenin", "beta_catenin", "S100"}
    assert {v for v, _, _ in answer.conflict.suspects[:3]} <= planted


def test_a_failed_stain_is_named_as_the_repair(gut):
    """A GIST in every respect whose HMB45 and STAT6 stain: one of them is doubted."""
    odd = {**GIST, "HMB45": "positive", "STAT6": "positive"}
    answer = gut.diagnose(odd)
    from mesenbayes.diagnosis.repair import find_repairs

    repairs = find_repairs(
        gut, gut.compiled, answer.encoded, answer.case.findings, answer.conflict
    )
    stains = [r for r in repairs if r.kind == "failed stain"]
    assert {r.variable for r in stains} & {"HMB45", "STAT6"}
    for repair in stains:
        assert "check its control" in repair.sentence
        again = gut.diagnose({k: v for k, v in odd.items() if k != repair.variable})
        assert repair.leading == again.leading.code
        assert repair.probability == pytest.approx(again.leading.probability, abs=1e-6)


def test_odd_cases_are_rare_among_the_models_own(gut):
    """Calibration: simulated cases are called odd about as often as the thresholds say."""
    from mesenbayes.diagnosis.conflict import measure_conflict
    from mesenbayes.diagnosis.encode import Encoded
    from mesenbayes.diagnosis.findings import Finding
    from mesenbayes.network.sampling import sample_codes

    rng = np.random.default_rng(7)
    drawn = sample_codes(gut, 80, rng)
    names = ("site", "morphology", "CD117", "DOG1", "CD34", "S100", "desmin", "SMA")
    position = {v.name: i for i, v in enumerate(gut.variables)}
    other = gut.variable("tumour").index("OTHER")
    odd = {True: [], False: []}
    for row in drawn:
        codes = np.full_like(row, -1)
        for name in names:
            codes[position[name]] = row[position[name]]
        findings = tuple(
            Finding(n, gut.variable(n).states[row[position[n]]]) for n in names
        )
        found = measure_conflict(
            gut, gut.compiled, Encoded(codes, {}), findings, simulations=300, rng=rng
        )
        odd[row[position["tumour"]] == other].append(found.is_odd)
    # Expected at most 0.035 * 70 = 2.5; 9 would be a one in a thousand accident.
    assert sum(odd[False]) < 9
    # Cases of none of the modelled tumours are noticed more often.
    assert np.mean(odd[True]) > 2 * np.mean(odd[False])


def test_the_conflict_of_a_rare_case_is_explained_away_by_its_diagnosis(flagship):
    """Jensen's rare-case test holds as an identity on the network itself."""
    answer = flagship.diagnose(GIST)
    from mesenbayes.diagnosis.conflict import conflict_values, setting_of

    case = setting_of(flagship, answer.encoded, answer.case.findings)
    position = {v.name: i for i, v in enumerate(flagship.variables)}
    gist = flagship.variable("tumour").index("GIST")
    extended = case.own.copy()
    extended[position["tumour"]] = gist
    plain, with_h = conflict_values(
        flagship, flagship.compiled, case.codes, np.stack([case.own, extended])
    )
    compiled = flagship.compiled
    before = compiled.run(case.codes[None], targets=("tumour",)).posterior["tumour"][0, gist]
    after = compiled.run(case.own[None], targets=("tumour",)).posterior["tumour"][0, gist]
    assert with_h == pytest.approx(plain - np.log(after / before), abs=1e-9)
