"""Games over findings: what each contributes when only some of them are known.

The value v of a set of findings is the log odds of one diagnosis against another in decibans;
Shapley values and interaction indices (Grabisch & Roubens 1999) of v are exact up to twelve
findings, one batch of all subsets, and sampled beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

FloatArray = NDArray[np.float64]

LEAST = 1e-30
"""Posteriors below this count as this: an excluded diagnosis is 300 decibans away, not infinity."""


@dataclass(frozen=True, eq=False)
class FindingGame:
    """Posteriors when only some of the findings are known."""

    network: BayesianNetwork
    compiled: CompiledNetwork
    encoded: Encoded
    findings: tuple[Finding, ...]
    target: str

    def log_posterior(self, known: NDArray[np.bool_]) -> FloatArray:
        """Return ln P(target | findings known), (subsets, states), for (subsets, findings)."""
        position = {v.name: i for i, v in enumerate(self.network.variables)}
        codes, likelihoods = self.encoded.batch(len(known))
        for i, finding in enumerate(self.findings):
            hidden = ~known[:, i]
            codes[hidden, position[finding.variable]] = NOT_OBSERVED
            if finding.variable in likelihoods:
                likelihoods[finding.variable][hidden] = 1.0
        result = self.compiled.run(codes, likelihoods, targets=(self.target,))
        return np.asarray(np.log(np.maximum(result.posterior[self.target], LEAST)))


@dataclass(frozen=True, eq=False)
class Solution:
    """Arrays with the rivals first: alone, last, shapley, error (rivals, findings); pairs
    (rivals, findings, findings); empty, full (rivals,)."""

    alone: FloatArray
    last: FloatArray
    shapley: FloatArray
    error: FloatArray
    pairs: FloatArray
    empty: FloatArray
    full: FloatArray


def _values(logs: FloatArray, lead: int, others: Sequence[int]) -> FloatArray:
    """Return v in decibans, (rivals, subsets)."""
    rest = np.delete(logs, lead, axis=1)
    columns = [
        np.logaddexp.reduce(rest, axis=1) if rival < 0 else logs[:, rival] for rival in others
    ]
    return np.asarray((logs[:, lead] - np.stack(columns)) * (10 / np.log(10)))


def solve_exactly(
    game: FindingGame, lead: int, others: Sequence[int], orders: int, rng: np.random.Generator
) -> Solution:
    """Evaluate all subsets; subset k knows the findings whose bits are set in k."""
    del orders, rng
    n = len(game.findings)
    subsets = np.arange(2**n)
    known = (subsets[:, None] >> np.arange(n)) & 1 == 1
    v = _values(game.log_posterior(known), lead, others)
    size = known.sum(axis=1)
    shape = (len(others), n)
    alone, last, shapley = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    pairs = np.zeros((*shape, n))
    weight = np.array([factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)])
    both = np.array(
        [factorial(k) * factorial(n - k - 2) / factorial(n - 1) for k in range(n - 1)]
    )
    for i in range(n):
        without = subsets[~known[:, i]]
        gain = v[:, without | (1 << i)] - v[:, without]
        shapley[:, i] = gain @ weight[size[without]]
        alone[:, i], last[:, i] = gain[:, 0], gain[:, -1]
        for j in range(i):
            neither = without[~known[without, j]]
            step = (1 << i, 1 << j)
            change = (
                v[:, neither | step[0] | step[1]]
                - v[:, neither | step[0]]
                - v[:, neither | step[1]]
                + v[:, neither]
            )
            pairs[:, i, j] = pairs[:, j, i] = change @ both[size[neither]]
    return Solution(alone, last, shapley, np.zeros(shape), pairs, v[:, 0], v[:, -1])


def solve_by_orders(
    game: FindingGame, lead: int, others: Sequence[int], orders: int, rng: np.random.Generator
) -> Solution:
    """Sample orders, each also backwards (antithetic: their errors tend to cancel)."""
    n = len(game.findings)
    ways = np.array([p for _ in range(orders) for o in [rng.permutation(n)] for p in (o, o[::-1])])
    known = np.zeros((len(ways), n + 1, n), dtype=bool)
    for w, way in enumerate(ways):
        for k, i in enumerate(way.tolist()):
            known[w, k + 1 :, i] = True
    ends = np.concatenate([np.eye(n, dtype=bool), ~np.eye(n, dtype=bool)])
    upper = np.triu_indices(n, 1)
    less = np.ones((len(upper[0]), n), dtype=bool)
    less[np.arange(len(less)), upper[0]] = less[np.arange(len(less)), upper[1]] = False
    flat = np.concatenate([known.reshape(-1, n), ends, less])
    unique, inverse = np.unique(flat, axis=0, return_inverse=True)
    v = _values(game.log_posterior(unique), lead, others)[:, inverse.ravel()]
    along = v[:, : known.shape[0] * (n + 1)].reshape(len(others), len(ways), n + 1)
    gains = np.empty((len(others), len(ways), n))
    for w, way in enumerate(ways):
        gains[:, w, way] = np.diff(along[:, w], axis=1)
    couples = gains.reshape(len(others), orders, 2, n).mean(axis=2)
    error = couples.std(axis=1, ddof=1) / np.sqrt(orders)
    empty, full = along[:, 0, 0], along[:, 0, -1]
    rest = v[:, known.shape[0] * (n + 1) :]
    single, without = rest[:, :n], rest[:, n : 2 * n]
    pairs = np.zeros((len(others), n, n))
    i, j = upper
    # Beyond twelve findings the interaction is that of the last two to come.
    change = full[:, None] - without[:, i] - without[:, j] + rest[:, 2 * n :]
    pairs[:, i, j] = pairs[:, j, i] = change
    return Solution(
        single - empty[:, None], full[:, None] - without, couples.mean(axis=1), error, pairs,
        empty, full,
    )  # fmt: skip
