"""Whether the credible intervals hold what they promise, on cases with a known answer.

A credible interval is about the probability, and a case shows only an outcome. So cases are put
together by their probability: in each bin the observed share, with its own sampling interval,
must meet the bin's mean credible interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.scores import equal_count_bins
from mesenbayes.diagnosis.certainty import certainty
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.evidence.intervals import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

FloatArray = NDArray[np.float64]
LEAST = 0.01


@dataclass(frozen=True, eq=False)
class Coverage:
    """Mean credible interval and observed share in bins of the probability.

    Parameters
    ----------
    predicted, low, high : (bins,)
        Mean probability and mean credible interval.
    observed, observed_low, observed_high : (bins,)
        Share of outcomes with its Wilson interval.
    count : (bins,)
    """

    predicted: FloatArray
    low: FloatArray
    high: FloatArray
    observed: FloatArray
    observed_low: FloatArray
    observed_high: FloatArray
    count: FloatArray

    @property
    def inside(self) -> float:
        """Share of bins whose observed share lies within the credible interval."""
        return float(((self.low <= self.observed) & (self.observed <= self.high)).mean())

    @property
    def compatible(self) -> float:
        """Share of bins whose sampling interval meets the credible interval."""
        meets = (self.observed_low <= self.high) & (self.low <= self.observed_high)
        return float(meets.mean())

    def to_frame(self) -> pd.DataFrame:
        """Return the bins as a table."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in self.__dataclass_fields__})


def credible_intervals(
    network: Network, codes: NDArray[np.intp], target: str = "tumour"
) -> FloatArray:
    """Return the 95 % credible interval of every state in every case, (cases, states, 2)."""
    return np.stack(
        [
            certainty(network, network.compiled, Encoded(row, {}), target, method="delta").interval
            for row in codes
        ]
    )


def interval_coverage(
    p: FloatArray,
    intervals: FloatArray,
    y: NDArray[np.intp],
    bins: int = 10,
    least: float = LEAST,
) -> Coverage:
    """Return the coverage of the intervals over all classes together.

    Parameters
    ----------
    p : (cases, classes)
    intervals : (cases, classes, 2)
    y : (cases,)
    least
        Probabilities below are left out: of forty diagnoses most are excluded in every case, and
        their bins would say nothing forty times.
    """
    kept = p >= min(least, float(p.max()))
    outcome = np.eye(p.shape[1])[y][kept]
    flat, low, high = p[kept], intervals[..., 0][kept], intervals[..., 1][kept]
    rows = []
    for members in equal_count_bins(flat, bins):
        n = len(members)
        observed = float(outcome[members].mean())
        rows.append(
            (flat[members].mean(), low[members].mean(), high[members].mean(), observed,
             *wilson_interval(min(observed, 1.0) * n, n), n)
        )  # fmt: skip
    return Coverage(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))
