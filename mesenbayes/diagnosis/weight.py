"""Why: how much each finding speaks for the leading diagnosis.

The weight of evidence of finding f for hypothesis h, given everything else that is known, is

    W = 10 log10 [ odds(h | e) / odds(h | e without f) ]   in decibans (Good 1950):

10 decibans multiply the odds by ten, 3 double them. Taking each finding out in turn needs one
batch of posteriors, one row a finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

_SCALE = (
    (20.0, "decisively"),
    (13.0, "very strongly"),
    (10.0, "strongly"),
    (5.0, "clearly"),
    (1.5, "slightly"),
)
"""Decibans and the word for them, after Jeffreys' table of grades (1961): odds of about 100,
20, 10, 3 and 1.4 to one."""


@dataclass(frozen=True)
class FindingWeight:
    """What one finding contributed.

    Parameters
    ----------
    decibans
        For the leading diagnosis against all others together, all else being known.
    against_runner_up
        For the leading diagnosis against the second.
    """

    variable: str
    state: str
    decibans: float
    against_runner_up: float
    leading: str
    runner_up: str

    @property
    def words(self) -> str:
        """The weight in words."""
        strength = in_words(self.decibans)
        if not strength:
            return f"says little about {self.leading}"
        return f"speaks {strength} {'for' if self.decibans > 0 else 'against'} {self.leading}"


def in_words(decibans: float) -> str:
    """Return the adverb for a weight of evidence; empty where it says little."""
    return next((word for bound, word in _SCALE if abs(decibans) >= bound), "")


def finding_weights(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    target: str,
    posterior: NDArray[np.float64],
) -> tuple[FindingWeight, ...]:
    """Return the weight of each finding, in the order of `findings`.

    Parameters
    ----------
    posterior : (states,)
        P(target | all findings).
    """
    findings = tuple(f for f in findings if f.variable != target)
    if not findings:
        return ()
    states = network.variable(target).states
    best, second = (int(i) for i in np.argsort(-posterior)[:2])
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    codes, likelihoods = encoded.batch(len(findings))
    for row, finding in enumerate(findings):
        codes[row, position[finding.variable]] = NOT_OBSERVED
        if finding.variable in likelihoods:
            likelihoods[finding.variable][row] = 1.0
    without = compiled.run(codes, likelihoods, targets=(target,)).posterior[target]
    with np.errstate(divide="ignore"):
        weight = log_odds(posterior, best) - log_odds(without, best)
        pair = np.log(posterior[best] / posterior[second]) - np.log(
            without[:, best] / without[:, second]
        )
    decibans = 10 / np.log(10)
    return tuple(
        FindingWeight(
            f.variable,
            f.state or str(f),
            float(np.clip(weight[i] * decibans, -200, 200)),
            float(np.clip(pair[i] * decibans, -200, 200)),
            states[best],
            states[second],
        )
        for i, f in enumerate(findings)
    )


def log_odds(p: NDArray[np.float64], state: int) -> NDArray[np.float64]:
    """Return ln odds of a state; the other states are summed, so that 1 - p keeps its digits."""
    rest = np.delete(p, state, axis=-1).sum(axis=-1)
    return np.asarray(np.log(p[..., state]) - np.log(np.maximum(rest, 1e-300)))
