"""``explain``, ``workup`` and ``compare`` as a person meets them."""

from __future__ import annotations

import json

import pytest

CASE = """
id: demo
findings: {site: stomach, age: 60, size_cm: 6, mitoses_per_5mm2: 3, morphology: spindle}
"""


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text(CASE)
    return str(path)


def test_explain_says_how_sure_why_fit_and_what_if(cli, case):
    status, out, err = cli("explain", case)
    assert (status, err) == (0, "")
    for words in ("How sure", "Why", "Does it fit", "What if", "Shapley", "By source:"):
        assert words in out
    status, out, _ = cli("explain", case, "--against", "SCHW", "--json")
    data = json.loads(out)
    assert status == 0
    assert [b["rival"] for b in data["balance"]] == ["SCHW"]
    weights = data["balance"][0]["weights"]
    total = data["balance"][0]["total"] - data["balance"][0]["prior"]
    assert sum(w["shapley"] for w in weights) == pytest.approx(total)
    assert data["certainty"]["method"] in ("delta", "monte carlo")


def test_workup_ranks_tests_and_says_when_to_stop(cli, case):
    status, out, err = cli("workup", case, "--panel", "2", "--among", "CD117,DOG1,S100")
    assert (status, err) == (0, "")
    for words in ("The order of the clinic", "bits", "Panel of 2", "Two steps", "PANCAN_GIST24"):
        assert words in out
    status, out, _ = cli("workup", case, "--panel", "2", "--among", "CD117,DOG1,S100", "--json")
    data = json.loads(out)
    assert status == 0
    assert data["panel"]["looked_at"] == 3
    assert data["panel"]["exhaustive"]
    assert {"tests", "same_decision", "two_steps", "steps", "assumptions"} <= set(data)


def test_compare_puts_scenarios_side_by_side(cli, case):
    status, out, err = cli("compare", case, "--what-if", "CD117=negative", "--what-if", "site=")
    assert (status, err) == (0, "")
    assert "CD117" in out
    status, out, _ = cli("compare", case, "--what-if", "CD117=positive", "--json")
    data = json.loads(out)
    assert status == 0
    assert data["differing"] == ["CD117"]
    assert len(data["scenarios"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "CASE", "--against", "SHWN"), "SCHW"),
        (("explain", "no_such_file.yaml"), "no such file"),
        (("workup", "CASE", "--panel", "9"), "2 to 6 tests"),
        (("workup", "CASE", "--by", "taste"), "information or decision"),
        (("workup", "CASE", "--among", "CD17"), "CD117"),
        (("workup", "CASE", "--costs", "none.csv"), "no such file"),
        (("workup", "CASE", "--panel", "3", "--budget", "1"), "more than 1"),
        (("compare", "CASE"), "not a comparison"),
        (("compare", "CASE", "--what-if", "CD117"), "finding=state"),
        (("compare", "CASE", "--what-if", "CD117=purple"), "purple"),
    ],
)
def test_bad_input_is_one_line_and_status_2(cli, case, arguments, words):
    status, out, err = cli(*(case if a == "CASE" else a for a in arguments))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert words in err
