"""Values of information against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from mesenbayes.errors import CaseError, UnknownFinding
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.probabilistic import probabilistic_diagnosis
from mesenbayes.sensitivity.problem import Problem
from mesenbayes.sensitivity.value_of_research import (
    evpi,
    evppi,
    evsi,
    group,
    joined,
    marker_groups,
    net_benefit_evpi,
    regression_evppi,
)
from mesenbayes.testing import network_from_arrays


def normal_gain(mean: float, sd: float) -> float:
    """E max(0, X) for X normal."""
    z = mean / sd
    return float(mean * stats.norm.cdf(z) + sd * stats.norm.pdf(z))


def test_the_example_of_the_voi_package() -> None:
    """Net benefits 0 and p1 - p2, p1 ~ N(1, 1), p2 ~ N(0, 2) (vignette of R's voi)."""
    rng = np.random.default_rng(1)
    p1, p2 = rng.normal(1, 1, 20_000), rng.normal(0, 2, 20_000)
    value = np.stack([np.zeros_like(p1), p1 - p2], axis=1)
    everything = net_benefit_evpi(value)
    assert everything.value == pytest.approx(normal_gain(1, 5**0.5) - 1, abs=0.02)
    for known, sd in ((p1, 1.0), (p2, 2.0)):
        worth = regression_evppi(value, known[:, None])
        exact = normal_gain(1, sd) - 1
        assert abs(worth.value - exact) < 4 * worth.standard_error + 0.01
        assert worth.value <= everything.value
    both = regression_evppi(value, np.stack([p1, p2], axis=1))
    assert both.value == pytest.approx(everything.value, rel=0.02)
    nothing = regression_evppi(value, rng.normal(size=(20_000, 1)))
    assert nothing.value < 3e-4


def test_a_curved_conditional_mean() -> None:
    """A line would see nothing: NB = cos(x) + noise."""
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 2 * np.pi, 20_000)
    value = np.stack([np.zeros_like(x), np.cos(x) + rng.normal(size=x.size)], axis=1)
    worth = regression_evppi(value, x[:, None])
    assert worth.value == pytest.approx(1 / np.pi, abs=0.012)


def test_standard_error_is_the_spread_of_repetitions() -> None:
    values, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.normal(0.3, 1, 500)
        value = np.stack([np.zeros_like(x), x + rng.normal(0, 2, x.size)], axis=1)
        worth = regression_evppi(value, x[:, None], rng=seed)
        values.append(worth.value)
        errors.append(worth.standard_error)
    assert 0.5 < np.mean(errors) / np.std(values) < 1.5


A, B, COST = 3.0, 5.0, 0.42


def one_row() -> Problem:
    """P(T = yes) ~ Beta(3, 5) and nothing else."""
    shape = network_from_arrays({"T": ("no", "yes")}, {}, {"T": [0.5, 0.5]})
    table = Table("T", (), (Row(np.array([B, A]), "counts"),), np.zeros((), dtype=np.intp))
    return Problem.of(Network("n", "1", shape.variables, {"T": table}), [-1], "T")


def test_evppi_and_evsi_of_a_beta_are_exact_sums() -> None:
    """Treat (theta - c) or not (0): beta integrals and beta-binomial sums."""
    p = one_row()
    choice = Choice("treatment", ("wait", "treat"), np.array([[0, 0], [-COST, 1 - COST]]))
    a = probabilistic_diagnosis(p, 20_000, choice=choice, rng=3)
    base = max(A / (A + B) - COST, 0.0)
    perfect = integrate.quad(lambda t: (t - COST) * stats.beta(A, B).pdf(t), COST, 1)[0] - base
    assert evpi(a).value == pytest.approx(perfect, rel=0.03)
    study = evsi(a, 0, (5, 20, 80), population=1000, cost_per_case=0.05)
    assert study.evppi.value == pytest.approx(perfect, rel=0.03)
    for n, value in zip(study.frame["n"], study.frame["evsi"], strict=True):
        k = np.arange(n + 1)
        gain = np.maximum((A + k) / (A + B + n) - COST, 0)
        exact = float((stats.betabinom(n, A, B).pmf(k) * gain).sum()) - base
        assert value == pytest.approx(exact, rel=0.08)
    assert study.frame["evsi"].is_monotonic_increasing
    assert (study.frame["evsi"] <= study.evppi.value).all()
    assert study.best_n in (5, 20, 80)
    assert str(study.best_n) in study.sentence
    costly = evsi(a, 0, (5,), cost_per_case=1.0)
    assert costly.best_n == 0
    assert "repays" in costly.sentence
    with pytest.raises(CaseError, match="at least one case"):
        evsi(a, 0, (0,))


def star() -> Problem:
    """Three tumours, three markers seen, each with its own study."""
    rng = np.random.default_rng(4)
    states = {"T": ("a", "b", "c"), **{f"M{i}": ("no", "yes") for i in range(4)}}
    tables = {"T": Table("T", (), (Row(np.array([5.0, 4.0, 3.0]), "counts"),),
                         np.zeros((), dtype=np.intp))}  # fmt: skip
    probability = {"T": [1 / 3] * 3}
    for i in range(4):
        rows = tuple(
            Row(rng.dirichlet([1, 1]) * 12, "counts",
                studies=(Study(f"S{i}", (("yes", 3),), 10, 8.0),))
            for _ in range(3)
        )  # fmt: skip
        tables[f"M{i}"] = Table(f"M{i}", ("T",), rows, np.arange(3))
        probability[f"M{i}"] = [[0.5, 0.5]] * 3
    shape = network_from_arrays(states, {f"M{i}": ("T",) for i in range(4)}, probability)
    return Problem.of(Network("n", "1", shape.variables, tables), [-1, 1, 0, 1, -1], "T")


@pytest.fixture(scope="module")
def analysis():
    p = star()
    value = np.array([[1.0, 0.2, 0.0], [0.1, 0.9, 0.3], [0.4, 0.4, 0.8]])
    choice = Choice("treatment", ("x", "y", "z"), value)
    return probabilistic_diagnosis(p, 3000, choice=choice, rng=5)


def test_bounds_and_monotone_in_the_group(analysis) -> None:
    most = evpi(analysis)
    markers = marker_groups(analysis)
    assert [g.name for g in markers] == ["T", "M0", "M1", "M2"]  # M3 was not seen
    frame = evppi(analysis, [*markers, "rows", joined("two", markers[1:3])]).set_index("group")
    assert ((frame["evppi"] >= 0) & (frame["evppi"] <= most.value + 1e-12)).all()
    slack = 3 * frame["standard_error"].max() + 1e-4
    for name in ("M0", "M1"):
        assert frame.loc[name, "evppi"] <= frame.loc["two", "evppi"] + slack
    assert frame.loc["two", "evppi"] <= frame.loc["rows", "evppi"] + slack
    # knowing every row is knowing everything, for utilities are known here
    assert frame.loc["rows", "evppi"] == pytest.approx(most.value, rel=0.05)


def test_evppi_of_a_marker_against_two_loops(analysis) -> None:
    """The slow twin: outer draws of the marker's rows, inner draws of everything else."""
    p, choice, rng = analysis.problem, analysis.choice, np.random.default_rng(6)
    tables = p.network.tables
    outer, inner = 300, 400

    def rows(name: str, size: int) -> np.ndarray:
        return np.stack([rng.dirichlet(r.alpha, size) for r in tables[name].rows], axis=1)

    gains = []
    for _ in range(outer):
        known = rows("M1", 1)[0][:, 0]
        weight = rows("T", inner)[:, 0] * rows("M0", inner)[:, :, 1] * rows("M2", inner)[:, :, 1]
        mass = weight * known
        gains.append(choice.expected(mass / mass.sum(axis=1, keepdims=True)).mean(axis=0))
    g = np.array(gains)
    slow = g.max(axis=1).mean() - g.mean(axis=0).max()
    error = (g.max(axis=1) - g[:, g.mean(axis=0).argmax()]).std() / outer**0.5
    fast = evppi(analysis, ["M1"]).iloc[0]
    assert abs(fast["evppi"] - slow) < 3 * error + 3 * fast["standard_error"] + 0.003


def test_groups_by_name(analysis) -> None:
    assert len(group(analysis, "S0").rows) == 3
    assert group(analysis, "M3").rows.size == 0
    assert evppi(analysis, ["M3"])["evppi"].tolist() == [0.0]
    with pytest.raises(UnknownFinding, match="did you mean"):
        group(analysis, "rowz")
    with pytest.raises(CaseError, match="cannot matter"):
        evsi(analysis, analysis.problem.entries.find_row("M3", T="a"))


def test_first_order_of_outcomes_is_the_variance_explained() -> None:
    """A gain that is x + 2 z^2: shares 1 : Var(2 z^2) = 8."""
    from dataclasses import replace

    from mesenbayes.sensitivity.outcomes import outcome_indices

    p = one_row()
    a = probabilistic_diagnosis(p, 20_000, rng=1)
    rng = np.random.default_rng(8)
    x, z = rng.normal(size=(2, 20_000))
    value = np.stack([np.zeros_like(x), 5 + x + 2 * z**2], axis=1)
    choice = Choice("treatment", ("none", "some"), np.zeros((2, 2)))
    drawn = {"x": x, "z": z, "idle": rng.normal(size=20_000)}
    b = replace(a, choice=choice, expected=value, outcomes=drawn)
    share = outcome_indices(b).set_index("parameter")["share"]
    assert share["x"] == pytest.approx(1 / 9, abs=0.01)
    assert share["z"] == pytest.approx(8 / 9, abs=0.02)
    assert share["idle"] < 0.002
    with pytest.raises(CaseError, match="no outcome parameters"):
        outcome_indices(a)
