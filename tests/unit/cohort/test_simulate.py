import sys

import numpy as np
import pandas as pd
import pytest

from mesenbayes.cli import main
from mesenbayes.cohort.ordering import OrderingPolicy
from mesenbayes.cohort.run import run_cohort
from mesenbayes.errors import CaseError
from mesenbayes.facade import of_tables
from mesenbayes.testing import network_from_arrays


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["mesenbayes", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_same_seed_writes_the_same_bytes(tmp_path, monkeypatch, ending):
    one, two, other = (tmp_path / f"{name}.{ending}" for name in ("one", "two", "other"))
    for path, seed in ((one, 4), (two, 4), (other, 5)):
        assert run(monkeypatch, "simulate", "-n", 30, "--seed", seed, "--out", path) == 0
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_a_simulated_cohort_is_read_back_by_the_cohort_command(network, tmp_path, monkeypatch):
    path = tmp_path / "class.csv"
    assert run(monkeypatch, "simulate", "-n", 40, "--complete", "--out", path) == 0
    frame = pd.read_csv(path)
    assert frame.notna().all().all()
    run_cohort(network, path, tmp_path / "out.csv")
    results = pd.read_csv(tmp_path / "out.csv")
    assert list(results["true_tumour"]) == list(frame["true_tumour"])
    assert run(monkeypatch, "simulate", "-n", 0, "--out", tmp_path / "none.csv") == 0
    assert len(pd.read_csv(tmp_path / "none.csv")) == 0


@pytest.mark.parametrize("settings", [{"recorded": 1.5}, {"enough": 0}, {"per_round": 0}])
def test_a_policy_that_cannot_be_is_refused(settings):
    with pytest.raises(CaseError):
        OrderingPolicy(**settings)


def test_states_that_are_called_like_columns_keep_apart(tmp_path):
    network = of_tables(
        network_from_arrays(
            {"T": ["id", "probability"], "K": ["yes", "no"]}, {"K": ["T"]},
            {"T": [0.5, 0.5], "K": [[0.9, 0.1], [0.3, 0.7]]},
        )
    )  # fmt: skip
    answered = network.diagnose_frame(pd.DataFrame({"K": ["yes"]}), target="T")
    np.testing.assert_allclose(answered.to_numpy(), [[0.75, 0.25]])  # 0.9 / (0.9 + 0.3)
    (tmp_path / "c.csv").write_text("id,K\na,yes\n")
    run_cohort(network, tmp_path / "c.csv", tmp_path / "o.csv", target="T")
    assert pd.read_csv(tmp_path / "o.csv")["p_id"][0] == pytest.approx(0.75)
