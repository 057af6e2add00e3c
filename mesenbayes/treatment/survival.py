"""Survival curves from the few numbers that abstracts print.

A published arm is a median, a rate at a time, a hazard ratio. Two of them make a Weibull
curve in closed form; more are fitted by least squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError
from mesenbayes.treatment.result import Result


def exponential_rate(
    *, median: float | None = None, survival: float = 0.5, at: float = 0.0
) -> float:
    """Return the constant hazard of a curve with this median, or this survival at a time."""
    time = at if median is None else median
    level = survival if median is None else 0.5
    if time <= 0 or not 0 < level < 1:
        raise CaseError(f"survival {level} at time {time} does not fix an exponential curve")
    return -math.log(level) / time


@dataclass(frozen=True)
class Weibull(Result):
    """S(t) = exp(-(t / scale)^shape); shape 1 is the exponential curve."""

    shape: float
    scale: float

    def survival(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return S(t)."""
        return np.asarray(np.exp(-((np.asarray(time, float) / self.scale) ** self.shape)))

    def quantile(self, survival: float) -> float:
        """Return the time at which S(t) falls to `survival`."""
        return float(self.scale * (-math.log(survival)) ** (1 / self.shape))

    @property
    def median(self) -> float:
        """Median survival."""
        return self.quantile(0.5)

    @property
    def mean(self) -> float:
        """Mean survival, scale x Gamma(1 + 1/shape)."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    def with_hazard_ratio(self, hazard_ratio: float) -> Weibull:
        """Return the curve whose hazard is `hazard_ratio` times this one's at every time."""
        # HR (t/b)^k = (t/b')^k  =>  b' = b HR^(-1/k)
        return Weibull(self.shape, self.scale * hazard_ratio ** (-1 / self.shape))


def weibull_through(t1: float, s1: float, t2: float, s2: float) -> Weibull:
    """Return the Weibull curve through two printed points.

    log(-log S) is linear in log t, so shape = (y2 - y1) / (x2 - x1).

    Raises
    ------
    CaseError
        If survival does not fall between the points.
    """
    if not (0 < t1 < t2 and 1 > s1 > s2 > 0):
        raise CaseError(f"S({t1}) = {s1} and S({t2}) = {s2} do not fix a falling curve")
    shape = math.log(math.log(s2) / math.log(s1)) / math.log(t2 / t1)
    return Weibull(shape, t1 / (-math.log(s1)) ** (1 / shape))


def weibull_arms(
    median_treated: float, median_control: float, hazard_ratio: float
) -> tuple[Weibull, Weibull]:
    """Return two Weibull arms with these medians and proportional hazards.

    Medians m1, m0 and a hazard ratio HR agree for exactly one shape:
    m1 / m0 = HR^(-1/k)  =>  k = -log HR / log(m1/m0).

    Raises
    ------
    CaseError
        If the longer median does not belong to the lower hazard.
    """
    ratio = median_treated / median_control
    if hazard_ratio <= 0 or ratio <= 0 or (hazard_ratio < 1) != (ratio > 1) or ratio == 1:
        raise CaseError(
            f"medians {median_treated} and {median_control} contradict a hazard ratio of "
            f"{hazard_ratio} under proportional hazards"
        )
    shape = -math.log(hazard_ratio) / math.log(ratio)
    control = Weibull(shape, median_control / math.log(2) ** (1 / shape))
    return control.with_hazard_ratio(hazard_ratio), control


def fit_weibull(times: ArrayLike, survival: ArrayLike) -> Weibull:
    """Return the Weibull curve nearest to printed points (least squares in S)."""
    from scipy.optimize import least_squares

    t, s = np.asarray(times, float), np.asarray(survival, float)
    slope, intercept = np.polyfit(np.log(t), np.log(-np.log(s)), 1)
    start = [math.log(slope), -intercept / slope]

    def residual(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(Weibull(math.exp(p[0]), math.exp(p[1])).survival(t) - s)

    best = least_squares(residual, start).x
    return Weibull(math.exp(best[0]), math.exp(best[1]))


@dataclass(frozen=True)
class TrialPoint:
    """Recurrence-free survival printed for one arm at one time."""

    trial: str
    years_on_imatinib: float
    years: float
    value: float
    n: float


@dataclass(frozen=True, eq=False)
class AdjuvantFit(Result):
    """Recurrence after resection of GIST under T years of adjuvant imatinib.

    A fraction P of the resected will recur, at rate h; on the drug the rate is r h; each
    year of drug also cures, P_T = P exp(-kappa T) (SSGXVIII needs it: delay alone does not
    leave 10.7 points between the arms at ten years, as EORTC 62024 has 2):

        S(t) = 1 - P_T [1 - exp(-h (r t_on + t_off))]

    Parameters
    ----------
    latent
        P of each trial.
    rate, cure_per_year, rate_ratio
        h, kappa, and r (given, not fitted).
    log_covariance : (2, 2)
        Covariance of (log h, kappa).
    chi_square, points
        Weighted squared error and the number of printed points.
    """

    latent: dict[str, float]
    rate: float
    cure_per_year: float
    rate_ratio: float
    log_covariance: NDArray[np.float64]
    chi_square: float
    points: tuple[TrialPoint, ...]

    def survival(
        self, trial: str, years_on_imatinib: float, years: ArrayLike
    ) -> NDArray[np.float64]:
        """Return recurrence-free survival of a trial's patients under T years of imatinib."""
        return _adjuvant_curve(
            np.asarray(years, float), years_on_imatinib, self.latent[trial], self.rate,
            self.rate_ratio, self.cure_per_year,
        )  # fmt: skip

    def rows(self) -> list[dict[str, object]]:
        """Printed against fitted, one row per point."""
        return [
            {
                "trial": p.trial,
                "years_on_imatinib": p.years_on_imatinib,
                "years": p.years,
                "printed": p.value,
                "fitted": float(self.survival(p.trial, p.years_on_imatinib, p.years)),
            }
            for p in self.points
        ]


def _adjuvant_curve(
    t: NDArray[np.float64], on_years: ArrayLike, P: ArrayLike, h: float, r: float, kappa: float
) -> NDArray[np.float64]:
    T = np.asarray(on_years, float)
    on = np.minimum(t, T)
    off = t - on
    P_T = np.asarray(P, float) * np.exp(-kappa * T)
    return np.asarray(1 - P_T * (1 - np.exp(-h * (r * on + off))))


def gauss_newton(
    residual: Callable[[NDArray[np.float64]], NDArray[np.float64]], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least-squares solution and the Jacobian there.

    A damped Gauss-Newton iteration (Levenberg 1944) for a handful of numbers: loading
    scipy's optimiser would take longer than a decision. The tests compare.
    """
    x, damping = np.array(start, dtype=float), 1e-3

    def slope(x: NDArray[np.float64]) -> NDArray[np.float64]:
        step = 1e-6 * np.maximum(np.abs(x), 1.0)
        sides = [
            (residual(x + step * e) - residual(x - step * e)) / (2 * step[i])
            for i, e in enumerate(np.eye(len(x)))
        ]
        return np.stack(sides, axis=1)

    for _ in range(200):
        r, J = residual(x), slope(x)
        move = np.linalg.solve(J.T @ J + damping * np.eye(len(x)), -J.T @ r)
        if residual(x + move) @ residual(x + move) <= r @ r:
            x, damping = x + move, damping / 3
            if np.abs(move).max() < 1e-10:
                break
        else:
            damping *= 4
    return x, slope(x)


def fit_adjuvant(points: Sequence[TrialPoint], rate_ratio: float) -> AdjuvantFit:
    """Fit latent fractions per trial, one recurrence rate and one cure rate to printed RFS.

    Weights are binomial: se^2 = S (1 - S) / n.
    """
    trials = list(dict.fromkeys(point.trial for point in points))
    which = np.array([trials.index(point.trial) for point in points])
    T = np.array([point.years_on_imatinib for point in points])
    t = np.array([point.years for point in points])
    s = np.array([point.value for point in points])
    se = np.sqrt(s * (1 - s) / np.array([point.n for point in points]))

    def residual(p: NDArray[np.float64]) -> NDArray[np.float64]:
        P = 1 / (1 + np.exp(-p[2:]))
        return np.asarray(
            (_adjuvant_curve(t, T, P[which], math.exp(p[0]), rate_ratio, p[1]) - s) / se
        )

    start = np.concatenate([[math.log(0.4), 0.05], np.zeros(len(trials))])
    x, jacobian = gauss_newton(residual, start)
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    P = 1 / (1 + np.exp(-x[2:]))
    return AdjuvantFit(
        latent={trial: float(P[i]) for i, trial in enumerate(trials)},
        rate=math.exp(x[0]),
        cure_per_year=float(x[1]),
        rate_ratio=rate_ratio,
        log_covariance=np.asarray(covariance[:2, :2], dtype=np.float64),
        chi_square=float(residual(x) @ residual(x)),
        points=tuple(points),
    )
