"""Background mortality from a national life table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.treatment.records import Record


def cycle_mortality(
    table: Sequence[Record], *, age: float, female: float, cycles: int, cycle_years: float
) -> NDArray[np.float64]:
    """Return the probability of death in each cycle.

    Parameters
    ----------
    table
        Rows of ``life_table.csv`` in order of age.
    age
        Age at the start.
    female
        Probability of female sex.
    cycles, cycle_years
        Number and length of the cycles.

    Returns
    -------
    (cycles,) array
        1 - (1 - q)^dt with q at the age reached; the last row serves older ages.

    Raises
    ------
    CaseError
        If the age is outside the table.
    """
    q_m = np.array([float(record.text("male_qx")) for record in table])
    q_f = np.array([float(record.text("female_qx")) for record in table])
    if not 0 <= age < len(table):
        raise CaseError(f"age {age:g} is outside the life table (0 to {len(table) - 1})")
    reached = np.minimum((age + cycle_years * np.arange(cycles)).astype(int), len(table) - 1)
    q = (1 - female) * q_m[reached] + female * q_f[reached]
    return np.asarray(1 - (1 - q) ** cycle_years)
