"""Does it fit: are these findings as they come together in any modelled tumour?

    conf(e) = ln [ product of P(e_i) / P(e) ]      (Jensen et al. 1990)

is above 0 when the findings are less likely together than if they had nothing to do with
each other. How odd that is depends on the findings, so the case is compared with simulated
cases of the same network in which the same things were looked at: the tail is the share of
them with a conflict at least as large. Place, way of finding and sample are the setting of
the case, not findings in it; everything here is conditional on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.variable import NOT_OBSERVED

SETTING = ("site", "ascertainment", "sampling")
ODD = 0.01
"""A case is called odd when fewer simulated ones than this conflict as much."""


@dataclass(frozen=True)
class Conflict:
    """How well the findings go together.

    Parameters
    ----------
    value
        conf(e), natural logarithm; None with fewer than two findings.
    tail
        Share of simulated cases with a conflict at least as large.
    suspects
        Findings by how little the others expect them: (variable, state, P(state | others)).
    """

    value: float | None
    tail: float | None
    suspects: tuple[tuple[str, str, float], ...]

    @property
    def is_odd(self) -> bool:
        """Whether the findings go together less well than in nearly every simulated case."""
        return self.tail is not None and self.tail < ODD

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.value is None or self.tail is None:
            return "Too few findings to say whether they fit together."
        if not self.is_odd:
            return "The findings go together as they do in the modelled tumours."
        share = max(self.tail, 1e-4)
        name, state, p = self.suspects[0]
        return (
            f"A pattern this odd arises about once in {round(1 / share):,} such cases. Least "
            f"expected is {name}={state} (probability {p:.3f} given the rest): check that finding, "
            "the sample, or whether this is a tumour that the network does not know."
        )


def measure_conflict(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    *,
    simulations: int = 2000,
    rng: np.random.Generator,
) -> Conflict:
    """Return the conflict of a case; uncertain findings are left out of it."""
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    certain = [f for f in findings if f.state is not None and f.variable not in SETTING]
    columns = [position[f.variable] for f in certain]
    if len(columns) < 2:
        return Conflict(None, None, ())
    fixed = {
        name: int(encoded.codes[position[name]])
        for name in SETTING
        if name in position and encoded.codes[position[name]] != NOT_OBSERVED
    }
    setting = np.full_like(encoded.codes, NOT_OBSERVED)
    for name, code in fixed.items():
        setting[position[name]] = code
    marginals = compiled.marginals(setting[None])
    log_marginal = {
        f.variable: np.log(np.maximum(marginals[f.variable][0], 1e-300)) for f in certain
    }
    base = float(compiled.run(setting[None], targets=()).log_evidence[0])

    def conflict(codes: NDArray[np.intp]) -> NDArray[np.float64]:
        together = compiled.run(codes, targets=(), on_impossible="nan").log_evidence - base
        apart = sum(
            log_marginal[f.variable][codes[:, c]] for f, c in zip(certain, columns, strict=True)
        )
        return np.asarray(apart - together)

    own = setting.copy()
    own[columns] = encoded.codes[columns]
    drawn = sample_codes(network, simulations, rng, fixed)
    others = np.tile(setting, (simulations, 1))
    others[:, columns] = drawn[:, columns]
    value = float(conflict(own[None])[0])
    simulated = conflict(others)
    retracted = compiled.retractions(own[None])
    suspects = sorted(
        (
            (f.variable, str(f.state),
             float(retracted[f.variable][0, network.variable(f.variable).index(str(f.state))]))
            for f in certain
        ),
        key=lambda item: item[2],
    )  # fmt: skip
    # One added to both keeps the tail above 0 (Davison & Hinkley 1997, p. 141).
    tail = float((1 + (simulated >= value - 1e-12).sum()) / (1 + simulations))
    return Conflict(value, tail, tuple(suspects))
