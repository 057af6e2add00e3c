"""The full picture and the smallest change against enumeration."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.repair import find_repairs, repairs_frame
from mesenbayes.diagnosis.scenario import (
    Comparison,
    Scenario,
    full_picture,
    smallest_change,
)
from mesenbayes.errors import CaseError
from mesenbayes.inference import compile_network
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network


def random_case(seed, n=4):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_variables=6, max_parents=2, max_states=3)
    codes = np.full(6, -1, dtype=np.intp)
    for i in rng.choice(np.arange(1, 6), n, replace=False):
        codes[i] = rng.integers(network.variables[i].cardinality)
    findings = tuple(
        Finding(v.name, v.states[c])
        for v, c in zip(network.variables, codes, strict=True)
        if c >= 0
    )
    return network, codes, findings


@pytest.mark.parametrize("seed", range(5))
def test_full_picture_is_the_mode_of_the_joint(seed):
    network, codes, _ = random_case(seed, 2)
    found = full_picture(network, compile_network(network), Encoded(codes, {}), "V0")
    joint = enumerate_joint(network, codes)
    best = np.unravel_index(int(joint.argmax()), joint.shape)
    assert found.states == {
        v.name: v.states[best[i]] for i, v in enumerate(network.variables) if codes[i] < 0
    }
    assert found.log_probability == pytest.approx(np.log(joint.max() / joint.sum()))
    assert found.diagnosis == network.variables[0].states[best[0]]


def slow_change(network, codes, wanted, most):
    """The smallest, then likeliest, change by trying everything."""
    known = [i for i, c in enumerate(codes) if c >= 0]
    for size in range(1, most + 1):
        best = None
        for places in combinations(known, size):
            options = [
                [s for s in range(network.variables[i].cardinality) if s != codes[i]]
                for i in places
            ]
            for states in product(*options):
                changed = codes.copy()
                changed[list(places)] = states
                joint = enumerate_joint(network, changed)
                first = joint.reshape(joint.shape[0], -1).sum(axis=1)
                if first.argmax() == wanted and (best is None or joint.sum() > best[0]):
                    best = (joint.sum(), dict(zip(places, states, strict=True)), first)
        if best is not None:
            return best
    return None


@pytest.mark.parametrize("seed", range(8))
def test_smallest_change_is_the_smallest_and_likeliest(seed):
    network, codes, findings = random_case(seed)
    found = smallest_change(
        network, compile_network(network), Encoded(codes, {}), findings, "V0"
    )
    states = network.variables[0].states
    slow = slow_change(network, codes, states.index(found.rival), 3)
    if slow is None:
        assert found.changes == ()
        assert "No change" in found.sentence
        return
    position = {v.name: i for i, v in enumerate(network.variables)}
    total, changes, first = slow
    assert {position[v]: network.variable(v).index(new) for v, _, new in found.changes} == changes
    assert found.probability == pytest.approx(first[states.index(found.rival)] / first.sum())
    assert found.relative == pytest.approx(total / enumerate_joint(network, codes).sum())
    assert found.rival in found.sentence


def test_only_what_may_change_changes():
    changed = 0
    for seed in range(30):
        network, codes, findings = random_case(seed)
        allowed = findings[0].variable
        found = smallest_change(
            network, compile_network(network), Encoded(codes, {}), findings, "V0",
            changeable=[allowed],
        )  # fmt: skip
        assert {v for v, _, _ in found.changes} <= {allowed}
        changed += bool(found.changes)
    assert changed  # or the loop has said nothing


def test_an_unknown_rival_is_refused():
    network, codes, findings = random_case(0)
    with pytest.raises(CaseError, match="no diagnosis 'GIST'"):
        smallest_change(
            network, compile_network(network), Encoded(codes, {}), findings, "V0", rival="GIST"
        )


def test_a_comparison_names_what_differs_and_ranks_by_the_largest():
    a = Scenario("a", {"x": "yes", "y": "no"}, {"P": 0.7, "Q": 0.3, "R": 0.0})
    b = Scenario("b", {"x": "no", "y": "no"}, {"P": 0.05, "Q": 0.1, "R": 0.85})
    comparison = Comparison((a, b))
    assert comparison.differing == ("x",)
    assert comparison.diagnoses() == ("R", "P", "Q")
    assert comparison.to_frame().loc["R", "b"] == 0.85
    assert comparison.to_dict()["scenarios"][1]["posterior"][0]["code"] == "R"


def test_a_poor_sample_is_offered_as_repair_where_it_explains():
    """Four stains of a tumour that all come out negative: a sample without cells explains it."""
    states = {
        "tumour": ["A", "B", "OTHER"],
        "cells": ["adequate", "scant"],
        **{f"s{i}": ["negative", "positive"] for i in range(4)},
        "m": ["no", "yes"],
    }
    stain = np.array([[[0.03, 0.97], [0.98, 0.02]]] * 2 + [[[0.5, 0.5], [0.98, 0.02]]])
    network = network_from_arrays(
        states,
        {"tumour": [], "cells": [], "m": ["tumour"],
         **{f"s{i}": ["tumour", "cells"] for i in range(4)}},
        {"tumour": [0.49, 0.49, 0.02], "cells": [0.97, 0.03],
         "m": [[0.02, 0.98], [0.98, 0.02], [0.5, 0.5]], **{f"s{i}": stain for i in range(4)}},
        {"tumour": "tumour", "cells": "specimen"},
    )  # fmt: skip
    from mesenbayes.diagnosis.conflict import Conflict

    compiled = compile_network(network)
    codes = np.array([-1, -1, 0, 0, 0, 0, 1])
    order = [v.name for v in network.variables]
    given = {"s0": "negative", "s1": "negative", "s2": "negative", "s3": "negative", "m": "yes"}
    codes = np.array(
        [network.variable(n).index(given[n]) if n in given else -1 for n in order], dtype=np.intp
    )
    findings = tuple(Finding(n, s) for n, s in given.items())
    conflict = Conflict(0.5, 0.001, tuple((n, s, 0.1) for n, s in given.items()))
    repairs = find_repairs(network, compiled, Encoded(codes, {}), findings, conflict)
    poor = [r for r in repairs if r.kind == "poor sample"]
    assert [(r.variable, r.state) for r in poor] == [("cells", "scant")]
    assert poor[0].probability > 0.5
    assert poor[0].conflict_after <= 0
    assert "a sampling error" in poor[0].sentence
    assert len(repairs_frame(repairs)) == len(repairs)


def test_nothing_to_repair_in_a_case_of_one_finding():
    from mesenbayes.diagnosis.conflict import Conflict

    network, codes, findings = random_case(0)
    assert (
        find_repairs(
            network, compile_network(network), Encoded(codes, {}), findings,
            Conflict(None, None, ()),
        )
        == ()
    )  # fmt: skip
