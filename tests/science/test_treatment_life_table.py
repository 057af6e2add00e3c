"""The copied life table is whole: its own printed life expectancies follow from its q(x)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.treatment import load_treatment_model
from mesenbayes.treatment.life_table import cycle_mortality

ROWS = load_treatment_model(
    Path(__file__).parents[2] / "networks/mesenchymal/treatment"
).folder.tables["life_table"]


@pytest.mark.parametrize("sex", ["male", "female"])
def test_expectation_of_life_follows_from_the_death_probabilities(sex: str) -> None:
    q = np.array([float(row.text(f"{sex}_qx")) for row in ROWS])
    printed = np.array([float(row.text(f"{sex}_ex")) for row in ROWS])
    survivors = np.concatenate([[1.0], np.cumprod(1 - q)])
    lived = (survivors[:-1] + survivors[1:]) / 2  # deaths at mid-year
    expectation = np.cumsum(lived[::-1])[::-1] / survivors[:-1]
    # infant deaths come early in the year, hence a little more at age 0; 100 is high enough
    assert np.abs(expectation - printed)[1:101].max() < 0.02
    assert abs(expectation[0] - printed[0]) < 0.02


def test_a_cycle_is_a_fraction_of_a_year() -> None:
    quarter = cycle_mortality(ROWS, age=60, female=0.0, cycles=4, cycle_years=0.25)
    assert 1 - np.prod(1 - quarter) == pytest.approx(float(ROWS[60].text("male_qx")))
    with pytest.raises(CaseError, match="outside the life table"):
        cycle_mortality(ROWS, age=400, female=0.5, cycles=1, cycle_years=1.0)
