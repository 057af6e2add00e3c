"""Bad input, impossible evidence, size limits, and each way through the engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mesenbayes.errors import (
    CaseError,
    ImpossibleEvidence,
    TooLarge,
    UnknownFinding,
    UnknownState,
)
from mesenbayes.inference import compile_network, prepare
from mesenbayes.testing import (
    bundled_network,
    mask,
    network_from_arrays,
    random_network,
    sample,
    tumour_like_network,
)


def disease_network(sensitivity=0.9, specificity=0.8, prevalence=0.01):
    return network_from_arrays(
        {"disease": ["no", "yes"], "positive": ["no", "yes"], "sign": ["no", "yes"]},
        {"positive": ["disease"], "sign": ["disease"]},
        {
            "disease": [1 - prevalence, prevalence],
            "positive": [[specificity, 1 - specificity], [1 - sensitivity, sensitivity]],
            "sign": [[1.0, 0.0], [0.5, 0.5]],
        },
        {"disease": "tumour"},
    )


def test_textbook_fraction() -> None:
    """0.01 * 0.9 / (0.01 * 0.9 + 0.99 * 0.2) = 1/23."""
    result = compile_network(disease_network()).run([[-1, 1, -1]], targets=["disease"])
    assert result.posterior["disease"][0, 1] == pytest.approx(1 / 23, abs=1e-15)
    assert result.log_evidence[0] == pytest.approx(np.log(0.207), abs=1e-14)


def test_likelihood_is_the_reading_it_stands_for() -> None:
    compiled = compile_network(disease_network())
    hard = compiled.run([-1, 1, -1], targets=["disease"])
    soft = compiled.run([-1, -1, -1], {"disease": [[0.2, 0.9]]}, ["disease"])
    np.testing.assert_allclose(soft.posterior["disease"], hard.posterior["disease"], atol=1e-15)
    np.testing.assert_allclose(soft.log_evidence, hard.log_evidence, atol=1e-14)


@pytest.mark.parametrize(
    ("codes", "likelihoods", "message"),
    [
        ([[0, 0]], None, r"shape \(1, 2\); expected \(cases, 3\)"),
        (np.zeros((0, 3), int), None, "no cases"),
        ([[-1, -1, -1], [0, 2, -1]], None, "row 1: positive has state index 2"),
        ([[0, -2, 0]], None, "row 0: positive has state index -2"),
        ([[0, np.nan, 0]], None, "row 0: positive is nan; use -1"),
        ([[0, 0.5, 0]], None, "row 0: positive is 0.5, not an index"),
        ([["a", "b", "c"]], None, "expected state indices"),
        ([[-1, -1, -1]], {"sign": [[0.5, np.nan]]}, "row 0: likelihood of sign is not a finite"),
        ([[-1, -1, -1]], {"sign": [[0.5, -0.1]]}, "row 0: likelihood of sign is negative"),
        ([[-1, -1, -1]], {"sign": [[0.0, 0.0]]}, "row 0: likelihood of sign is zero for every"),
        ([[-1, -1, -1]], {"sign": [[1.0]]}, r"likelihood of sign has shape \(1, 1\)"),
        ([[-1, -1, -1]], {"sing": [[1.0, 1.0]]}, "did you mean sign"),
    ],
)
def test_bad_input_is_named(codes, likelihoods, message) -> None:
    with pytest.raises(CaseError, match=message):
        compile_network(disease_network()).run(codes, likelihoods)


def test_unknown_target() -> None:
    with pytest.raises(UnknownFinding, match="disease"):
        compile_network(disease_network()).run([-1, -1, -1], targets=["diseas"])


def test_impossible_evidence_names_a_smallest_conflict() -> None:
    compiled = compile_network(disease_network())
    codes = [[-1, 1, 1], [0, 1, 1]]  # the sign occurs in the disease only
    with pytest.raises(ImpossibleEvidence, match="row 1") as caught:
        compiled.run(codes, targets=["disease"])
    assert set(caught.value.findings) == {"disease", "sign"}
    result = compiled.run(codes, targets=["disease"], on_impossible="nan")
    assert np.isnan(result.log_evidence[1])
    assert np.isnan(result.posterior["disease"][1]).all()
    np.testing.assert_allclose(result.posterior["disease"][0], [0, 1])
    with pytest.raises(ImpossibleEvidence):
        compiled.marginals(codes)
    with pytest.raises(ImpossibleEvidence):
        compiled.gradient(codes)
    with pytest.raises(ImpossibleEvidence):
        compiled.most_probable_explanation(codes)
    retracted = compiled.retractions(codes)
    np.testing.assert_allclose(retracted["disease"][1], [0, 1])


def test_a_hundred_strong_findings_do_not_underflow() -> None:
    """ln P(e) near -2300 lies far below what float64 holds; the posterior is exact."""
    n = 120
    states = {"disease": ["no", "yes"], **{f"f{i}": ["no", "yes"] for i in range(n)}}
    rare = [[1 - 1e-9, 1e-9], [1 - 2e-9, 2e-9]]
    network = network_from_arrays(
        states,
        {f"f{i}": ["disease"] for i in range(n)},
        {"disease": [0.5, 0.5], **{f"f{i}": rare for i in range(n)}},
    )
    compiled = compile_network(network)
    codes = np.array([[-1, *[1] * n]])
    odds = 2.0**n
    result = compiled.run(codes, targets=["disease"])
    np.testing.assert_allclose(result.posterior["disease"][0], [1 / (1 + odds), 1 - 1 / (1 + odds)])
    expected = n * np.log(1e-9) + np.log(0.5 * (1 + odds))
    assert result.log_evidence[0] == pytest.approx(expected, rel=1e-13)
    every = compiled.marginals(codes)
    np.testing.assert_allclose(every["disease"][0, 0], 1 / (1 + odds), rtol=1e-10)


def test_too_small_for_float64_is_not_impossible() -> None:
    """Two groups of findings, each certain beyond e^-745, that contradict one another."""
    n = 60
    names = [f"a{i}" for i in range(n)] + [f"b{i}" for i in range(n)]
    states = {"x": ["0", "1"], "y": ["0", "1"], **{k: ["no", "yes"] for k in names}}
    one = [[1e-9, 1 - 1e-9], [1 - 1e-9, 1e-9]]
    parents = {"y": ["x"], **{k: ["x" if k[0] == "a" else "y"] for k in names}}
    tables = {"x": [0.5, 0.5], "y": np.eye(2), **dict.fromkeys(names, one)}
    for k in names[n:]:
        tables[k] = one[::-1]
    network = network_from_arrays(states, parents, tables)
    codes = [[-1, -1, *[1] * (2 * n)]]
    result = compile_network(network).run(codes, targets=["x"])
    np.testing.assert_allclose(result.posterior["x"][0], [0.5, 0.5], rtol=1e-9)


def test_too_large_is_refused_before_anything_is_allocated() -> None:
    network = bundled_network("munin1")
    compiled = compile_network(network, memory_limit=2**20)
    codes = np.full((3, len(network.variables)), -1)
    with pytest.raises(TooLarge, match="GiB"):
        compiled.marginals(codes)


def test_memory_limit_cuts_batches_and_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    network = bundled_network("alarm")
    codes = mask(sample(network, 300, rng), 8, range(37), rng)
    wide = compile_network(network).run(codes, targets=["CATECHOL"])
    narrow = compile_network(network, memory_limit=60_000).run(codes, targets=["CATECHOL"])
    np.testing.assert_allclose(narrow.posterior["CATECHOL"], wide.posterior["CATECHOL"], rtol=1e-12)


@pytest.mark.parametrize("planning", [1.0, 0.0], ids=["common tree", "planned alone"])
def test_cases_one_by_one_are_the_batch(
    monkeypatch: pytest.MonkeyPatch, planning: float
) -> None:
    rng = np.random.default_rng(4)
    network = random_network(rng, 9, zeros=0.3)
    codes = mask(sample(network, 80, rng), 4, range(9), rng)
    targets = ["V0", "V5", ("V5", "V0")]
    batch = compile_network(network).run(codes, targets=targets)
    monkeypatch.setattr(prepare, "_WORTH_CONDITIONING", 0)
    monkeypatch.setattr(prepare, "_SECONDS", 1.0)
    monkeypatch.setattr(prepare, "SECONDS_TO_PLAN", planning)
    single = compile_network(network).run(codes, targets=targets)
    np.testing.assert_allclose(single.log_evidence, batch.log_evidence, atol=1e-11)
    for target in targets:
        np.testing.assert_allclose(single.posterior[target], batch.posterior[target], atol=1e-12)


def test_the_plan_is_readable() -> None:
    network = tumour_like_network(np.random.default_rng(0), 10, 4, 6, 6)
    text = str(compile_network(network).plan)
    assert "tumour*genotype" in text
    assert "multiply-adds" in text


def test_same_input_same_bytes() -> None:
    rng = np.random.default_rng(9)
    network = tumour_like_network(rng, 10, 4, 10, 10)
    columns = [i for i, v in enumerate(network.variables) if v.role == "finding"]
    codes = mask(sample(network, 2000, rng), 6, columns, rng)
    a = compile_network(network).run(codes, targets=["tumour"]).posterior["tumour"]
    b = compile_network(network).run(codes, targets=["tumour"]).posterior["tumour"]
    assert a.tobytes() == b.tobytes()


def test_frames() -> None:
    compiled = compile_network(disease_network())
    frame = pd.DataFrame(
        {"positive": ["yes", None, "no"], "sign": [None, "yes", None]}, list("abc")
    )
    answer = compiled.run_frame(frame, ["disease", ("disease", "sign")])
    assert list(answer["disease"].index) == ["a", "b", "c"]
    assert answer["disease"].loc["a", "yes"] == pytest.approx(1 / 23)
    assert answer["disease"].loc["b", "yes"] == 1.0
    assert answer[("disease", "sign")].sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    with pytest.raises(UnknownState, match="row b: positive cannot be 'perhaps'"):
        compiled.run_frame(pd.DataFrame({"positive": ["no", "perhaps"]}, ["a", "b"]), ["disease"])
    with pytest.raises(UnknownFinding, match="did you mean positive"):
        compiled.run_frame(pd.DataFrame({"positiv": ["no"]}), ["disease"])
    with pytest.raises(CaseError, match="no cases"):
        compiled.run_frame(frame.iloc[:0], ["disease"])


def test_draws_are_checked() -> None:
    compiled = compile_network(disease_network())
    with pytest.raises(CaseError, match="draws of disease have shape"):
        compiled.run([-1, 1, -1], tables={"disease": np.ones((5, 3))})
    with pytest.raises(CaseError, match="need one case"):
        compiled.run([[-1, 1, -1]] * 2, tables={"disease": np.full((5, 2), 0.5)})
