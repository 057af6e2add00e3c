"""How sure: the credible interval of a posterior, from the counts behind the network.

Every row rho of every table is a Dirichlet with mean theta and strength N_rho. To first order
(Van Allen, Greiner & Hooper, UAI 2001; AIJ 2008) a posterior q = Z_h / Z_0 has

    Var(q) = sum over rows [ sum_x theta_x g_x^2 - (sum_x theta_x g_x)^2 ] / (N_rho + 1)
    g_x    = (G^h_x - q G^0_x) / Z_0

with G the derivatives of the network polynomial, all of them from one backward pass. Each
row's term is the share of the variance that its evidence carries. The interval is that of
the Beta distribution with this mean and variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class RowShare:
    """How much of the variance of a posterior rests on one row."""

    variable: str
    parents: str
    row: Row
    share: float


@dataclass(frozen=True, eq=False)
class Certainty:
    """Variance and interval of each state's posterior.

    Parameters
    ----------
    mean, variance : (states,)
    interval : (states, 2)
        Central 95 % credible interval.
    shares
        Rows by the share of the leading state's variance, largest first.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    interval: NDArray[np.float64]
    shares: tuple[RowShare, ...]


def certainty(
    network: BayesianNetwork, compiled: CompiledNetwork, encoded: Encoded, target: str
) -> Certainty:
    """Return the credible interval of every state of `target` for one case."""
    codes, likelihoods = encoded.batch()
    gradient = compiled.gradient(codes, likelihoods, hypothesis=target)
    assert gradient.posterior is not None
    mean = gradient.posterior[0]
    leading = int(mean.argmax())
    variance = np.zeros_like(mean)
    shares: list[RowShare] = []
    for name, of_hypothesis in gradient.hypothesis.items():
        of_evidence = gradient.evidence[name][0]
        # (states of target, *parents, states): g_x of the formula, for every hypothesis.
        g = of_hypothesis[0] - np.multiply.outer(mean, of_evidence)
        table = network.tables[name]
        flat = g.reshape(len(mean), table.row_index.size, -1)
        summed = np.zeros((len(mean), len(table.rows), flat.shape[-1]))
        np.add.at(summed, (slice(None), table.row_index.ravel()), flat)
        theta = np.stack([row.mean for row in table.rows])  # (rows, states)
        strength = np.array([np.inf if r.is_certain else r.strength for r in table.rows])
        spread = (theta * summed**2).sum(-1) - (theta * summed).sum(-1) ** 2
        terms = spread / (strength + 1)  # (states of target, rows)
        variance += terms.sum(axis=1)
        for r in np.argsort(-terms[leading])[:3]:
            if terms[leading, r] > 0:
                shares.append(
                    RowShare(name, _parents_of(network, name, int(r)), table.rows[r],
                             float(terms[leading, r]))
                )  # fmt: skip
    total = max(float(variance[leading]), 1e-300)
    ranked = sorted(shares, key=lambda s: -s.share)[:10]
    return Certainty(
        mean,
        variance,
        beta_interval(mean, variance),
        tuple(RowShare(s.variable, s.parents, s.row, s.share / total) for s in ranked),
    )


def beta_interval(
    mean: NDArray[np.float64], variance: NDArray[np.float64], level: float = LEVEL
) -> NDArray[np.float64]:
    """Return the central interval of the Beta with this mean and variance, shape (..., 2).

    k = q (1 - q) / V - 1, shape parameters q k and (1 - q) k.
    """
    from scipy.special import betaincinv

    q = np.clip(mean, 1e-12, 1 - 1e-12)
    # A variance cannot exceed q (1 - q); the linear approximation can, when rows are thin.
    v = np.clip(variance, 1e-18, 0.98 * q * (1 - q))
    k = q * (1 - q) / v - 1
    tail = (1 - level) / 2
    low = betaincinv(q * k, (1 - q) * k, tail)
    high = betaincinv(q * k, (1 - q) * k, 1 - tail)
    return np.stack([np.minimum(low, mean), np.maximum(high, mean)], axis=-1)


def _parents_of(network: BayesianNetwork, name: str, row: int) -> str:
    """Return the parent states that a row serves, in words."""
    table = network.tables[name]
    if not table.parents:
        return ""
    places = np.argwhere(table.row_index == row)
    words = []
    for axis, parent in enumerate(table.parents):
        states = network.variable(parent).states
        used = sorted(set(places[:, axis]))
        if len(used) == len(states):
            continue
        shown = [states[i] for i in used]
        words.append(f"{parent}={'|'.join(shown[:3])}{'|...' if len(shown) > 3 else ''}")
    return ", ".join(words)
