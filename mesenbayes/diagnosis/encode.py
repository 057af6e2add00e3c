"""From matched findings to the arrays that the engine takes.

A required probability (Jeffrey's rule) depends on everything else that is known: the
likelihood that brings P(X = x | all evidence) to r(x) is

    lambda(x)  proportional to  r(x) / P(x | evidence without it)

Several such findings move each other, so they are fitted in turn until all hold (iterative
proportional fitting; Chan & Darwiche 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.findings import Finding, MatchedCase
from mesenbayes.errors import CaseError
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

_ROUNDS = 200
_CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Encoded:
    """One case as the engine takes it.

    Parameters
    ----------
    codes : (variables,)
        State indices, ``NOT_OBSERVED`` where nothing certain is known.
    likelihoods
        Variable -> (states,) for uncertain findings.
    """

    codes: NDArray[np.intp]
    likelihoods: dict[str, NDArray[np.float64]]

    def batch(self, size: int = 1) -> tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]]:
        """Return the case repeated `size` times, ready to be varied row by row."""
        return (
            np.tile(self.codes, (size, 1)),
            {name: np.tile(values, (size, 1)) for name, values in self.likelihoods.items()},
        )


def encode(
    network: BayesianNetwork, compiled: CompiledNetwork, case: MatchedCase
) -> Encoded:
    """Return the arrays of a matched case.

    Raises
    ------
    CaseError
        If required probabilities cannot all hold.
    """
    codes = np.full(len(network.variables), NOT_OBSERVED, dtype=np.intp)
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    likelihoods: dict[str, NDArray[np.float64]] = {}
    required: list[Finding] = []
    for finding in case.findings:
        variable = network.variable(finding.variable)
        if finding.state is not None:
            codes[position[finding.variable]] = variable.index(finding.state)
        elif finding.kind == "likelihood":
            likelihoods[finding.variable] = _weights(finding)
        else:
            required.append(finding)
    if required:
        likelihoods |= _fit_required(compiled, codes, likelihoods, required, case)
    return Encoded(codes, likelihoods)


def _weights(finding: Finding) -> NDArray[np.float64]:
    return np.array([weight for _, weight in finding.weights])


def _fit_required(
    compiled: CompiledNetwork,
    codes: NDArray[np.intp],
    likelihoods: dict[str, NDArray[np.float64]],
    required: list[Finding],
    case: MatchedCase,
) -> dict[str, NDArray[np.float64]]:
    fitted = {f.variable: np.ones(len(f.weights)) for f in required}
    for _ in range(_ROUNDS):
        largest = 0.0
        for finding in required:
            others = {k: v[None] for k, v in fitted.items() if k != finding.variable}
            given = {k: v[None] for k, v in likelihoods.items()}
            result = compiled.run(codes[None], {**given, **others}, targets=(finding.variable,))
            without = result.posterior[finding.variable][0]
            target = _weights(finding)
            if ((target > 0) & (without <= 0)).any():
                raise CaseError(
                    f"{case.case.where}: {finding.variable} cannot have the probability that is "
                    "stated for it, because the other findings exclude one of its states"
                )
            lam = np.divide(target, without, out=np.zeros_like(target), where=without > 0)
            lam /= lam.max()
            largest = max(largest, float(np.abs(lam - fitted[finding.variable]).max()))
            fitted[finding.variable] = lam
        if largest < _CLOSE or len(required) == 1:
            return fitted
    raise CaseError(
        f"{case.case.where}: the stated probabilities of "
        f"{', '.join(f.variable for f in required)} cannot all hold together"
    )
