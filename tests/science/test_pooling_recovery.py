"""Pooling against data whose truth is known: simulated laboratories.

Each laboratory has a rate of its own, Beta(p M, (1 - p) M) with M = 1/rho - 1, and counts
binomially: the beta-binomial model behind :mod:`mesenbayes.evidence.pooling`. Or its logit
scatters: the model behind :mod:`mesenbayes.evidence.between_study`.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mesenbayes.evidence.between_study import fit_between_study, intra_class_correlation
from mesenbayes.evidence.pooling import StudyCounts, effective_counts


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


def scattered(
    p: float, tau: float, sizes: NDArray[np.intp], rng: np.random.Generator
) -> list[StudyCounts]:
    """Laboratories whose logits scatter with standard deviation `tau` around that of `p`."""
    logits = np.log(p / (1 - p)) + tau * rng.standard_normal(len(sizes))
    k = rng.binomial(sizes, 1 / (1 + np.exp(-logits)))
    counts = np.stack([sizes - k, k], axis=1).astype(float)
    return [StudyCounts(f"S{i}", c, int(c.sum()), 1.0) for i, c in enumerate(counts)]


def test_laboratories_that_scatter_in_logits_disagree_less_at_the_ends() -> None:
    """Simulated with one tau at rates from 0.5 % to 99.5 %: the fit must find it half way and
    let the correlation shrink towards 0 and 1, where one rho for all cells fails."""
    rng = np.random.default_rng(5)
    tau = 0.6
    rates = 1 / (1 + np.exp(-rng.uniform(-5, 5, 600)))
    cells = [scattered(p, tau, rng.integers(15, 150, rng.integers(2, 8)), rng) for p in rates]
    found = fit_between_study(cells)
    # Var(p) = tau^2 p^2 (1 - p)^2 to first order, a little less because the curve bends.
    assert found.rho(np.array([0.5, 0.5])) == pytest.approx(tau**2 / 4, rel=0.2)
    assert found.rho(np.array([0.99, 0.01])) < 0.02
    assert found.rho_of(cells[int(np.argmin(rates))]) < found.rho_of(
        cells[int(np.argmin(np.abs(rates - 0.5)))]
    )
    # The deliberately wrong way: one number for all cells.
    assert intra_class_correlation(cells, 0.001) > 3 * found.rho(np.array([0.99, 0.01]))


def test_laboratories_of_one_rho_are_recognised() -> None:
    rng = np.random.default_rng(6)
    cells = [
        laboratories(p, 0.1, rng.integers(10, 120, rng.integers(2, 9)), rng)
        for p in rng.uniform(0.05, 0.95, 400)
    ]
    found = fit_between_study(cells)
    for p in (0.1, 0.3, 0.5):
        assert found.rho(np.array([1 - p, p])) == pytest.approx(0.1, rel=0.2)


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
