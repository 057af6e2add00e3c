"""Pooling against data whose truth is known: simulated laboratories.

Each laboratory has a rate of its own, Beta(p M, (1 - p) M) with M = 1/rho - 1, and counts
binomially: the beta-binomial model behind :mod:`mesenbayes.evidence.pooling`.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mesenbayes.evidence.pooling import StudyCounts, effective_counts, intra_class_correlation


def laboratories(
    p: float, rho: float, sizes: NDArray[np.intp], rng: np.random.Generator
) -> list[StudyCounts]:
    precision = 1 / rho - 1
    rates = rng.beta(p * precision, (1 - p) * precision, len(sizes))
    k = rng.binomial(sizes, rates)
    return [
        StudyCounts(f"S{i}", np.array([n - x, x], dtype=float), int(n), 1.0)
        for i, (x, n) in enumerate(zip(k, sizes, strict=True))
    ]


@pytest.mark.parametrize("rho", [0.05, 0.15, 0.3])
def test_rho_of_simulated_laboratories_is_recovered(rho: float) -> None:
    rng = np.random.default_rng(int(rho * 100))
    cells = [
        laboratories(p, rho, rng.integers(10, 120, rng.integers(2, 9)), rng)
        for p in rng.uniform(0.1, 0.9, 500)
    ]
    assert intra_class_correlation(cells, 0.001) == pytest.approx(rho, rel=0.12)


def test_laboratories_that_differ_by_chance_alone_have_none() -> None:
    rng = np.random.default_rng(3)
    cells = []
    for p in rng.uniform(0.1, 0.9, 500):
        sizes = rng.integers(10, 120, 6)
        k = rng.binomial(sizes, p)
        counts = np.stack([sizes - k, k], axis=1)
        cells.append([StudyCounts("S", c, int(c.sum()), 1.0) for c in counts])
    assert intra_class_correlation(cells, 0.0) < 0.01


def test_rho_of_several_states_is_that_of_the_dirichlet_multinomial() -> None:
    rng = np.random.default_rng(4)
    rho, mean = 0.1, np.array([0.5, 0.3, 0.15, 0.05])
    cells = []
    for _ in range(300):
        members = []
        for n in rng.integers(15, 100, 5):
            counts = rng.multinomial(n, rng.dirichlet(mean * (1 / rho - 1)))
            members.append(StudyCounts("S", counts.astype(float), int(n), 1.0))
        cells.append(members)
    assert intra_class_correlation(cells, 0.001) == pytest.approx(rho, rel=0.12)


def test_intervals_from_effective_counts_cover_and_those_from_raw_counts_do_not() -> None:
    """The reason for all this: the mean rate lies in the 95 % interval about as often as said;
    adding up raw cases (the deliberately wrong way) promises far too much."""
    rng = np.random.default_rng(8)
    rho, trials = 0.15, 1500
    covered = np.zeros(2)
    for _ in range(trials):
        p = rng.uniform(0.15, 0.85)
        studies = laboratories(p, rho, rng.integers(20, 200, 5), rng)
        for i, discount in enumerate((rho, 0.0)):
            no, yes = effective_counts(studies, discount, 2)
            low, high = stats.beta(yes + 0.5, no + 0.5).interval(0.95)
            covered[i] += low < p < high
    effective, raw = covered / trials
    assert 0.92 < effective < 0.985
    assert raw < 0.6
