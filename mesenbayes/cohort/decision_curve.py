"""Whether acting on the probabilities does more good than acting on none (Vickers & Elkin 2006).

At a threshold p_t, a patient is treated when p >= p_t, and

    NB = TP / N - FP / N  p_t / (1 - p_t)

and treating all yields prevalence - (1 - prevalence) p_t / (1 - p_t), treating nobody 0.

With more than two ways to treat, utilities take the place of the threshold: the option that
each posterior prefers is compared with giving everybody the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.scores import shares

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

THRESHOLDS = np.linspace(0.01, 0.99, 99)


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit of one decision over its thresholds, true positives per patient.

    Parameters
    ----------
    name
        What is decided.
    thresholds, model, treat_all : (thresholds,)
        Treating nobody is 0 everywhere.
    low, high : (thresholds,)
        Bootstrap interval of `model`; NaN without.
    """

    name: str
    thresholds: FloatArray
    model: FloatArray
    treat_all: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def avoided_per_100(self) -> FloatArray:
        """Interventions avoided in 100 patients, against treating all, at no cost in treated
        disease."""
        odds = self.thresholds / (1 - self.thresholds)
        return np.asarray((self.model - self.treat_all) / odds * 100)

    def to_frame(self) -> pd.DataFrame:
        """Return the curve as a table."""
        import pandas as pd

        return pd.DataFrame(
            {"decision": self.name, "threshold": self.thresholds, "net_benefit": self.model,
             "low": self.low, "high": self.high, "treat_all": self.treat_all,
             "avoided_per_100": self.avoided_per_100}
        )  # fmt: skip


def net_benefit(
    p: FloatArray, is_case: BoolArray, thresholds: FloatArray, w: FloatArray | None = None
) -> FloatArray:
    """Return the net benefit at each threshold."""
    used = shares(w, len(p))
    order = np.argsort(-p, kind="stable")
    true = np.concatenate([[0.0], np.cumsum(used[order] * is_case[order])])
    false = np.concatenate([[0.0], np.cumsum(used[order] * ~is_case[order])])
    treated = np.searchsorted(-p[order], -thresholds, side="right")  # p >= p_t
    return np.asarray(true[treated] - false[treated] * thresholds / (1 - thresholds))


def decision_curve(
    p: FloatArray,
    is_case: BoolArray,
    name: str = "treat",
    w: FloatArray | None = None,
    thresholds: FloatArray = THRESHOLDS,
    *,
    resamples: int = 0,
    rng: np.random.Generator | int | None = None,
) -> DecisionCurve:
    """Return the decision curve of a probability.

    Parameters
    ----------
    p, is_case : (cases,)
        Probability that treating is right, and whether it was.
    resamples
        Bootstrap samples of cases for the interval; 0 leaves it out.
    """
    used = shares(w, len(p))
    prevalence = float(is_case @ used)
    odds = thresholds / (1 - thresholds)
    low = high = np.full(len(thresholds), np.nan)
    if resamples:
        generator = np.random.default_rng(rng)
        drawn = np.empty((resamples, len(thresholds)))
        for r in range(resamples):
            rows = generator.integers(0, len(p), len(p))
            drawn[r] = net_benefit(p[rows], is_case[rows], thresholds, used[rows])
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return DecisionCurve(
        name, thresholds, net_benefit(p, is_case, thresholds, w),
        prevalence - (1 - prevalence) * odds, low, high,
    )  # fmt: skip


@dataclass(frozen=True)
class UtilityBenefit:
    """What choosing by posterior is worth, in units of utility a patient.

    Parameters
    ----------
    chosen
        Mean utility when every patient gets what the posterior prefers.
    same_for_all
        Option -> mean utility when everybody gets it.
    perfect
        Mean utility if the diagnosis were known.
    """

    chosen: float
    same_for_all: dict[str, float]
    perfect: float

    @property
    def gain(self) -> float:
        """Over the best treatment of all alike."""
        return self.chosen - max(self.same_for_all.values())


def utility_benefit(
    p: FloatArray,
    y: IntArray,
    utility: FloatArray,
    options: Sequence[str],
    w: FloatArray | None = None,
) -> UtilityBenefit:
    """Return the benefit of d*(case) = argmax_d sum_k p_k U(d, k).

    Parameters
    ----------
    utility : (options, classes)
    """
    used = shares(w, len(y))
    chosen = (p @ utility.T).argmax(axis=1)
    return UtilityBenefit(
        float(utility[chosen, y] @ used),
        {name: float(utility[d, y] @ used) for d, name in enumerate(options)},
        float(utility.max(axis=0)[y] @ used),
    )
