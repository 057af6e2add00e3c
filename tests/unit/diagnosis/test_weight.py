"""Leave-one-out weights against the joint distribution enumerated."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.support import support_of
from mesenbayes.diagnosis.weight import finding_weights, in_words
from mesenbayes.inference import compile_network
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.network.variable import Variable
from mesenbayes.testing import enumerate_joint, random_network


@pytest.mark.parametrize("seed", range(4))
def test_leave_one_out_weights(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_variables=6)
    codes = np.full(6, -1, dtype=np.intp)
    for i in (2, 3, 5):
        codes[i] = rng.integers(network.variables[i].cardinality)
    findings = tuple(
        Finding(v.name, v.states[c])
        for v, c in zip(network.variables, codes, strict=True)
        if c >= 0
    )

    def first(part):
        joint = enumerate_joint(network, part)
        p = joint.reshape(joint.shape[0], -1).sum(axis=1)
        return p / p.sum()

    p = first(codes)
    best, second = np.argsort(-p)[:2]
    found = finding_weights(
        network, compile_network(network), Encoded(codes, {}), findings, "V0", p
    )
    for weight, i in zip(found, (2, 3, 5), strict=True):
        part = codes.copy()
        part[i] = -1
        q = first(part)
        odds = p[best] / (1 - p[best]) / (q[best] / (1 - q[best]))
        assert weight.decibans == pytest.approx(10 * np.log10(odds), abs=1e-8)
        pair = p[best] / p[second] / (q[best] / q[second])
        assert weight.against_runner_up == pytest.approx(10 * np.log10(pair), abs=1e-8)


def test_words_follow_the_grades_of_jeffreys():
    assert [in_words(d) for d in (0.5, 2, 6, 11, 15, 25)] == [
        "", "slightly", "clearly", "strongly", "very strongly", "decisively"
    ]  # fmt: skip
    assert in_words(-11) == "strongly"


def test_support_is_followed_to_the_hidden_expression():
    """P(stain | type) rests on the row of the expression in that type, not on the reading."""
    study = Study("smith2001", (("present", 9),), 10, 8.0)
    variables = (
        Variable("site", ("x", "y")),
        Variable("tumour", ("A", "B"), role="tumour"),
        Variable("e", ("absent", "present"), role="latent"),
        Variable("s", ("negative", "positive")),
    )
    row = Row(np.array([1.0, 9.0]), "counts", studies=(study,))
    other = Row(np.array([5.0, 5.0]), "prior")
    here, there = Row(np.array([3.0, 7.0]), "counts"), Row(np.array([5.0, 5.0]), "borrowed")
    reading = (Row(np.array([9.0, 1.0]), "prior"), Row(np.array([1.0, 9.0]), "prior"))
    network = Network(
        "n", "test", variables,
        {
            "site": Table("site", (), (Row(np.array([1.0, 1.0]), "prior"),), np.array(0)),
            "tumour": Table("tumour", ("site",), (here, there), np.array([0, 1])),
            "e": Table("e", ("tumour",), (row, other), np.array([0, 1])),
            "s": Table("s", ("e",), reading, np.array([0, 1])),
        },
    )  # fmt: skip
    found = support_of(network, "tumour", "s", "A")
    assert (found.table, found.rows, found.source_ids) == ("e", (row,), ("smith2001",))
    assert found.origin == "counts"
    assert support_of(network, "tumour", "s", "B").origin == "prior"
    assert support_of(network, "tumour", "site", "A", "y").rows == (there,)
    assert set(support_of(network, "tumour", "site", "A").rows) == {here, there}
