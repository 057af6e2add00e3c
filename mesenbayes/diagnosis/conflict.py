"""Whether it fits: are these findings as they come together in any modelled tumour.

    conf(e) = ln [ product of P(e_i) / P(e) ]      (Jensen et al. 1990)

is above 0 when the findings are less likely together than if they had nothing to do with
each other. How odd that is depends on the findings, so the case is compared with simulated
cases of the same network in which the same things were looked at: the tail is the share of
them with a conflict at least as large. Place, way of finding and sample are the setting of
the case, not findings in it; everything here is conditional on them.

The conflict asks whether the findings contradict each other; :mod:`.misfit` asks whether they
suit a modelled diagnosis. A case is called odd if either is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.misfit import Misfit, measure_misfit
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.structure import TUMOUR
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

SETTING = ("site", "ascertainment", "sampling")
ODD = 0.002
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
    expected
        Variable -> (state that the others expect most, its probability).
    misfit
        The comparison with the diagnosis' own cases, if there is a state for none of these.
    """

    value: float | None
    tail: float | None
    suspects: tuple[tuple[str, str, float], ...]
    expected: dict[str, tuple[str, float]] = field(default_factory=dict)
    misfit: Misfit | None = None

    @property
    def is_odd(self) -> bool:
        """Whether the findings contradict each other or suit no modelled diagnosis."""
        contradicts = self.tail is not None and self.tail < ODD
        return contradicts or (self.misfit is not None and self.misfit.is_odd)

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.value is None or self.tail is None:
            return "Too few findings to say whether they fit together."
        if not self.is_odd:
            return "The findings go together as they do in the modelled tumours."
        name, state, p = self.suspects[0]
        advice = (
            f"Least expected is {name}={state} (probability {p:.3f} given the rest): check that "
            "finding, the sample, or whether this is a tumour that the network does not know."
        )
        if self.tail < ODD:
            once = round(1 / max(self.tail, 1e-4))
            return f"A pattern this odd arises about once in {once:,} such cases. {advice}"
        assert self.misfit is not None
        return f"{self.misfit.sentence} {advice}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding, the least expected first."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"variable": v, "state": s, "p_given_rest": p,
                 "expected": self.expected.get(v, ("", np.nan))[0],
                 "p_expected": self.expected.get(v, ("", np.nan))[1]}
                for v, s, p in self.suspects
            ]
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Setting:
    """The certain findings of a case and the setting that everything is conditional on.

    Parameters
    ----------
    fixed
        Setting: variable -> state.
    codes : (variables,)
        The setting alone.
    own : (variables,)
        The setting with the certain findings.
    findings, columns
        The certain findings and their variables' numbers.
    """

    fixed: dict[str, int]
    codes: IntArray
    own: IntArray
    findings: tuple[Finding, ...]
    columns: list[int]


def setting_of(
    network: BayesianNetwork, encoded: Encoded, findings: tuple[Finding, ...]
) -> Setting:
    """Separate the setting of a case from its certain findings."""
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    certain = tuple(f for f in findings if f.state is not None and f.variable not in SETTING)
    columns = [position[f.variable] for f in certain]
    fixed = {
        name: int(encoded.codes[position[name]])
        for name in SETTING
        if name in position and encoded.codes[position[name]] != NOT_OBSERVED
    }
    codes = np.full_like(encoded.codes, NOT_OBSERVED)
    for name, code in fixed.items():
        codes[position[name]] = code
    own = codes.copy()
    own[columns] = encoded.codes[columns]
    return Setting(fixed, codes, own, certain, columns)


def conflict_values(
    network: BayesianNetwork, compiled: CompiledNetwork, setting: IntArray, cases: IntArray
) -> FloatArray:
    """Return conf of cases that share a setting, shape (cases,); NaN where impossible.

    Parameters
    ----------
    setting : (variables,)
        Codes of the setting alone.
    cases : (cases, variables)
        Codes of the setting and the findings; what is not observed may differ.
    """
    columns = np.flatnonzero((cases != setting).any(axis=0))
    names = tuple(network.variables[c].name for c in columns)
    alone = compiled.run(setting[None], targets=names)
    apart = np.zeros(len(cases))
    for name, column in zip(names, columns, strict=True):
        logs = np.log(np.maximum(alone.posterior[name][0], 1e-300))
        code = cases[:, column]
        apart += np.where(code == NOT_OBSERVED, 0.0, logs[code])
    together = compiled.run(cases, targets=(), on_impossible="nan").log_evidence
    return np.asarray(apart - (together - alone.log_evidence[0]))


def measure_conflict(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    *,
    simulations: int = 2000,
    target: str = TUMOUR,
    rng: np.random.Generator,
) -> Conflict:
    """Return the conflict of a case; uncertain findings are left out of it."""
    case = setting_of(network, encoded, findings)
    if len(case.columns) < 2:
        return Conflict(None, None, ())
    drawn = sample_codes(network, simulations, rng, case.fixed)
    cases = np.tile(case.codes, (simulations + 1, 1))
    cases[0] = case.own
    cases[1:, case.columns] = drawn[:, case.columns]
    values = conflict_values(network, compiled, case.codes, cases)
    # One added to both keeps the tail above 0 (Davison & Hinkley 1997, p. 141).
    tail = float((1 + (values[1:] >= values[0] - 1e-12).sum()) / (1 + simulations))
    retracted = compiled.retractions(case.own[None])
    suspects, expected = [], {}
    for finding in case.findings:
        variable = network.variable(finding.variable)
        p = retracted[finding.variable][0]
        suspects.append((finding.variable, str(finding.state),
                         float(p[variable.index(str(finding.state))])))  # fmt: skip
        expected[finding.variable] = (variable.states[int(p.argmax())], float(p.max()))
    known = {v.name for v in network.variables}
    misfit = (
        measure_misfit(
            network, compiled, case.own, case.fixed, case.columns, target,
            simulations=simulations, rng=rng,
        )
        if target in known
        else None
    )  # fmt: skip
    suspects.sort(key=lambda item: item[2])
    return Conflict(float(values[0]), tail, tuple(suspects), expected, misfit)
