"""The same bytes from a Dask cluster of two workers, one of them killed midway."""

import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest

from mesenbayes.cohort.cluster import on_dask
from mesenbayes.cohort.ordering import COMPLETE, simulate_cohort
from mesenbayes.cohort.run import run_cohort
from mesenbayes.errors import CaseError
from mesenbayes.facade import load_network
from mesenbayes.network.folder import networks_folder

pytest.importorskip("pyarrow", reason="Parquet needs the extra 'cohort'")
distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")

pytestmark = pytest.mark.filterwarnings("ignore")  # of a cluster that is being shot at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the networks, so that nobody edits them while the cluster reads them."""
    for name in ("mesenchymal", "gi-mesenchymal"):
        shutil.copytree(networks_folder() / name, tmp_path / "networks" / name)
    return tmp_path / "networks" / "gi-mesenchymal"


def test_two_workers_one_killed_give_the_bytes_of_one_machine(folder, tmp_path):
    network = load_network(folder)
    cases = pd.concat(simulate_cohort(network, 600, COMPLETE, rng=8))
    cases.drop(columns=["true_genotype"]).to_parquet(tmp_path / "cases.parquet")
    alone, cluster = tmp_path / "alone.parquet", tmp_path / "cluster.parquet"
    run_cohort(network, tmp_path / "cases.parquet", alone, chunk_size=50)
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as two:
        answer = on_dask(two.scheduler_address, str(folder))

        def workers(task, chunks):
            for number, part in enumerate(answer(task, chunks)):
                if number == 2:
                    victim = next(iter(two.workers.values()))
                    killed.append(victim.pid)
                    os.kill(victim.pid, signal.SIGKILL)
                yield part

        run = run_cohort(
            network, tmp_path / "cases.parquet", cluster, chunk_size=50, workers=workers
        )
    assert killed
    assert run.n_answered == 600
    assert cluster.read_bytes() == alone.read_bytes()


def test_no_scheduler_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr("mesenbayes.cohort.cluster._PATIENCE", "1s")
    workers = on_dask("tcp://127.0.0.1:1", "gi-mesenchymal")
    with pytest.raises(CaseError, match="no Dask scheduler answers at"):
        next(workers(None, iter(())))
