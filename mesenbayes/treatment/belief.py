"""What is believed about the tumour when a treatment is chosen: the input of the module.

The treatment module knows nothing of networks: it takes probabilities of tumour types and
genotypes as plain numbers, so that any program can use it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.treatment.result import Result
from mesenbayes.treatment.values import Finding, intervals, states

MEASURED = frozenset(
    {"size_cm", "mitoses_per_5mm2", "age", "mitoses_per_10hpf", "necrosis_percent"}
)
"""Findings read as numbers or bands."""


@dataclass(frozen=True, eq=False)
class TreatmentBelief(Result):
    """Probabilities of the tumour types and genotypes, with the findings of the case.

    Parameters
    ----------
    tumour
        Tumour code -> probability; sums to 1.
    genotype
        GIST genotype -> probability given that the tumour is a GIST; may be empty.
    findings
        Variable -> state, number, or state -> probability. What is absent is not known.
    draws : (D, tumours), optional
        Posterior draws of the tumour probabilities, columns in the order of `tumour`.

    Raises
    ------
    CaseError
        If probabilities do not sum to 1, draws have the wrong shape, a genotype is stated
        for tumours that have none, or the stage contradicts the metastasis findings.
    """

    tumour: Mapping[str, float]
    genotype: Mapping[str, float] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    draws: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.tumour:
            raise CaseError("no tumour type has a probability")
        _check_distribution("tumour", self.tumour)
        if self.genotype:
            _check_distribution("genotype", self.genotype)
            if self.tumour.get("GIST", 0.0) <= 0:
                raise CaseError(
                    f"genotype {max(self.genotype, key=self.genotype.__getitem__)} is stated, "
                    "but only a GIST has one and GIST is excluded"
                )
        if self.draws is not None:
            shape = np.shape(self.draws)
            if len(shape) != 2 or shape[1] != len(self.tumour):
                raise CaseError(
                    f"draws has shape {shape}, expected (draws, {len(self.tumour)}), one column "
                    "per tumour type"
                )
        for name in MEASURED & set(self.findings):
            intervals(name, self.findings[name])
        _check_stage(self.findings)

    def chance(self, name: str, state: str) -> float | None:
        """Return the probability that a finding has a state; None if it is not known."""
        if name not in self.findings:
            return None
        return states(self.findings[name]).get(state, 0.0)

    def state(self, name: str, default: str = "") -> str:
        """Return the most probable state of a finding, or `default` if not known."""
        if name not in self.findings:
            return default
        known = states(self.findings[name])
        return max(known, key=known.__getitem__)

    def number(self, name: str, default: float) -> float:
        """Return a number for a measured finding: as stated, or the mean of its bands."""
        if name not in self.findings:
            return default
        parts = intervals(name, self.findings[name])
        return math.fsum(part.probability * part.middle for part in parts)

    @property
    def is_advanced(self) -> bool:
        """Whether metastases are more likely than not (not stated counts as localised)."""
        return (self.chance("metastasis", "present") or 0.0) > 0.5


def _check_distribution(name: str, distribution: Mapping[str, float]) -> None:
    for state, p in distribution.items():
        if not math.isfinite(p) or not -1e-9 <= p <= 1 + 1e-9:
            raise CaseError(f"{name} {state}: {p} is not a probability")
    total = math.fsum(distribution.values())
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise CaseError(f"the {name} probabilities sum to {total:.6g}, not to 1")


def _check_stage(findings: Mapping[str, Finding]) -> None:
    """Refuse a stage that contradicts the stated nodes or metastases."""
    if "stage" not in findings:
        return
    stage = str(findings["stage"]).upper()
    spread = [
        name
        for name in ("metastasis", "nodal_metastasis")
        if name in findings and states(findings[name]).get("present", 0.0) == 1.0
    ]
    if spread and stage != "IV":
        raise CaseError(f"stage {stage} contradicts {spread[0]}: present, which is stage IV")
    none = [
        name
        for name in ("metastasis", "nodal_metastasis")
        if name in findings and states(findings[name]).get("absent", 0.0) == 1.0
    ]
    if stage == "IV" and len(none) == 2:
        raise CaseError("stage IV contradicts metastasis: absent and nodal_metastasis: absent")
