from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mesenbayes.cohort.ordering import OrderingPolicy, simulate_cohort
from mesenbayes.facade import Network


@pytest.fixture(scope="session")
def network(gut: Network) -> Network:
    return gut


@pytest.fixture(scope="session")
def cases(network: Network) -> pd.DataFrame:
    """Two hundred and fifty simulated patients, the truth beside the findings."""
    return pd.concat(simulate_cohort(network, 250, OrderingPolicy(), rng=np.random.default_rng(4)))


@pytest.fixture
def cases_csv(cases: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    cases.to_csv(path, index=False)
    return path
