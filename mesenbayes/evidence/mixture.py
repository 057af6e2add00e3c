"""What is not known about a yes/no finding: silent, occasional, variable or expressing.

The rate of a marker over tumour types is not bell-shaped: most types never make the antigen,
some nearly always do, others do so now and then. The rate of each cell (tumour, finding) is
therefore drawn from one of four Beta distributions,

    rate ~ Beta(a_z, b_z),    z = silent, occasional, variable, expressing,

whose parameters and weights are fitted once to all studied cells of a kind (stains; gene
tests; ...) on the beta-binomial likelihood of their effective counts. For a cell
without a study, P(z) is what the studied cells of the finding leave over, and then a vote of
its own lineage: see :func:`classes_of_unstudied` and :func:`with_relatives`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("silent", "occasional", "variable", "expressing")

# Where the fit starts, and where a component with few cells stays: a mild penalty on the logit
# mean and the log strength keeps a component proper when few cells belong to it.
_START_MEAN = np.array([0.005, 0.08, 0.35, 0.90])
_START_STRENGTH = np.array([60.0, 20.0, 5.0, 10.0])


@dataclass(frozen=True, eq=False)
class BetaMixture:
    """Beta components in the order of :data:`CLASSES`.

    Parameters
    ----------
    a, b : (classes,)
        Parameters of the components.
    weights : (classes,)
        Shares among studied cells.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    weights: NDArray[np.float64]

    def responsibility(
        self,
        k: NDArray[np.float64],
        n: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return P(z | k of n effective cases), shape (cells, classes).

        Parameters
        ----------
        k, n : (cells,)
        weights : (classes,) or (cells, classes), optional
            P(z) before the counts; the overall shares if not given.
        """
        prior = self.weights if weights is None else weights
        logs = np.log(prior) + log_beta_binomial(k[:, None], n[:, None], self.a, self.b)
        r = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(r / r.sum(axis=1, keepdims=True))

    def moments(
        self, weights: NDArray[np.float64], k: float = 0.0, n: float = 0.0
    ) -> tuple[float, float]:
        """Return mean and strength of the Beta that matches in mean and variance the mixture
        with P(z) = `weights`, after `k` of `n` effective cases in every component."""
        a, b = self.a + k, self.b + n - k
        means = a / (a + b)
        second = means * (a + 1) / (a + b + 1)
        mean = float(weights @ means)
        variance = float(weights @ second) - mean**2
        return mean, mean * (1 - mean) / variance - 1


def log_beta_binomial(
    k: NDArray[np.float64],
    n: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Log of the beta-binomial likelihood without the binomial coefficient, which cancels;
    defined for fractional effective counts.

    ln B(a + k, b + n - k) - ln B(a, b), with the gamma function of the standard library: a
    network that only reads its fit does not wait for scipy.
    """
    return np.asarray(
        _lgamma(a + k) + _lgamma(b + n - k) - _lgamma(a + b + n)
        - _lgamma(a) - _lgamma(b) + _lgamma(a + b)
    )  # fmt: skip


_lgamma = np.vectorize(math.lgamma, otypes=[float])


def fit_beta_mixture(k: NDArray[np.float64], n: NDArray[np.float64]) -> BetaMixture:
    """Fit the components and their weights to the studied cells of a kind.

    The penalised marginal likelihood

        sum over cells of ln sum_z w_z BetaBinomial(k | n, a_z, b_z)
            - |x - start|^2 / 2 + sum_z ln w_z

    is maximised over x = (logit mean, log strength) of every class and over the softmax
    weights w. Its gradient is that of each component weighted by P(z | counts) (Fisher's
    identity), so no EM sweeps are needed.

    Parameters
    ----------
    k, n : (cells,)
        Effective positive cases and effective cases of each studied cell.
    """
    from scipy.optimize import minimize  # only a fit waits for scipy
    from scipy.special import digamma, softmax

    classes = len(CLASSES)
    start = np.concatenate(
        [np.log(_START_MEAN / (1 - _START_MEAN)), np.log(_START_STRENGTH), np.zeros(classes)]
    )

    def unpack(x: NDArray[np.float64]) -> BetaMixture:
        mean, strength = 1 / (1 + np.exp(-x[:classes])), np.exp(x[classes : 2 * classes])
        return BetaMixture(mean * strength, (1 - mean) * strength, softmax(x[2 * classes :]))

    def negative(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        fit = unpack(x)
        a, b, w = fit.a, fit.b, fit.weights
        logs = np.log(w) + log_beta_binomial(k[:, None], n[:, None], a, b)
        top = logs.max(axis=1, keepdims=True)
        r = np.exp(logs - top)
        total = r.sum(axis=1, keepdims=True)
        r /= total
        off = x[: 2 * classes] - start[: 2 * classes]
        value = float((np.log(total) + top).sum()) - 0.5 * float(off @ off) + np.log(w).sum()
        common = digamma(a + b) - digamma(a + b + n[:, None])
        d_a = (r * (digamma(a + k[:, None]) - digamma(a) + common)).sum(axis=0)
        d_b = (r * (digamma(b + (n - k)[:, None]) - digamma(b) + common)).sum(axis=0)
        mean = a / (a + b)
        gradient = np.concatenate(
            [
                (d_a - d_b) * (a + b) * mean * (1 - mean) - off[:classes],
                d_a * a + d_b * b - off[classes:],
                r.sum(axis=0) + 1 - (len(k) + classes) * w,
            ]
        )
        return -value, -gradient

    # BFGS, not L-BFGS-B: on a dozen parameters the latter spends its time waiting for threads.
    return unpack(minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-4}).x)


def classes_of_unstudied(
    responsibilities: NDArray[np.float64], unstudied: int, share_found: float
) -> NDArray[np.float64]:
    """Return P(z) for a cell that nobody studied, from the other cells of the finding.

    Markers are studied where they are positive. If the literature has looked at a share
    s = P(studied | z) of the cells that are not silent, then r cells of class z among the
    studied leave r (1 - s) / s among the `unstudied`:

        P(z | unstudied) = r (1 - s) / (s unstudied),   z not silent

    A marker known from one lineage and tried nowhere else stays rare elsewhere; one that
    turns up wherever it is tried may well turn up again.

    Parameters
    ----------
    responsibilities : (classes,)
        Sum of P(z | counts) over the studied cells.
    unstudied
        Number of cells without a study.
    share_found
        The declared s.
    """
    hidden = responsibilities * (1 - share_found) / share_found / max(unstudied, 1)
    p = np.clip(hidden, 0.002, 0.3)
    p[0] = 1 - p[1:].sum()
    return np.asarray(p)


def with_relatives(
    p: NDArray[np.float64],
    lineage: NDArray[np.float64],
    n: NDArray[np.float64] | float,
    weight: float,
) -> NDArray[np.float64]:
    """Return P(z) after the studied cells of the same lineage have each cast one vote.

    Parameters
    ----------
    p, lineage : (..., classes)
        P(z) before, and the sum of P(z | counts) of the lineage's cells.
    n : (...)
        Number of those cells.
    weight
        How many votes `p` has.
    """
    return np.asarray((weight * p + lineage) / (weight + np.asarray(n)[..., None]))


def fit_lineage_weight(
    p: NDArray[np.float64],
    lineage: NDArray[np.float64],
    n: NDArray[np.float64],
    likelihood: NDArray[np.float64],
) -> float:
    """Return the weight at which relatives predict the studied cells best.

    Every studied cell is predicted from the others (its own counts left out); the weight
    that maximises the summed log of  sum_z P(z | others) P(counts | z)  is taken from a
    grid, because a finer one says nothing more.

    Parameters
    ----------
    p, lineage, n
        As in :func:`with_relatives`, for every studied cell without itself.
    likelihood : (cells, classes)
        P(counts | z), up to a factor for each cell.
    """
    grid = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    scores = [
        float(np.log((with_relatives(p, lineage, n, w) * likelihood).sum(axis=1)).sum())
        for w in grid
    ]
    return float(grid[int(np.argmax(scores))])
