"""Sobol, Morris, imprecise rows and other structures against closed forms and search."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.morris import morris
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.robust import robust
from mesenbayes.sensitivity.sobol import Factor, factors, jansen, sobol
from mesenbayes.sensitivity.structural import alternatives, side_by_side, with_prior
from mesenbayes.testing import (
    enumerate_joint,
    network_from_arrays,
    random_network,
    tumour_like_network,
)


def test_jansen_on_ishigami() -> None:
    """Ishigami & Homma 1990, a = 7, b = 0.1: S = (0.3139, 0.4424, 0), T3 = 0.2437."""
    rng = np.random.default_rng(1)

    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    a, b = rng.uniform(-np.pi, np.pi, (2, 40_000, 3))
    mixed = []
    for i in range(3):
        ab = a.copy()
        ab[:, i] = b[:, i]
        mixed.append(f(ab)[:, None])
    first, total, variance = jansen(f(a)[:, None], f(b)[:, None], np.array(mixed))
    # exact: V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2 and its parts
    v1 = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2
    v2, v13 = 49 / 8, 0.01 * np.pi**8 * (1 / 18 - 1 / 50)
    v = v1 + v2 + v13
    assert variance[0] == pytest.approx(v, rel=0.03)
    np.testing.assert_allclose(first[:, 0], [v1 / v, v2 / v, 0], atol=0.03)
    np.testing.assert_allclose(total[:, 0], [(v1 + v13) / v, v2 / v, v13 / v], atol=0.03)


def chain(strength: float = 20.0) -> Problem:
    shape = network_from_arrays(
        {"T": ("a", "b"), "F": ("no", "yes"), "G": ("no", "yes")},
        {"F": ("T",), "G": ("T",)},
        {"T": [0.6, 0.4], "F": [[0.3, 0.7], [0.8, 0.2]], "G": [[0.5, 0.5], [0.6, 0.4]]},
    )
    tables = {
        n: Table(n, t.parents,
                 tuple(Row(r.mean * strength, "counts", studies=(Study(n, (), 9, 9.0),))
                       for r in t.rows), t.row_index)
        for n, t in shape.tables.items()
    }  # fmt: skip
    return Problem.of(Network("n", "1", shape.variables, tables), [-1, 1, -1], "T")


def test_sobol_against_two_loops() -> None:
    """First order of the prior: Var over the prior of the mean over the rest."""
    p = chain()
    answer = sobol(p, "table", n=8192, rng=2)
    frame = answer.to_frame("a").set_index("factor")
    assert set(frame.index) == {"T", "F"}  # G was not seen
    rng = np.random.default_rng(3)
    t, f0, f1 = rng.beta(12, 8, 2000), rng.beta(14, 6, 4000), rng.beta(4, 16, 4000)
    q = t[:, None] * f0 / (t[:, None] * f0 + (1 - t[:, None]) * f1)
    slow = q.mean(axis=1).var() / q.var()
    assert frame.loc["T", "first"] == pytest.approx(slow, abs=0.04)
    assert frame.loc["F", "total"] == pytest.approx(1 - slow, abs=0.04)
    assert (frame["first"] <= frame["total"] + 3 * frame["total_error"] + 0.02).all()
    assert frame["total"].sum() >= 0.97


def test_factors() -> None:
    p = chain()
    assert [f.name for f in factors(p, "source")] in (["T", "F"], ["F", "T"])
    few = factors(p, "row", most=1)
    assert [len(f.rows) for f in few] == [1, 2]
    assert few[1].name == "all other rows"
    with pytest.raises(CaseError, match="two factors"):
        sobol(p, [Factor("x", (0,)), Factor("y", (0, 1))], n=16)
    with pytest.raises(CaseError, match="not by moon"):
        factors(p, "moon")  # type: ignore[arg-type]
    with pytest.raises(CaseError, match="too few"):
        sobol(p, n=4)
    value = np.array([[1.0, 0.0], [0.4, 0.6]])
    decided = sobol(p, choice=Choice("treatment", ("x", "y"), value), n=64, rng=0)
    assert decided.outputs == ("a", "b", "x", "y")
    with pytest.raises(CaseError, match="no output z"):
        decided.to_frame("z")


def test_strong_rows_have_first_order_shares_by_the_delta_method() -> None:
    from mesenbayes.sensitivity.tied import row_shares

    p = chain(strength=4000.0)
    frame = sobol(p, "row", n=4096, rng=1).to_frame("a").set_index("factor")
    share = row_shares(p, 0)
    for r in p.reached:
        label = p.entries.row_label(int(r))
        assert frame.loc[label, "first"] == pytest.approx(share[r], abs=0.06)


def test_morris_finds_what_moves() -> None:
    p = chain()
    frame = morris(p, "a", trajectories=20, rng=4).set_index("row")
    assert len(frame) == 3
    # raising P(F = yes | a) raises P(a | yes): its largest entry is yes
    assert frame.loc["P(F | T=a)", "mu"] > 0
    assert frame.loc["P(F | T=b)", "mu"] > 0  # its largest entry is no
    assert (frame["mu_star"] >= np.abs(frame["mu"]) - 1e-12).all()
    # one row alone: the elementary effect is the difference of two answers
    with pytest.raises(CaseError, match="trajectories"):
        morris(p, trajectories=0)


@pytest.mark.parametrize("seed", range(8))
def test_robust_bounds_against_every_vertex(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 4, max_parents=1, max_states=2)
    tables = {
        n: Table(n, t.parents, tuple(Row(r.mean * 6, "counts") for r in t.rows), t.row_index)
        for n, t in network.tables.items()
    }
    network = Network("n", "1", network.variables, tables)
    codes = np.full(4, -1)
    codes[[1, 3]] = rng.integers(0, 2, 2)
    p = Problem.of(network, codes, "V0")
    answer = robust(p, 1.0, hypotheses=2)
    e, values = p.entries, []
    for corner in product((0, 1), repeat=len(p.reached)):
        probability = {n: t.probability.copy() for n, t in network.tables.items()}
        for r, state in zip(p.reached, corner, strict=True):
            name = network.variables[e.row_variable[r]].name
            alpha = e.alpha[e.members(int(r))].copy()
            alpha[state] += 1.0
            place = network.tables[name].row_index == e.row_number[r]
            probability[name][place] = alpha / alpha.sum()
        joint = enumerate_joint(network, codes, tables=probability).sum(axis=(1, 2, 3))
        values.append(joint / joint.sum())
    for k, name in enumerate(answer.names):
        exact = np.array(values)[:, p.names.index(name)]
        assert answer.low[k] == pytest.approx(exact.min(), abs=1e-9)
        assert answer.high[k] == pytest.approx(exact.max(), abs=1e-9)
    wider = robust(p, 2.0, hypotheses=2)
    assert (wider.low <= answer.low + 1e-9).all()
    assert (wider.high >= answer.high - 1e-9).all()
    none = robust(p, 0.0, hypotheses=2)
    np.testing.assert_allclose(none.low, none.posterior, atol=1e-12)


def test_robust_decision() -> None:
    p = chain()
    value = np.array([[1.0, 0.0], [0.0, 1.0], [-5.0, -5.0]])
    answer = robust(p, 1.0, choice=Choice("treatment", ("x", "y", "bad"), value))
    assert "bad" not in answer.survivors
    assert "x" in answer.survivors
    assert answer.always_first
    assert "always leads" in answer.sentence
    assert not robust(chain(strength=2.0), 2.0).always_first
    with pytest.raises(CaseError, match="number of cases"):
        robust(p, -1.0)


def test_structures_side_by_side() -> None:
    rng = np.random.default_rng(0)
    network = tumour_like_network(rng, n_types=5, n_genotypes=4, n_stains=5, n_findings=5)
    codes = np.full(len(network.variables), -1)
    names = [v.name for v in network.variables]
    for name in ("stain1", "stain2", "finding1"):
        codes[names.index(name)] = 0
    p = Problem.of(network, codes, "tumour")
    answer = side_by_side(p, "tumour")
    assert answer.networks == ("as it is", "naive Bayes", "perfect readings", "flat prior")
    np.testing.assert_allclose(answer.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(answer.posterior[0], p.mass)
    # a single finding of the tumour alone: naive Bayes says the same
    single = np.full(len(names), -1)
    single[names.index("finding1")] = 1
    same = side_by_side(Problem.of(network, single, "tumour"), "tumour", ["naive Bayes"])
    np.testing.assert_allclose(same.posterior[0], same.posterior[1], atol=1e-12)
    # another prior: odds are multiplied by the ratio of the priors
    prior = dict(zip(network.variable("tumour").states, [0.5, 0.2, 0.1, 0.1, 0.1], strict=True))
    other = side_by_side(p, "tumour", {"mine": with_prior(network, "tumour", prior)})
    old = network.tables["tumour"].probability
    by_hand = p.mass * np.array(list(prior.values())) / old
    np.testing.assert_allclose(other.posterior[1], by_hand / by_hand.sum())
    assert len(answer.to_frame(3)) == 3
    with pytest.raises(CaseError, match="no structure 'naif Bayes'"):
        side_by_side(p, "tumour", ["naif Bayes"])
    with pytest.raises(CaseError, match="adds up to"):
        with_prior(network, "tumour", dict.fromkeys(prior, 0.5))
    assert set(alternatives(network, "tumour")) == {"naive Bayes", "perfect readings", "flat prior"}
