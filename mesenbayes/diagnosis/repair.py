"""What would explain an odd case: a failed stain, a poor sample, a rare genotype, another tumour.

A hypothesis i that is not observed explains a conflict away (Jensen's rare-case test) if

    conf(e, i) = conf(e) - ln [ P(i | e) / P(i) ]  <=  0.

A finding is a suspect if the case without it is no longer odd; for a stain that means that the
stain failed and its control must be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mesenbayes.diagnosis.conflict import Conflict, conflict_values, setting_of
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.diagnosis.misfit import measure_misfit
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import OTHER, TUMOUR
from mesenbayes.network.variable import NOT_OBSERVED, Variable

if TYPE_CHECKING:
    import pandas as pd

RepairKind = Literal[
    "failed stain", "wrong finding", "poor sample", "rare genotype", "other diagnosis", "background"
]

_LEAST = 1e-4
"""Hypotheses less probable than this given the findings explain nothing."""
_TRIED = 3
"""Suspect findings for which the whole comparison is made again."""
_SIMULATIONS = 400
_SEED = 20261124


@dataclass(frozen=True)
class Repair:
    """One thing that, if true, would explain an odd case.

    Parameters
    ----------
    variable, state
        The suspect finding with its state, or the hypothesis.
    conflict_after
        conf(e) with the finding set aside or the hypothesis taken in.
    fit_after
        How well the rest fits then, the smaller tail of the misfit; None where it was not
        computed.
    leading, probability
        The leading diagnosis then and its probability; for a hypothesis P(hypothesis | e).
    """

    kind: RepairKind
    variable: str
    state: str
    conflict_after: float
    fit_after: float | None
    leading: str
    probability: float

    @property
    def sentence(self) -> str:
        """The repair in words."""
        what = f"{self.variable}={self.state}"
        if self.kind in ("failed stain", "wrong finding"):
            told = "the stain failed (check its control)" if self.kind == "failed stain" else (
                "it was misread"
            )
            fit = "" if self.fit_after is None else f", fit {self.fit_after:.2f}"
            return (
                f"{what}: if {told}, the rest says {self.leading} "
                f"({self.probability:.0%}{fit})."
            )
        reason = {
            "poor sample": "a sampling error",
            "rare genotype": "a rare genotype",
            "other diagnosis": "another diagnosis",
            "background": "an unstated condition",
        }[self.kind]
        return f"{what} would explain it: {reason} (probability {self.probability:.1%})."


def find_repairs(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    conflict: Conflict,
    *,
    target: str = TUMOUR,
    rng: np.random.Generator | None = None,
) -> tuple[Repair, ...]:
    """Return what would explain the case, best first; empty with fewer than two findings."""
    if conflict.value is None:
        return ()
    generator = np.random.default_rng(_SEED) if rng is None else rng
    suspects = _suspects(network, compiled, encoded, findings, conflict, target, generator)
    return (*suspects, *_hypotheses(network, compiled, encoded, findings, conflict, target))


def repairs_frame(repairs: tuple[Repair, ...]) -> pd.DataFrame:
    """Return one row a repair."""
    import pandas as pd

    return pd.DataFrame([{**r.__dict__, "sentence": r.sentence} for r in repairs])


def _suspects(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    conflict: Conflict,
    target: str,
    rng: np.random.Generator,
) -> list[Repair]:
    case = setting_of(network, encoded, findings)
    position = {v.name: i for i, v in enumerate(network.variables)}
    cases = np.tile(case.own, (len(case.columns), 1))
    for row, column in enumerate(case.columns):
        cases[row, column] = NOT_OBSERVED
    values = conflict_values(network, compiled, case.codes, np.vstack([cases, case.own]))
    after = compiled.run(cases, targets=(target,)).posterior[target]
    states = network.variable(target).states
    before = 0.0 if conflict.misfit is None else conflict.misfit.fit
    order = [v for v, _, _ in conflict.suspects]
    found = []
    for name in order[:_TRIED]:
        row = case.columns.index(position[name])
        fit = None
        if conflict.misfit is not None and len(case.columns) > 2:
            misfit = measure_misfit(
                network, compiled, cases[row], case.fixed,
                [c for c in case.columns if c != position[name]], target,
                simulations=_SIMULATIONS, rng=rng,
            )  # fmt: skip
            fit = None if misfit is None else misfit.fit
        variable = network.variable(name)
        better = values[row] < float(conflict.value or 0.0) - 0.5 or (fit or 0.0) > 3 * before
        if not better:
            continue
        lead = int(after[row].argmax())
        kind: RepairKind = "failed stain" if _is_stain(network, variable) else "wrong finding"
        found.append(
            Repair(kind, name, variable.states[case.own[position[name]]], float(values[row]),
                   fit, states[lead], float(after[row, lead]))
        )  # fmt: skip
    return sorted(found, key=lambda r: -(r.fit_after or 0.0))


def _is_stain(network: BayesianNetwork, variable: Variable) -> bool:
    """Return whether a finding is read off a hidden truth."""
    return any(network.variable(p).role == "latent" for p in network.tables[variable.name].parents)


def _hypotheses(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: tuple[Finding, ...],
    conflict: Conflict,
    target: str,
) -> list[Repair]:
    """Return the unobserved states that explain the conflict away (rare-case test)."""
    case = setting_of(network, encoded, findings)
    kinds: dict[str, RepairKind] = {"genotype": "rare genotype", "specimen": "poor sample"}
    candidates: dict[str, RepairKind] = {}
    for i, variable in enumerate(network.variables):
        if case.own[i] != NOT_OBSERVED or variable.name in encoded.likelihoods:
            continue
        if variable.name == target:
            candidates[variable.name] = "other diagnosis"
        elif variable.role in kinds:
            candidates[variable.name] = kinds[variable.role]
        elif variable.role == "finding" and variable.group == "patient" and len(
            variable.states
        ) == 2:
            candidates[variable.name] = "background"
    names = tuple(candidates)
    before = compiled.run(case.codes[None], targets=names).posterior
    after = compiled.run(case.own[None], targets=names).posterior
    found = []
    value = float(conflict.value or 0.0)
    for name, kind in candidates.items():
        variable = network.variable(name)
        for i, state in enumerate(variable.states):
            p, prior = float(after[name][0, i]), float(before[name][0, i])
            if p < _LEAST or prior <= 0 or state == OTHER or p <= prior:
                continue
            left = value - float(np.log(p / prior))
            if value > 0 and left <= 0 and (kind == "other diagnosis" or prior < 0.5):
                found.append(Repair(kind, name, state, left, None, state, p))
    return sorted(found, key=lambda r: -r.probability)[:8]
