"""Which single parameters could give a diagnosis a wanted probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.sensitivity.distance import parameter_distance
from mesenbayes.sensitivity.function import OneWay

if TYPE_CHECKING:
    import pandas as pd


def tune(one_way: OneWay, probability: float, hypothesis: str | int | None = None) -> pd.DataFrame:
    """Return every single-parameter change that gives a hypothesis a wanted probability.

    N - eps D = 0 is linear in t (Chan & Darwiche 2002): t = theta - (q - eps) / (a1 - eps a0).

    Returns
    -------
    One row for each parameter that can do it, by distance.

    Raises
    ------
    CaseError
        If the probability is not between 0 and 1.
    """
    import pandas as pd

    if not 0 < probability < 1:
        raise CaseError(f"a probability of {probability} cannot be aimed at")
    k, e = one_way.position(hypothesis), one_way.entries
    slope = one_way.a[k] - probability * one_way.a.sum(axis=0)
    offset = one_way.b[k] - probability * one_way.b.sum(axis=0)
    able = one_way.movable & (np.abs(slope) > 1e-12) & (e.theta > 0)
    t = np.divide(-offset, slope, out=np.full_like(slope, np.nan), where=able)
    found = np.flatnonzero(able & (t >= 0) & (t <= 1))
    frame = pd.DataFrame(
        {
            "parameter": [e.label(int(i)) for i in found],
            "value": e.theta[found],
            "becomes": t[found],
            "distance": parameter_distance(e.theta[found], t[found]),
        }
    )
    return frame.sort_values("distance", ignore_index=True)
