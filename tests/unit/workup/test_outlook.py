"""The outlook against the joint distribution enumerated, and against the engine."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.errors import CaseError
from mesenbayes.inference import compile_network
from mesenbayes.network.network import Network
from mesenbayes.network.variable import Variable
from mesenbayes.testing import enumerate_joint, random_network, tumour_like_network
from mesenbayes.workup.outlook import look


def with_roles(network, roles):
    variables = tuple(
        Variable(v.name, v.states, role=roles.get(v.name, "finding")) for v in network.variables
    )
    return Network(network.name, "test", variables, network.tables)


@pytest.mark.parametrize("seed", range(8))
def test_core_times_tests_is_the_joint_distribution(seed):
    rng = np.random.default_rng(seed)
    network = with_roles(
        random_network(rng, n_variables=7, max_parents=2, max_states=3),
        {"V0": "tumour", "V1": "genotype", "V2": "specimen"},
    )
    codes = np.full(7, -1, dtype=np.intp)
    codes[6] = rng.integers(network.variables[6].cardinality)
    likelihoods = {"V3": rng.random(network.variables[3].cardinality) + 0.1}
    found = look(
        network, compile_network(network), Encoded(codes, likelihoods), "V0", ["V4", "V5"]
    )
    joint = found.weight.reshape(-1, 1, 1) * found.table(("V4", "V5"))
    slow = enumerate_joint(network, codes, likelihoods)
    slow = slow / slow.sum()
    axes = [int(name[1]) for name in (*found.core, "V4", "V5")]
    rest = tuple(a for a in range(7) if a not in axes)
    slow = slow.sum(axis=rest).transpose(np.argsort(np.argsort(axes)))
    picked = slow[tuple(found.states.T)]
    assert joint == pytest.approx(picked, abs=1e-7)
    swapped = found.table(("V5", "V4"))
    assert swapped == pytest.approx(found.table(("V4", "V5")).transpose(0, 2, 1))


def test_agrees_with_the_engine_on_a_network_of_the_flagships_shape():
    rng = np.random.default_rng(0)
    network = tumour_like_network(rng, n_types=8, n_genotypes=4, n_stains=10, n_findings=6)
    compiled = compile_network(network)
    codes = np.full(len(network.variables), -1, dtype=np.intp)
    for i, variable in enumerate(network.variables):
        if variable.name in ("stain0", "stain1", "finding0"):
            codes[i] = 0
    tests = [f"stain{i}" for i in range(2, 10)]
    found = look(network, compiled, Encoded(codes, {}), "tumour", tests)
    assert found.core == ("tumour", "genotype", "cells")
    assert len(set(found.cluster.values())) == len(tests)
    joints = compiled.pairwise(codes[None], target="tumour", findings=tests)
    for test in tests:
        mine = np.zeros(joints[test][0].shape)
        np.add.at(mine, found.states[:, 0], found.weight[:, None] * found.table((test,)))
        assert mine == pytest.approx(joints[test][0], abs=1e-7)


def test_a_known_finding_cannot_be_ordered():
    rng = np.random.default_rng(0)
    network = random_network(rng, n_variables=4)
    codes = np.array([-1, 0, -1, -1])
    with pytest.raises(CaseError, match="already known"):
        look(network, compile_network(network), Encoded(codes, {}), "V0", ["V1"])
