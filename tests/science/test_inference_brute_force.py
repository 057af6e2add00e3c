"""Every answer of the engine against the whole joint distribution, on random networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.errors import ImpossibleEvidence
from mesenbayes.inference import compile_network
from mesenbayes.network.network import Network
from mesenbayes.testing import enumerate_joint, mask, random_network, sample

seeds = st.integers(0, 2**32 - 1)


def batch(network: Network, rng: np.random.Generator, cases: int = 5, observed: int = 3):
    complete = sample(network, cases, rng)
    codes = mask(complete, observed, range(len(network.variables)), rng)
    likelihoods = {}
    for variable in network.variables[::3]:
        soft = rng.random((cases, variable.cardinality)) * 3.0
        soft[0] = 1.0
        likelihoods[variable.name] = soft
    return codes, likelihoods


def marginal(joint: np.ndarray, *axes: int) -> np.ndarray:
    summed = joint.sum(axis=tuple(i for i in range(joint.ndim) if i not in axes))
    order = np.argsort(np.argsort(axes))
    return summed.transpose(order)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.3, 0.6]), st.booleans())
def test_posteriors(seed: int, zeros: float, soft: bool) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 8)), zeros=zeros)
    codes, likelihoods = batch(network, rng)
    likelihoods = likelihoods if soft else {}
    names = [v.name for v in network.variables]
    pairs = [(names[0], names[-1]), (names[-1], names[0]), (names[-2], names[-1])]
    targets = [*names, *pairs]
    compiled = compile_network(network)
    result = compiled.run(codes, likelihoods, targets)
    # More cases than a few take a plan of their own, and in turn each of its short cuts.
    many = compiled.run(
        np.tile(codes, (20, 1)), {k: np.tile(v, (20, 1)) for k, v in likelihoods.items()}, targets
    )
    alone = {
        t: compiled.run(
            np.tile(codes, (20, 1)),
            {k: np.tile(v, (20, 1)) for k, v in likelihoods.items()},
            [t],
        ).posterior[t]
        for t in targets
    }
    every = compiled.marginals(codes, likelihoods)
    pairwise = compiled.pairwise(codes, names[0], names[1:], likelihoods)
    for row, case in enumerate(codes):
        joint = enumerate_joint(network, case, {k: v[row] for k, v in likelihoods.items()})
        z = joint.sum()
        assert np.isclose(result.log_evidence[row], np.log(z), rtol=0, atol=1e-10)
        for i, name in enumerate(names):
            expected = marginal(joint, i) / z
            np.testing.assert_allclose(result.posterior[name][row], expected, atol=1e-12)
            np.testing.assert_allclose(every[name][row], expected, atol=1e-12)
            np.testing.assert_allclose(many.posterior[name][row], expected, atol=1e-12)
            np.testing.assert_allclose(alone[name][-len(codes) + row], expected, atol=1e-12)
            if i:
                np.testing.assert_allclose(
                    pairwise[name][row], marginal(joint, 0, i) / z, atol=1e-12
                )
        for pair in pairs:
            axes = [names.index(n) for n in pair]
            np.testing.assert_allclose(
                result.posterior[pair][row], marginal(joint, *axes) / z, atol=1e-12
            )


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.4]))
def test_retractions(seed: int, zeros: float) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 8)), zeros=zeros)
    codes, likelihoods = batch(network, rng)
    answer = compile_network(network).retractions(codes, likelihoods)
    for row, case in enumerate(codes):
        soft = {k: v[row] for k, v in likelihoods.items()}
        for i, variable in enumerate(network.variables):
            if variable.name not in answer:
                continue
            without = case.copy()
            without[i] = -1
            rest = {k: v for k, v in soft.items() if k != variable.name}
            joint = enumerate_joint(network, without, rest)
            expected = marginal(joint, i) / joint.sum()
            np.testing.assert_allclose(answer[variable.name][row], expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.4]))
def test_gradient_is_the_finite_difference(seed: int, zeros: float) -> None:
    """Z is linear in each entry, so a difference over any width is exact."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 6)), zeros=zeros)
    codes, likelihoods = batch(network, rng, cases=2, observed=2)
    target = network.variables[0]
    compiled = compile_network(network)
    answer = compiled.gradient(codes, likelihoods, target.name)
    plain = compiled.gradient(codes, likelihoods)
    one = compiled.gradient(codes, likelihoods, (target.name, target.states[-1]))
    for row, case in enumerate(codes):
        soft = {k: v[row] for k, v in likelihoods.items()}
        base = marginal(enumerate_joint(network, case, soft), 0)
        z = base.sum()
        np.testing.assert_allclose(answer.posterior[row], base / z, atol=1e-12)
        for name, table in network.tables.items():
            flat = table.probability
            entry = tuple(int(rng.integers(0, s)) for s in flat.shape)
            changed = flat.copy()
            changed[entry] += 1.0
            moved = marginal(enumerate_joint(network, case, soft, {name: changed}), 0)
            slope = (moved - base) / z
            np.testing.assert_allclose(
                answer.hypothesis[name][(row, slice(None), *entry)], slope, atol=1e-11
            )
            assert np.isclose(plain.evidence[name][(row, *entry)], slope.sum(), atol=1e-11)
            assert np.isclose(answer.evidence[name][(row, *entry)], slope.sum(), atol=1e-11)
            assert np.isclose(one.hypothesis[name][(row, *entry)], slope[-1], atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.4]))
def test_most_probable_explanation(seed: int, zeros: float) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 8)), zeros=zeros)
    codes, likelihoods = batch(network, rng)
    answer = compile_network(network).most_probable_explanation(codes, likelihoods)
    for row, case in enumerate(codes):
        joint = enumerate_joint(network, case, {k: v[row] for k, v in likelihoods.items()})
        assert np.isclose(joint[tuple(answer.codes[row])], joint.max(), rtol=1e-12)
        assert np.isclose(answer.log_probability[row], np.log(joint.max()), atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.4]))
def test_draws(seed: int, zeros: float) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(2, 8)), zeros=zeros)
    codes, likelihoods = batch(network, rng, cases=1)
    names = [v.name for v in network.variables]
    drawn = {n: network.tables[n].draw(3, rng) for n in names if rng.random() < 0.7}
    drawn[names[0]] = network.tables[names[0]].draw(3, rng)
    pair = (names[-1], names[0])
    try:
        result = compile_network(network).run(codes, likelihoods, [*names, pair], tables=drawn)
    except ImpossibleEvidence:
        pytest.fail("sampled evidence cannot be impossible")
    for d in range(3):
        joint = enumerate_joint(
            network,
            codes[0],
            {k: v[0] for k, v in likelihoods.items()},
            {k: v[d] for k, v in drawn.items()},
        )
        assert np.isclose(result.log_evidence[d], np.log(joint.sum()), atol=1e-10)
        for i, name in enumerate(names):
            np.testing.assert_allclose(
                result.posterior[name][d], marginal(joint, i) / joint.sum(), atol=1e-12
            )
        np.testing.assert_allclose(
            result.posterior[pair][d],
            marginal(joint, len(names) - 1, 0) / joint.sum(),
            atol=1e-12,
        )
