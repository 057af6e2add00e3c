"""``mesenbayes evidence ...`` as a person meets it, on the tiny network."""

import json
from pathlib import Path

import pytest

from mesenbayes.network.folder import builder_of


@pytest.fixture
def evidence(monkeypatch, cli, tiny_folder):
    """Run ``mesenbayes evidence`` on the tiny network; (exit status, output, errors)."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> tuple[int, str, str]:
        builder_of.cache_clear()
        return cli("evidence", *arguments, "--network", tiny_folder)

    return run


def test_check_counts_and_finds(evidence, tiny_folder: Path) -> None:
    status, out, _ = evidence("check")
    assert (status, "0 problems" in out) == (0, True)
    table = tiny_folder / "evidence" / "counts" / "all.csv"
    wrong = "GITS,CD117,positive,5,10,,,,LARGE2001,primary,,,5 of 10\n"
    table.write_text(table.read_text() + wrong)
    status, out, err = evidence("check")
    assert status == 2
    assert "all.csv:18 column tumour: unknown code 'GITS'; did you mean GIST" in err


def test_coverage_prints_matrix_share_and_holes(evidence, tmp_path: Path) -> None:
    picture = tmp_path / "coverage.svg"
    status, out, _ = evidence("coverage", "--plot", str(picture))
    assert status == 0
    line = next(x for x in out.splitlines() if x.startswith("CD117"))
    assert line.split()[1:] == ["##.", "200", "cases"]
    assert "rest on counts" in out
    assert "Worst holes" in out
    assert picture.read_text().startswith("<?xml")
    _, out, _ = evidence("coverage", "--json")
    assert json.loads(out)["cells"]["GIST"]["CD117"] == {"origin": "counts", "n": 160, "studies": 3}


def test_cell_prints_studies_reasons_and_intervals(evidence, tmp_path: Path) -> None:
    picture = tmp_path / "forest.png"
    status, out, _ = evidence("cell", "GIST", "CD117", "--plot", str(picture))
    assert status == 0
    for words in (
        "95/100", "PICKED2003", "selected by the stain", "same cases as a larger series (archive)",
        "one more laboratory would find", "Without its own studies",
    ):  # fmt: skip
        assert words in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    _, out, _ = evidence("cell", "GIST", "CD117", "--json")
    data = json.loads(out)
    assert [s["source_id"] for s in data["pooled"]] == ["LARGE2001", "SMALL2002", "NEW2005"]
    assert len(data["excluded"]) == 2


def test_sources_and_one_source_and_a_sample(evidence) -> None:
    status, out, _ = evidence("sources")
    assert status == 0
    assert "6 sources with" in out
    status, out, _ = evidence("source", "picked2003")
    assert (status, '"10 of 30"' in out) == (0, True)
    assert "not pooled: selected by the stain" in out
    first = evidence("sample", "-n", "3", "--seed", "1")
    assert first == evidence("sample", "-n", "3", "--seed", "1")
    _, out, _ = evidence("sample", "-n", "3", "--json")
    assert len(json.loads(out)) == 3


def test_leave_out_runs_given_cases_and_those_of_the_network(evidence, tiny_folder: Path) -> None:
    status, _, err = evidence("leave-out")
    assert status == 2
    assert "there are no cases here" in err
    (tiny_folder / "cases").mkdir()
    case = tiny_folder / "cases" / "one.yaml"
    case.write_text("id: one\nfindings: {CD117: negative, S100: positive}\n")
    status, out, _ = evidence("leave-out")
    assert status == 0
    assert "LARGE2001" in out
    _, out, _ = evidence("leave-out", str(case), "--json")
    assert {m["case"] for m in json.loads(out)["sources"]} == {"one"}


def test_joint_prints_what_lies_outside(evidence) -> None:
    status, out, _ = evidence("joint", "--draws", "100")
    assert status == 0
    assert "NO" in out
    assert "1 of 2 published joint counts" in out
    assert "colour is not modelled" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cell", "GITS", "CD117"), "unknown tumour 'GITS'; did you mean GIST"),
        (("cell", "GIST", "CD17"), "unknown finding 'CD17'; did you mean CD117"),
        (("cell", "GIST", "CD117", "--state", "purple"), "CD117 cannot be 'purple'"),
        (("cell", "GIST", "CD117", "--plot", "x.gif"), "ends in .png, .svg or .pdf"),
        (("cell", "GIST", "CD117", "--plot", "nowhere/x.png"), "there is no folder nowhere"),
        (("source", "LARGE20001"), "unknown source 'LARGE20001'; did you mean LARGE2001"),
        (("leave-out", "nowhere.yaml"), "there is no such file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(evidence, arguments, words) -> None:
    status, out, err = evidence(*arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("mesenbayes: ")
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_broken_rows_are_all_named_one_a_line(evidence, tiny_folder: Path) -> None:
    table = tiny_folder / "evidence" / "counts" / "all.csv"
    table.write_text(
        table.read_text()
        + "GIST,CD117,positive,11,10,,,,LARGE2001,primary,,,x\n"
        + "GIST,CD117,positive,1,2,,,,LARGE2001,primary,,,x\n"
    )
    for command in (("coverage",), ("cell", "GIST", "CD117"), ("sources",), ("joint",)):
        status, out, err = evidence(*command)
        assert (status, out) == (2, "")
        assert "all.csv:18 column row: k = 11 is more than n = 10" in err
        assert "all.csv:19 column n:" in err
        assert len(err.strip().splitlines()) == 2
