"""What is not known about a yes/no finding: expressing lineage or not.

The rate of a marker over tumour types is not bell-shaped: most types do not make the
antigen, some nearly always do. Each cell (tumour, finding) is therefore drawn from one of
two Beta distributions,

    rate ~ Beta(a_1, b_1) if the type expresses it (z = 1), else Beta(a_0, b_0),

whose parameters are fitted once to all studied cells of a kind (stains; gene tests; ...) by
EM on the beta-binomial likelihood of their effective counts. For a cell without a study,
P(z = 1) is read off its relatives: the cells of the same finding in the same lineage, then
in all others. Markers are studied where they are positive, so an unstudied cell is less
likely to express than a studied one; by how much is a declared prior (`unstudied_odds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit


@dataclass(frozen=True)
class BetaMixture:
    """Two Beta components, the non-expressing one first.

    Parameters
    ----------
    a, b
        Parameters of the two components.
    expressing
        Overall share of the expressing component among studied cells.
    """

    a: tuple[float, float]
    b: tuple[float, float]
    expressing: float

    def responsibility(
        self, k: NDArray[np.float64], n: NDArray[np.float64], prior: float | None = None
    ) -> NDArray[np.float64]:
        """Return P(z = 1 | k of n effective cases), same shape as `k`."""
        p = self.expressing if prior is None else prior
        log_odds = (
            np.log(p / (1 - p))
            + _log_beta_binomial(k, n, self.a[1], self.b[1])
            - _log_beta_binomial(k, n, self.a[0], self.b[0])
        )
        return np.asarray(expit(log_odds))

    def moments(self, p: float) -> tuple[float, float]:
        """Return mean and strength (a + b) of the Beta that matches the mixture with
        P(z = 1) = `p` in mean and variance."""
        a, b = np.array(self.a), np.array(self.b)
        weight = np.array([1 - p, p])
        m = a / (a + b)
        second = a * (a + 1) / ((a + b) * (a + b + 1))
        mean = float(weight @ m)
        variance = float(weight @ second) - mean**2
        return mean, mean * (1 - mean) / variance - 1


def _log_beta_binomial(
    k: NDArray[np.float64], n: NDArray[np.float64], a: float, b: float
) -> NDArray[np.float64]:
    """Log of the beta-binomial likelihood without the binomial coefficient, which cancels;
    defined for fractional effective counts."""
    return np.asarray(betaln(a + k, b + n - k) - betaln(a, b))


def fit_beta_mixture(
    k: NDArray[np.float64],
    n: NDArray[np.float64],
    sweeps: int = 60,
    tolerance: float = 1e-6,
) -> BetaMixture:
    """Fit the two components by EM.

    Parameters
    ----------
    k, n : (cells,)
        Effective positive cases and effective cases of each studied cell.
    """
    share = k / n
    r = (share > 0.5).astype(float) * 0.9 + 0.05
    # Start: half a case in twenty for the silent component, a wide right-skewed one for the
    # expressing. EM moves both; the start only says which component is which.
    a, b = [0.5, 2.0], [9.5, 1.0]
    previous = -np.inf
    for _ in range(sweeps):
        p = float(np.clip(r.mean(), 0.02, 0.98))
        for component, weight in ((0, 1 - r), (1, r)):
            a[component], b[component] = _fit_beta(k, n, weight, a[component], b[component])
        mixture = BetaMixture((a[0], a[1]), (b[0], b[1]), p)
        likelihood = float(
            np.logaddexp(
                np.log(1 - p) + _log_beta_binomial(k, n, a[0], b[0]),
                np.log(p) + _log_beta_binomial(k, n, a[1], b[1]),
            ).sum()
        )
        r = mixture.responsibility(k, n)
        if likelihood - previous < tolerance * abs(likelihood):
            break
        previous = likelihood
    return mixture


def _fit_beta(
    k: NDArray[np.float64], n: NDArray[np.float64], weight: NDArray[np.float64], a: float, b: float
) -> tuple[float, float]:
    """Maximise the weighted beta-binomial likelihood over (log a, log b)."""

    def negative(log_ab: NDArray[np.float64]) -> float:
        return -float(weight @ _log_beta_binomial(k, n, *np.exp(log_ab)))

    # Bounds keep a component proper when few cells belong to it.
    found = minimize(
        negative, np.log([a, b]), method="L-BFGS-B", bounds=[(-3.5, 4.0), (-3.5, 4.5)]
    )
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def probability_expressing(
    same_lineage: Sequence[float],
    other_lineages: Sequence[float],
    overall: float,
    unstudied_odds: float,
    family_weight: float = 2.0,
) -> float:
    """Return P(z = 1) for a cell without a study.

    Parameters
    ----------
    same_lineage, other_lineages
        P(z = 1 | counts) of the studied cells of the same finding.
    overall
        P(z = 1) over all findings of the kind, worth `family_weight` cells.
    unstudied_odds
        Factor on the odds for not having been studied, unless a relative of the same
        lineage expresses it.
    """
    base = (family_weight * overall + sum(other_lineages)) / (family_weight + len(other_lineages))
    odds = base / (1 - base) * unstudied_odds
    base = odds / (1 + odds)
    return float((family_weight * base + sum(same_lineage)) / (family_weight + len(same_lineage)))
