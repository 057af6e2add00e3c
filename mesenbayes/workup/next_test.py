"""Which single finding says most about the diagnosis of this patient.

For every test that has not been done, the expected information is the mutual information of
its result t and the tumour type s given the findings,

    I = sum_t P(t | e) sum_s P(s | t, e) log2 [ P(s | t, e) / P(s | e) ]    (bits).
"""

from __future__ import annotations

from dataclasses import dataclass

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED
from mesenbayes.workup.outlook import Outlook, look
from mesenbayes.workup.value import by_target, information, joint_with_classes, results_of

ORDERABLE = ("immunohistochemistry", "molecular")
"""Groups of variables that a laboratory can be asked for on tissue already taken."""


@dataclass(frozen=True)
class TestValue:
    """What one test is expected to tell.

    Parameters
    ----------
    bits
        Expected information about the tumour type.
    expected_top
        Expected probability of the then leading diagnosis.
    results
        State of the test -> (probability of that result, leading diagnosis then, its
        probability).
    """

    __test__ = False  # not a test of pytest's

    variable: str
    label: str
    group: str
    bits: float
    expected_top: float
    results: tuple[tuple[str, float, str, float], ...]


def open_tests(
    network: BayesianNetwork, encoded: Encoded, groups: tuple[str, ...] = ORDERABLE
) -> tuple[str, ...]:
    """Return the findings of some groups that are not yet known; all findings of a network of
    another program, which has no groups."""
    is_grouped = any(variable.group for variable in network.variables)
    return tuple(
        variable.name
        for i, variable in enumerate(network.variables)
        if (variable.group in groups or not is_grouped)
        and variable.role == "finding"
        and encoded.codes[i] == NOT_OBSERVED
        and variable.name not in encoded.likelihoods
    )


def rank_tests(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    groups: tuple[str, ...] = ORDERABLE,
) -> tuple[TestValue, ...]:
    """Return every test not yet done, the most informative first."""
    names = tuple(n for n in open_tests(network, encoded, groups) if n != target)
    if not names:
        return ()
    return rank(look(network, compiled, encoded, target, names))


def rank(outlook: Outlook) -> tuple[TestValue, ...]:
    """Return the tests of an outlook, the most informative first."""
    values = []
    for name in outlook.tests:
        variable = outlook.network.variable(name)
        weights = joint_with_classes(outlook, (name,))
        results = results_of(outlook, (name,), weights, None)
        values.append(
            TestValue(
                name,
                variable.label,
                variable.group,
                information(by_target(outlook, weights)),
                sum(r.probability * r.leading_probability for r in results),
                tuple(
                    (r.states[0], r.probability, r.leading, r.leading_probability)
                    for r in results
                ),
            )
        )
    return tuple(sorted(values, key=lambda v: -v.bits))
