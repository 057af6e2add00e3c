"""Whether a probability of 70 % comes true in 70 of 100 cases, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from mesenbayes.cohort.scores import equal_count_bins, shares
from mesenbayes.evidence.intervals import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class ClassCalibration:
    """Calibration of one class.

    Parameters
    ----------
    name
        The class.
    n
        Cases of the class.
    slope, intercept
        Of logit P(class) = intercept + slope logit p (Cox 1958): 1 and 0 where calibrated; a
        slope below 1 is a network surer than it should be. NaN where a class is never or
        always the truth, or the fit runs away.
    error
        Expected calibration error over equal-count bins.
    predicted, observed, low, high, count : (bins,)
        Mean forecast, observed share with its Wilson interval, effective number of cases.
    """

    name: str
    n: int
    slope: float
    intercept: float
    error: float
    predicted: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    count: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Return the bins as a table."""
        import pandas as pd

        return pd.DataFrame(
            {"class": self.name, "predicted": self.predicted, "observed": self.observed,
             "low": self.low, "high": self.high, "cases": self.count}
        )  # fmt: skip


def calibrate(
    p: FloatArray,
    y: IntArray,
    names: tuple[str, ...],
    w: FloatArray | None = None,
    bins: int = 10,
) -> tuple[ClassCalibration, ...]:
    """Return the calibration of every class."""
    return tuple(
        class_calibration(p[:, k], y == k, name, w, bins) for k, name in enumerate(names)
    )


def class_calibration(
    p: FloatArray,
    is_class: NDArray[np.bool_],
    name: str,
    w: FloatArray | None = None,
    bins: int = 10,
) -> ClassCalibration:
    """Return the calibration of the probability `p` of one class."""
    used = shares(w, len(p))
    rows = []
    for members in equal_count_bins(p, bins):
        mass = float(used[members].sum())
        if mass == 0:
            continue
        local = used[members] / mass
        n = 1 / float((local**2).sum())  # Kish's effective number of cases
        observed = min(float(is_class[members] @ local), 1.0)
        low, high = wilson_interval(observed * n, n)
        rows.append((float(p[members] @ local), observed, low, high, n, mass))
    predicted, observed_, lows, highs, count, mass_ = (
        np.array(c) for c in zip(*rows, strict=True)
    )
    slope, intercept = cox(p, is_class, used)
    return ClassCalibration(
        name, int(is_class.sum()), slope, intercept,
        float(np.abs(predicted - observed_) @ mass_), predicted, observed_, lows, highs, count,
    )  # fmt: skip


def cox(
    p: FloatArray, is_class: NDArray[np.bool_], used: FloatArray
) -> tuple[float, float]:
    """Return slope and intercept of the logistic recalibration, by Newton's method."""
    if not is_class.any() or is_class.all():
        return float("nan"), float("nan")
    x = np.stack([logit(np.clip(p, _EDGE, 1 - _EDGE)), np.ones(len(p))])
    if np.ptp(x[0]) < _EDGE:
        return float("nan"), float("nan")
    beta = np.array([1.0, 0.0])
    for _ in range(100):
        mu = expit(beta @ x)
        gradient = x @ (used * (is_class - mu))
        hessian = (x * (used * mu * (1 - mu))) @ x.T
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return float("nan"), float("nan")
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return float(beta[0]), float(beta[1])
    return float("nan"), float("nan")
