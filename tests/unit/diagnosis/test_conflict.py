"""Conflict and misfit against identities and enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.diagnosis.conflict import conflict_values, measure_conflict, setting_of
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.misfit import UNKNOWN
from mesenbayes.inference import compile_network
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network


def slow_conflict(network, codes):
    """ln of the product of P(e_i) over P(e), from the joint distribution."""
    total = 0.0
    for i, code in enumerate(codes):
        if code >= 0:
            alone = np.full_like(codes, -1)
            alone[i] = code
            total += np.log(enumerate_joint(network, alone).sum())
    return total - np.log(enumerate_joint(network, codes).sum())


@pytest.mark.parametrize("seed", range(5))
def test_conflict_is_the_textbook_formula(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_variables=6)
    codes = np.full((4, 6), -1, dtype=np.intp)
    for row in codes:
        for i in rng.choice(6, 3, replace=False):
            row[i] = rng.integers(network.variables[i].cardinality)
    nothing = np.full(6, -1, dtype=np.intp)
    found = conflict_values(network, compile_network(network), nothing, codes)
    assert found == pytest.approx([slow_conflict(network, row) for row in codes], abs=1e-9)


def test_rare_case_identity():
    """conf(e, h) = conf(e) - ln [P(h | e) / P(h)] (METHODS 13)."""
    rng = np.random.default_rng(3)
    network = random_network(rng, n_variables=6)
    compiled = compile_network(network)
    nothing = np.full(6, -1, dtype=np.intp)
    codes = np.array([-1, 0, 1, -1, 0, -1])
    with_h = codes.copy()
    with_h[0] = 1
    plain, extended = conflict_values(network, compiled, nothing, np.stack([codes, with_h]))
    before = compiled.run(nothing[None], targets=("V0",)).posterior["V0"][0, 1]
    after = compiled.run(codes[None], targets=("V0",)).posterior["V0"][0, 1]
    assert extended == pytest.approx(plain - np.log(after / before))


def clinic(n_types=4, n_findings=10, seed=0):
    """Return types with five hallmarks each, and none of these with middling rates."""
    rng = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(n_findings)]
    states = {"tumour": [*(f"T{i}" for i in range(n_types)), "OTHER"]}
    states |= {name: ["no", "yes"] for name in names}
    tables = {"tumour": np.array([*[0.98 / n_types] * n_types, 0.02])}
    rates = np.where(rng.random((n_types, n_findings)) < 0.5, 0.95, 0.03)
    rates = np.vstack([rates, rates.mean(axis=0)])
    for j, name in enumerate(names):
        tables[name] = np.stack([1 - rates[:, j], rates[:, j]], axis=1)
    parents = {"tumour": [], **{name: ["tumour"] for name in names}}
    return network_from_arrays(states, parents, tables, {"tumour": "tumour"}), rates


def judge(network, compiled, codes, seed=0):
    findings = tuple(
        Finding(v.name, v.states[c])
        for v, c in zip(network.variables, codes, strict=True)
        if c >= 0
    )
    return measure_conflict(
        network, compiled, Encoded(codes, {}), findings, rng=np.random.default_rng(seed),
        simulations=400,
    )  # fmt: skip


def test_a_typical_case_fits_and_an_impossible_mixture_does_not():
    network, rates = clinic()
    compiled = compile_network(network)
    typical = np.array([-1, *(rates[0] > 0.5)], dtype=np.intp)
    found = judge(network, compiled, typical)
    assert not found.is_odd
    assert found.misfit.fit > 0.3
    assert "go together" in found.sentence
    # The pattern farthest from all four types.
    patterns = np.array(list(np.ndindex(*[2] * 10)))
    far = np.abs(patterns[:, None] - (rates[None, :4] > 0.5)).sum(axis=2).min(axis=1).argmax()
    mixed = judge(network, compiled, np.array([-1, *patterns[far]], dtype=np.intp))
    assert mixed.is_odd
    assert mixed.misfit.suspicion > UNKNOWN > found.misfit.suspicion
    assert "does not know" in mixed.misfit.sentence


def test_suspect_is_the_planted_finding():
    network, rates = clinic(seed=2)
    codes = np.array([-1, *(rates[0] > 0.5)], dtype=np.intp)
    codes[3] = 1 - codes[3]
    found = judge(network, compile_network(network), codes)
    name, _, p = found.suspects[0]
    assert name == network.variables[3].name
    other = network.variables[3].states[1 - codes[3]]
    assert found.expected[name] == (other, pytest.approx(1 - p))


def test_the_tail_of_a_simulated_case_is_uniform():
    """Cases of the model itself are odd as often as said: at most a few in a hundred."""
    from mesenbayes.testing import sample

    network, _ = clinic(seed=1)
    compiled = compile_network(network)
    rng = np.random.default_rng(4)
    drawn = sample(network, 60, rng)
    drawn[:, 0] = -1
    tails = np.array([judge(network, compiled, row).misfit.whole for row in drawn])
    assert (tails < 0.1).mean() < 0.2
    assert (tails > 0.5).mean() > 0.3


def test_too_few_findings_say_so():
    network, _ = clinic()
    codes = np.full(11, -1, dtype=np.intp)
    codes[1] = 1
    found = judge(network, compile_network(network), codes)
    assert found.value is None
    assert not found.is_odd
    assert "Too few" in found.sentence


def test_setting_is_not_a_finding():
    network = network_from_arrays(
        {"site": ["a", "b"], "tumour": ["T", "OTHER"], "f": ["no", "yes"]},
        {"site": [], "tumour": ["site"], "f": ["tumour"]},
        {"site": [0.5, 0.5], "tumour": [[0.9, 0.1], [0.2, 0.8]], "f": [[0.9, 0.1], [0.3, 0.7]]},
    )
    case = setting_of(
        network, Encoded(np.array([1, -1, 0]), {}), (Finding("site", "b"), Finding("f", "no"))
    )
    assert case.fixed == {"site": 1}
    assert [f.variable for f in case.findings] == ["f"]
