import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mesenbayes.cli import app, main
from mesenbayes.cohort.run import here, run_cohort
from mesenbayes.errors import CaseError

arrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra 'cohort'")


def test_the_results_are_the_posteriors_of_the_rows(network, cases, cases_csv, tmp_path):
    out = tmp_path / "out.parquet"
    run = run_cohort(network, cases_csv, out, chunk_size=64)
    assert (run.n_rows, run.n_answered, run.n_rejected, run.rejected) == (250, 250, 0, None)
    results = pd.read_parquet(out)
    expected = network.diagnose_frame(cases)
    np.testing.assert_allclose(
        results[list(expected.columns)].to_numpy(), expected.to_numpy(), rtol=1e-9
    )
    assert list(results["id"]) == list(cases["id"])
    assert list(results["true_tumour"]) == list(cases["true_tumour"])
    assert list(results["leading"]) == list(expected.idxmax(axis=1))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_in_and_out_says_the_same(network, cases, tmp_path, kind):
    path = tmp_path / f"cases.{kind}"
    {
        "csv": lambda: cases.to_csv(path, index=False),
        "jsonl": lambda: cases.to_json(path, orient="records", lines=True),
        "parquet": lambda: cases.to_parquet(path),
    }[kind]()
    run_cohort(network, path, tmp_path / f"out.{kind}", chunk_size=100)
    read = {
        "csv": pd.read_csv,
        "jsonl": lambda p: pd.read_json(p, lines=True),
        "parquet": pd.read_parquet,
    }[kind]
    results = read(tmp_path / f"out.{kind}")
    expected = network.diagnose_frame(cases)
    np.testing.assert_allclose(results[list(expected.columns)], expected, rtol=1e-9, atol=1e-14)


class Interrupted(RuntimeError):
    pass


def stop_after(parts):
    def workers(task, chunks):
        for done, part in enumerate(here(task, chunks)):
            if done == parts:
                raise Interrupted
            yield part

    return workers


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(network, cases_csv, tmp_path):
    whole, broken = tmp_path / "whole.parquet", tmp_path / "broken.parquet"
    run_cohort(network, cases_csv, whole, chunk_size=50)
    for parts in (1, 2):
        with pytest.raises(Interrupted):
            run_cohort(network, cases_csv, broken, chunk_size=50, workers=stop_after(parts))
        assert not broken.exists()
    run = run_cohort(network, cases_csv, broken, chunk_size=50)
    assert run.n_resumed == 150
    assert run.n_rows == 250
    assert broken.read_bytes() == whole.read_bytes()
    assert not broken.with_name("broken.parquet.parts").exists()


def test_a_killed_process_loses_and_doubles_nothing(network, cases, tmp_path):
    path = tmp_path / "cases.csv"
    many = pd.concat([cases.assign(id=[f"{r}-{i}" for i in cases["id"]]) for r in range(40)])
    many.to_csv(path, index=False)
    out = tmp_path / "out.csv"
    command = [
        sys.executable, "-m", "mesenbayes", "cohort", str(path), "--out", str(out),
        "--chunk", "100",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = tmp_path / "out.csv.parts"
    while process.poll() is None and len(list(parts.glob("*.done"))) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists(), "the run was over before it could be killed"
    run = run_cohort(network, path, out, chunk_size=100)
    assert run.n_resumed >= 300
    results = pd.read_csv(out)
    assert list(results["id"]) == list(many["id"])


def test_a_finished_run_is_not_repeated_and_not_overwritten(network, cases_csv, tmp_path):
    out = tmp_path / "out.csv"
    first = run_cohort(network, cases_csv, out)
    stamp = out.stat().st_mtime_ns
    assert run_cohort(network, cases_csv, out) == first
    assert out.stat().st_mtime_ns == stamp
    with pytest.raises(CaseError, match="not the answer to this question"):
        run_cohort(network, cases_csv, out, target="genotype")


def test_parts_of_another_question_are_not_mixed_in(network, cases_csv, tmp_path):
    with pytest.raises(Interrupted):
        run_cohort(network, cases_csv, tmp_path / "o.csv", chunk_size=50, workers=stop_after(1))
    with pytest.raises(CaseError, match="another input, network or setting"):
        run_cohort(network, cases_csv, tmp_path / "o.csv", chunk_size=60)


def test_bad_rows_are_set_aside_by_row_and_reason_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(
        b"id,site,size_cm,CD117\n"
        b"a,stomach,4.5,positive\n"
        b"b,stomach,45 mm,positive\n"  # mixed units
        b"a,stomach,3,positive\n"  # an id twice
        b"c,stomach,3\n"  # a field short
        b"d,moon,3,positive\n"  # no such place
        b"e,stomach,-3,positive\n"  # impossible
        b"f,stom\xffach,3,positive\n"  # not UTF-8
        b",stomach,3,positive\n"  # no id
        b"g,stomach,,\n"
    )
    out = tmp_path / "out.csv"
    result = CliRunner().invoke(app, ["cohort", str(path), "--out", str(out)])
    assert result.exit_code == 1
    assert "2 of 9 cases answered" in result.stdout
    assert list(pd.read_csv(out)["id"]) == ["a", "g"]
    rejected = pd.read_csv(tmp_path / "out.csv.rejected.csv", dtype=str).set_index("row")["reason"]
    expected = {
        "2": "'45 mm' is not in cm", "3": "given to an earlier row", "4": "3 fields",
        "5": "site cannot be 'moon'", "6": "impossible", "7": "site cannot be", "8": "no id",
    }  # fmt: skip
    assert set(rejected.index) == set(expected)
    for row, reason in expected.items():
        assert reason in rejected[row], rejected[row]


def test_ids_twice_are_found_across_chunks_and_after_an_interruption(network, tmp_path):
    path = tmp_path / "twice.csv"
    ids = [f"c{i}" for i in range(20)] + ["c3", "c19"]
    pd.DataFrame({"id": ids, "site": "stomach"}).to_csv(path, index=False)
    with pytest.raises(Interrupted):
        run_cohort(network, path, tmp_path / "o.csv", chunk_size=6, workers=stop_after(2))
    run = run_cohort(network, path, tmp_path / "o.csv", chunk_size=6)
    assert (run.n_answered, run.n_rejected) == (20, 2)
    assert list(pd.read_csv(run.rejected)["row"]) == [21, 22]


def test_json_lines_may_be_whole_cases_with_variants_and_doubt(network, tmp_path):
    path = tmp_path / "cases.jsonl"
    lines = [
        {"id": "a", "findings": {"site": "stomach"},
         "variants": [{"gene": "PDGFRA", "protein": "p.D842V"}]},
        {"id": "b", "site": "stomach",
         "CD117": {"likelihood": {"positive": 0.9, "focal": 0.2, "negative": 0.05}}},
        {"id": "c", "findings": {"site": "stomach",
                                 "CD117": {"probability": {"positive": 0.5, "negative": 0.5}}}},
        {"id": "d", "findings": {"moon": "full"}},
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n{broken\n[]\n")
    run = run_cohort(network, path, tmp_path / "out.csv")
    assert (run.n_answered, run.n_rejected) == (3, 3)
    results = pd.read_csv(tmp_path / "out.csv").set_index("id")
    for line in lines[:3]:
        alone = network.diagnose({"findings": {}, **line} if "findings" in line
                                 else {"site": line["site"], "CD117": line["CD117"]})  # fmt: skip
        np.testing.assert_allclose(
            results.loc[line["id"], list(network.variable("tumour").states)].astype(float),
            alone.probabilities, rtol=1e-6,
        )  # fmt: skip
    reasons = list(pd.read_csv(run.rejected)["reason"])
    assert "unknown finding 'moon'" in reasons[0]
    assert "not JSON at column" in reasons[1]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.csv", b"", "the file is empty"),
        ("x.csv", b"id,site,site\n", "two columns are called 'site'"),
        ("x.csv", b"id,moon\na,full\n", "unknown finding 'moon'"),
        ("x.csv", b"id\na\n", "none of the columns"),
        ("x.csv", b"id,site\n", "has no cases"),
        ("x.parquet", b"PAR1 and then nothing", "not a Parquet file, or cut short"),
        ("x.xlsx", b"", "a cohort ends in"),
    ],
)
def test_a_file_that_cannot_be_read_is_status_2_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, name, content, reason
):
    path = tmp_path / name
    path.write_bytes(content)
    out = tmp_path / "out.csv"
    monkeypatch.setattr(sys, "argv", ["mesenbayes", "cohort", str(path), "--out", str(out)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_a_truncated_parquet_file_is_named(network, cases, tmp_path):
    path = tmp_path / "cases.parquet"
    cases.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CaseError, match=r"cases.parquet: not a Parquet file, or cut short"):
        run_cohort(network, path, tmp_path / "out.parquet")


def test_findings_that_exclude_each_other_are_named(network, tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("id,genotype,site\na,,stomach\n")
    run_cohort(network, path, tmp_path / "o.csv")
    path = tmp_path / "impossible.csv"
    path.write_text("id,tumour,genotype\na,LM,KIT_ex11\n")
    run = run_cohort(network, path, tmp_path / "i.csv", target="site")
    assert run.n_rejected == 1
    assert "cannot be true together: " in pd.read_csv(run.rejected)["reason"][0]
