"""How much studies of one cell disagree beyond chance.

Laboratories differ by antibody, cut-off and patients. Where nearly every tumour stains, or
nearly none, there is little room to differ; half way there is much. On the logit scale the
scatter is about the same everywhere (the random-effects model of Hamza, van Houwelingen and
Stijnen 2008), which on the scale of rates is the intra-class correlation

    rho(p) = rho_0 + tau^2 p (1 - p),

p the rate of the cell, tau the standard deviation of laboratories in logits and rho_0 what is
left at the ends. Both are fitted once to all cells of a kind of finding. For several states
p (1 - p) is half of sum_x p_x (1 - p_x).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.pooling import StudyCounts

_LARGEST = 0.9
_START = np.log([0.02, 0.5])
"""Where the fit of (ln rho_0, ln tau^2) starts, and where it stays when few cells speak: a
penalty of |x - start|^2 / 2, as for the classes of :mod:`mesenbayes.evidence.mixture`."""
_RATES = 80
"""Points of the integral over a cell's rate."""


@dataclass(frozen=True)
class BetweenStudy:
    """The disagreement of one kind of finding.

    Parameters
    ----------
    rho_0
        Intra-class correlation where the rate is 0 or 1.
    tau2
        Variance of laboratories on the logit scale; 0 for one rho everywhere.
    """

    rho_0: float
    tau2: float = 0.0

    def rho(self, proportions: NDArray[np.float64]) -> float:
        """Return the correlation at a cell's proportions, (states,)."""
        scatter = float((proportions * (1 - proportions)).sum()) / 2
        return float(min(self.rho_0 + self.tau2 * scatter, _LARGEST))

    def rho_of(self, studies: Sequence[StudyCounts]) -> float:
        """Return the correlation of a cell at the rate its own studies find.

        The rate depends on what each study counts for and that on the rate: the two are
        iterated, with one case spread evenly over the states, so that 0 of 5 is not yet a
        rate of 0.
        """
        if not studies or not self.tau2:
            return self.rho_0
        # Plain floats: a cell has a handful of studies, and a network a few thousand cells.
        cells = [(s.weight, s.n, s.proportions.tolist()) for s in studies]
        states = len(cells[0][2])
        rho = before = min(self.rho_0 + self.tau2 * (1 - 1 / states) / 2, _LARGEST)
        for _ in range(30):
            counts = [1 / states] * states
            for weight, n, shares in cells:
                worth = weight * n / (1 + (n - 1) * rho)
                counts = [c + worth * share for c, share in zip(counts, shares, strict=True)]
            total = sum(counts)
            scatter = sum(c * (total - c) for c in counts) / total**2 / 2
            before, rho = rho, min(self.rho_0 + self.tau2 * scatter, _LARGEST)
            if abs(rho - before) < 1e-9:
                break
        return rho


def fit_between_study(cells: Iterable[Sequence[StudyCounts]]) -> BetweenStudy:
    """Fit both numbers to the cells of a yes/no kind that two or more studies looked at.

    The beta-binomial likelihood of a cell is integrated over its rate p under Jeffreys'
    Beta(1/2, 1/2), so that a rate estimated from the same studies does not hide their
    scatter:

        sum over cells of ln integral prod_s BetaBinomial(k_s | n_s, p, rho(p)) dp.
    """
    from scipy.optimize import minimize  # only a fit waits for scipy
    from scipy.special import gammaln

    several = [tuple(studies) for studies in cells if len(studies) > 1]
    if not several:
        return BetweenStudy(*np.exp(_START))
    k = np.array([s.counts[1] for studies in several for s in studies])[:, None]
    n = np.array([s.counts.sum() for studies in several for s in studies])[:, None]
    first = np.cumsum([0, *(len(studies) for studies in several[:-1])])
    p = np.sin(np.pi / 2 * (np.arange(_RATES) + 0.5) / _RATES) ** 2

    def negative(x: NDArray[np.float64]) -> float:
        rho_0, tau2 = np.exp(x)
        precision = 1 / np.minimum(rho_0 + tau2 * p * (1 - p), _LARGEST) - 1
        a, b = p * precision, (1 - p) * precision
        logs = (
            gammaln(a + k) + gammaln(b + n - k) - gammaln(a + b + n)
            - gammaln(a) - gammaln(b) + gammaln(a + b)
        )  # fmt: skip
        by_cell = np.add.reduceat(logs, first, axis=0)
        top = by_cell.max(axis=1)
        likelihood = np.log(np.exp(by_cell - top[:, None]).mean(axis=1)) + top
        return float(0.5 * ((x - _START) ** 2).sum() - likelihood.sum())

    found = minimize(negative, _START, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7})
    return BetweenStudy(*(float(value) for value in np.exp(found.x)))


def intra_class_correlation(cells: Iterable[Sequence[StudyCounts]], floor: float) -> float:
    """Return the moment estimate of one rho over all cells with two or more studies.

    With p the pooled proportions of a cell, N = sum n_s and v = sum_x p_x (1 - p_x),

        E[ sum_s n_s |p_s - p|^2 ] = v [ (S - 1)(1 - rho) + rho (N - sum n_s^2 / N) ]

    (Kleinman 1973, summed over states and over cells). Cells whose studies all agree on 0 or
    1 carry no information about rho and drop out, so the estimate leans to disagreement.

    Parameters
    ----------
    floor
        Smallest value returned: a handful of agreeing studies does not prove agreement.
    """
    numerator = denominator = 0.0
    for everyone in cells:
        studies = [s for s in everyone if s.is_complete]
        if len(studies) < 2:
            continue
        n = np.array([s.n for s in studies], dtype=float)
        shares = np.stack([s.proportions for s in studies])
        total = n.sum()
        pooled = n @ shares / total
        v = float((pooled * (1 - pooled)).sum())
        q = float((n[:, None] * (shares - pooled) ** 2).sum())
        numerator += q - v * (len(studies) - 1)
        denominator += v * (total - (n**2).sum() / total - (len(studies) - 1))
    if denominator <= 0:
        return floor
    return float(np.clip(numerator / denominator, floor, 0.9))
