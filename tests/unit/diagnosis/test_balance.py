"""Weights of evidence against orders and subsets enumerated by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from mesenbayes.diagnosis import balance
from mesenbayes.diagnosis.balance import ALL_OTHERS, balance_sheets, odds_in_words
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.errors import CaseError
from mesenbayes.inference import compile_network
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network


def case_of(network, codes):
    return tuple(
        Finding(v.name, v.states[c])
        for v, c in zip(network.variables, codes, strict=True)
        if c >= 0
    )


def random_case(rng, n_variables=6, n=4):
    network = random_network(rng, n_variables=n_variables, max_parents=2, max_states=3)
    codes = np.full(n_variables, -1, dtype=np.intp)
    for i in rng.choice(np.arange(1, n_variables), n, replace=False):
        codes[i] = rng.integers(network.variables[i].cardinality)
    return network, codes


def slow_value(network, codes, kept, lead, rival):
    """v(A) by enumerating the joint distribution."""
    part = np.full_like(codes, -1)
    part[list(kept)] = codes[list(kept)]
    joint = enumerate_joint(network, part)
    p = joint.reshape(joint.shape[0], -1).sum(axis=1)
    other = p.sum() - p[lead] if rival is None else p[rival]
    return 10 * np.log10(p[lead] / other)


@pytest.mark.parametrize("seed", range(4))
def test_shapley_is_the_mean_over_all_orders(seed):
    rng = np.random.default_rng(seed)
    network, codes = random_case(rng)
    findings = case_of(network, codes)
    sheets = balance_sheets(
        network, compile_network(network), Encoded(codes, {}), findings, "V0"
    )
    states = network.variable("V0").states
    known = [i for i, c in enumerate(codes) if c >= 0]
    for sheet in sheets:
        lead = states.index(sheet.leading)
        rival = None if sheet.rival == ALL_OTHERS else states.index(sheet.rival)
        slow = {i: [] for i in known}
        for order in permutations(known):
            for k, i in enumerate(order):
                slow[i].append(
                    slow_value(network, codes, order[: k + 1], lead, rival)
                    - slow_value(network, codes, order[:k], lead, rival)
                )
        for w in sheet.weights:
            i = next(j for j, v in enumerate(network.variables) if v.name == w.variable)
            assert w.shapley == pytest.approx(np.mean(slow[i]), abs=1e-8)
            rest = [j for j in known if j != i]
            assert w.leave_one_out == pytest.approx(
                slow_value(network, codes, known, lead, rival)
                - slow_value(network, codes, rest, lead, rival), abs=1e-8,
            )  # fmt: skip
        assert sum(w.shapley for w in sheet.weights) == pytest.approx(sheet.total - sheet.prior)


@pytest.mark.parametrize("seed", range(3))
def test_sampled_orders_agree_with_all_subsets(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    network, codes = random_case(rng, 8, 6)
    findings = case_of(network, codes)
    arguments = (network, compile_network(network), Encoded(codes, {}), findings, "V0")
    exact = {w.variable: w for w in balance_sheets(*arguments)[0].weights}
    monkeypatch.setattr(balance, "EXACT_UP_TO", 0)
    (sheet, *_) = balance_sheets(*arguments, orders=60, rng=rng)
    assert not sheet.exact
    assert sum(w.shapley for w in sheet.weights) == pytest.approx(sheet.total - sheet.prior)
    for w in sheet.weights:
        assert w.alone == pytest.approx(exact[w.variable].alone)
        assert w.leave_one_out == pytest.approx(exact[w.variable].leave_one_out)
        assert abs(w.shapley - exact[w.variable].shapley) < 4.5 * w.error + 1e-6


def two_tests(correlated):
    """Return two types and two tests; `correlated`: the second repeats the first."""
    p_first = np.array([[0.9, 0.1], [0.2, 0.8]])
    if correlated:
        second = np.array([[[0.95, 0.05], [0.05, 0.95]]] * 2)
        parents = {"tumour": [], "f": ["tumour"], "g": ["tumour", "f"]}
    else:
        second = p_first
        parents = {"tumour": [], "f": ["tumour"], "g": ["tumour"]}
    states = {"tumour": ["A", "B"], "f": ["no", "yes"], "g": ["no", "yes"]}
    tables = {"tumour": np.array([0.5, 0.5]), "f": p_first, "g": second}
    return network_from_arrays(states, parents, tables, {"tumour": "tumour"})


def test_a_repeated_finding_is_named_redundant_and_an_independent_one_is_not():
    for correlated in (True, False):
        network = two_tests(correlated)
        codes = np.array([-1, 1, 1])
        sheet = balance_sheets(
            network, compile_network(network), Encoded(codes, {}), case_of(network, codes),
            "tumour", rivals=["A"],
        )[0]  # fmt: skip
        kinds = [i.kind for i in sheet.interactions]
        assert kinds == (["redundancy"] if correlated else [])


def test_two_findings_that_only_speak_together_are_synergy():
    """Exclusive or: each alone says nothing, both together decide."""
    rows = np.array([[[0.98, 0.02], [0.02, 0.98]], [[0.02, 0.98], [0.98, 0.02]]])
    network = network_from_arrays(
        {"tumour": ["A", "B"], "f": ["no", "yes"], "g": ["no", "yes"]},
        {"tumour": [], "f": [], "g": ["tumour", "f"]},
        {"tumour": np.array([0.5, 0.5]), "f": np.array([0.5, 0.5]), "g": rows},
    )
    codes = np.array([-1, 1, 1])
    sheet = balance_sheets(
        network, compile_network(network), Encoded(codes, {}), case_of(network, codes), "tumour",
        rivals=["B"],
    )[0]  # fmt: skip
    assert [i.kind for i in sheet.interactions] == ["synergy"]
    assert all(abs(w.alone) < 1e-9 for w in sheet.weights)


def test_weights_against_a_pair_of_independent_findings_are_likelihood_ratios():
    network = two_tests(correlated=False)
    codes = np.array([-1, 1, 0])
    sheet = balance_sheets(
        network, compile_network(network), Encoded(codes, {}), case_of(network, codes), "tumour",
        leading="A", rivals=["B"],
    )[0]  # fmt: skip
    by_name = {w.variable: w for w in sheet.weights}
    assert by_name["f"].shapley == pytest.approx(10 * np.log10(0.1 / 0.8))
    assert by_name["f"].p_leading == pytest.approx(0.1)
    assert by_name["f"].p_rival == pytest.approx(0.8)
    assert [w.variable for w in sheet.against] == ["f"]
    assert "8.0:1" not in by_name["g"].sentence
    assert by_name["f"].sentence == "f=yes speaks clearly for B over A, 8:1."


def test_an_unknown_diagnosis_is_refused_with_the_nearest():
    network = two_tests(correlated=False)
    codes = np.array([-1, 1, 0])
    with pytest.raises(CaseError, match="no diagnosis 'C'"):
        balance_sheets(
            network, compile_network(network), Encoded(codes, {}), case_of(network, codes),
            "tumour", leading="C",
        )  # fmt: skip


def test_odds_in_words():
    assert odds_in_words(9.03) == "8:1"
    assert odds_in_words(-3.01) == "2.0:1"
    assert odds_in_words(80) == "more than a million to one"
