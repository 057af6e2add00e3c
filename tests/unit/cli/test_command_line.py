"""The command line as a person meets it: reports, data, and one clear line for bad input."""

import json

import pytest

import mesenbayes
from mesenbayes.network.folder import networks_folder

CASES = networks_folder() / "mesenchymal" / "cases"
KEYS = {
    "case", "network", "posterior", "genotype", "findings", "conflict", "next_tests", "risk",
    "treatment", "guidelines", "follow_up", "alerts",
}  # fmt: skip


def test_report_names_the_case_its_source_the_network_and_the_purpose(cli):
    status, out, err = cli("diagnose", CASES / "open_180.yaml")
    assert (status, err) == (0, "")
    for words in (
        "Gastric GIST", "discovery.researcher.life", "gastrointestinal stromal", "95 % interval",
        "decibans", "Risk, if a GIST", "Choice:", "Guideline points", "gi-mesenchymal",
        "For research and teaching",
    ):  # fmt: skip
        assert words in out


def test_json_has_the_fixed_keys_and_probabilities_that_add_up(cli):
    status, out, _ = cli("diagnose", CASES / "open_180.yaml", "--json")
    data = json.loads(out)
    assert status == 0
    assert set(data) >= KEYS
    assert set(data["network"]) == {"name", "version", "digest"}
    assert set(data["treatment"]) >= {"options", "recommended"}
    assert sum(row["probability"] for row in data["posterior"]) == pytest.approx(1, abs=1e-9)
    for row in data["posterior"]:
        low, high = row["interval"]
        assert 0 <= low <= row["probability"] <= high <= 1
    assert {"variable", "state", "weight_of_evidence"} <= set(data["findings"][0])


def test_several_cases_and_standard_input(cli):
    path = CASES / "open_180.yaml"
    status, out, _ = cli("diagnose", path, CASES / "open_001.yaml", "--json")
    assert status == 0
    assert len(json.loads(out)) == 2
    status, out, _ = cli("diagnose", "-", "--json", stdin=path.read_text(encoding="utf-8"))
    assert status == 0
    assert json.loads(out)["posterior"][0]["code"] == "GIST"


def test_same_case_same_bytes(cli):
    first = cli("diagnose", CASES / "open_005.yaml", "--json")
    assert cli("diagnose", CASES / "open_005.yaml", "--json") == first


def test_vocabulary_lets_another_program_write_cases(cli):
    status, out, _ = cli("vocabulary", "--json")
    assert status == 0
    variables = {v["name"]: v for v in json.loads(out)["variables"]}
    assert {"name", "label", "states", "aliases", "unit", "codes"} <= set(variables["CD117"])
    assert variables["age"]["unit"] == "years"
    assert variables["tumour"]["state_codes"]["GIST"] == {"OncoTree": "GIST", "ICD-O-3": "8936"}
    # What the vocabulary names can be stated: every state of every finding is accepted.
    for variable in variables.values():
        if variable["role"] == "finding":
            case = {"findings": {variable["name"]: variable["states"][0]}}
            assert mesenbayes.read_cases  # the public way in stays public
            from mesenbayes.facade import load_network

            load_network().vocabulary.match(mesenbayes.Case(case["findings"]))


BAD = {
    "empty": ("", "the file is empty"),
    "blank": ("   \n\n", "the file is empty"),
    "broken": ("findings: {site: stomach", "broken YAML"),
    "not a case": ("- 1\n- 2\n", "a case is a mapping"),
    "no findings": ("title: nothing\n", "there is no 'findings'"),
    "unknown key": ("findings: {site: stomach}\ntitel: x\n", "did you mean title"),
    "unknown finding": ("findings: {CD17: positive}\n", "did you mean"),
    "unknown state": ("findings: {CD117: purple}\n", "CD117 cannot be 'purple'"),
    "age": ("findings: {age: 400}\n", "age = 400 is impossible"),
    "size": ("findings: {size_cm: -2}\n", "size_cm = -2 is impossible"),
    "nan": ("findings: {size_cm: .nan}\n", "is impossible"),
    "sum": (
        "findings: {CD117: {probability: {positive: 0.9, negative: 0.3}}}\n",
        "the probabilities add up to 1.2, not 1",
    ),
    "kind": ("findings: {CD117: {positive: 0.9, negative: 0.1}}\n", "says which kind it is"),
    "twice": ("findings: {CD117: positive, CD117: negative}\n", "stated twice"),
    "contradiction": ("findings: {CD117: positive, c-kit: negative}\n", "contradict each other"),
    "alias bomb": ("a: &a [1]\nb: [*a, *a]\nfindings: {site: stomach}\n", "YAML alias"),
    "list": ("findings: {CD117: [positive, negative]}\n", "one state is expected"),
    "gene": ("findings: {}\nvariants: [{gene: NOPE, protein: p.A1B}]\n", "unknown finding 'gene"),
    "protein": ("findings: {}\nvariants: [{gene: KIT, protein: whatever}]\n", "not a protein"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_case_is_one_line_and_exit_status_2(cli, tmp_path, name):
    text, message = BAD[name]
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    status, out, err = cli("diagnose", path)
    assert status == 2
    assert out == ""
    assert message in err
    assert "case.yaml" in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_files_of_the_wrong_kind(cli, tmp_path):
    binary = tmp_path / "slide.png"
    binary.write_bytes(bytes(range(128, 256)))
    assert "not a text file" in cli("diagnose", binary)[2]
    assert "this is a folder" in cli("diagnose", tmp_path)[2]
    assert "no such file" in cli("diagnose", tmp_path / "none.yaml")[2]
    status, _, err = cli("diagnose", CASES / "open_180.yaml", "-n", "gi-mesenchimal")
    assert status == 2
    assert "gi-mesenchymal" in err


def test_one_bad_case_among_several_leaves_no_half_report(cli, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("findings: {age: 400}\n", encoding="utf-8")
    status, out, err = cli("diagnose", CASES / "open_180.yaml", bad)
    assert (status, out) == (2, "")
    assert "bad.yaml" in err


def test_ignore_unknown_sets_aside_and_lists(cli, tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text("findings: {site: stomach, vimentin: positive}\n", encoding="utf-8")
    status, out, _ = cli("diagnose", path, "--ignore-unknown", "--json")
    assert status == 0
    assert any("vimentin" in alert for alert in json.loads(out)["alerts"])


def test_impossible_together_is_refused_by_name(cli, tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text("findings: {tumour: SCHW, genotype: KIT_ex11}\n", encoding="utf-8")
    status, out, err = cli("diagnose", path)
    assert (status, out) == (2, "")
    assert "cannot be true together" in err
    assert "genotype" in err


def test_treat_draws_and_writes_the_calendar(cli, tmp_path):
    tree, states, calendar = tmp_path / "tree.png", tmp_path / "states.svg", tmp_path / "plan.ics"
    status, out, _ = cli(
        "treat", CASES / "open_180.yaml", "--tree", tree, "--occupancy", states,
        "--calendar", calendar,
    )  # fmt: skip
    assert status == 0
    assert "Choice:" in out
    assert tree.stat().st_size > 5000
    assert states.read_text(encoding="utf-8").lstrip().startswith("<?xml")
    assert calendar.read_text(encoding="utf-8").startswith("BEGIN:VCALENDAR")
    status, out, err = cli("treat", CASES / "open_180.yaml", "--tree", tmp_path / "tree.txt")
    assert (status, out) == (2, "")
    assert "ends in .png" in err
    status, _, err = cli("treat", CASES / "open_180.yaml", CASES / "open_001.yaml", "--tree", tree)
    assert status == 2
    assert "of one case" in err


@pytest.mark.parametrize(
    "words",
    [
        ("evidence", "leave-out", "--out"),
        ("held-out", "--out"),
        ("none-of-these", "--out"),
        ("treat", CASES / "open_180.yaml", "--calendar"),
    ],
    ids=lambda words: words[-2],
)
def test_a_file_in_a_folder_that_is_not_there_is_refused_before_the_work(cli, tmp_path, words):
    status, out, err = cli(*words, tmp_path / "nowhere" / "page.md")
    assert (status, out) == (2, "")
    assert "there is no folder" in err
    assert err.count("\n") == 1
