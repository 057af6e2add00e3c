"""Which single test says most about the diagnosis of this patient.

For every test that has not been done, the expected information is the mutual information of
its result t and the tumour type s given the findings,

    I = sum_t P(t | e) sum_s P(s | t, e) log2 [ P(s | t, e) / P(s | e) ]    (bits),

from the joint P(s, t | e), which one backward pass gives for all tests together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

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

    variable: str
    label: str
    group: str
    bits: float
    expected_top: float
    results: tuple[tuple[str, float, str, float], ...]


def rank_tests(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    groups: tuple[str, ...] = ORDERABLE,
) -> tuple[TestValue, ...]:
    """Return every test not yet done, the most informative first."""
    candidates = [
        variable
        for i, variable in enumerate(network.variables)
        if variable.group in groups
        and variable.role == "finding"
        and encoded.codes[i] == NOT_OBSERVED
        and variable.name not in encoded.likelihoods
    ]
    if not candidates:
        return ()
    codes, likelihoods = encoded.batch()
    names = tuple(variable.name for variable in candidates)
    joints = compiled.pairwise(codes, target=target, findings=names, likelihoods=likelihoods)
    states = network.variable(target).states
    values = []
    for variable in candidates:
        joint = joints[variable.name][0]  # (target states, test states)
        p_test = joint.sum(axis=0)
        after = joint / np.where(p_test > 0, p_test, 1)
        top = after.argmax(axis=0)
        values.append(
            TestValue(
                variable.name,
                variable.label,
                variable.group,
                mutual_information(joint),
                float((p_test * after.max(axis=0)).sum()),
                tuple(
                    (state, float(p_test[t]), states[top[t]], float(after[top[t], t]))
                    for t, state in enumerate(variable.states)
                ),
            )
        )
    return tuple(sorted(values, key=lambda v: -v.bits))


def mutual_information(joint: NDArray[np.float64]) -> float:
    """Return the mutual information of a joint distribution, in bits."""
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    inside = joint > 0
    return max(float((joint[inside] * np.log2(joint[inside] / product[inside])).sum()), 0.0)
