"""One case, answered: the object that a person gets from ``network.diagnose(case)``.

The parts are computed when they are asked for, so that a posterior alone costs little and a
full report costs what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.balance import Balance, balance_sheets
from mesenbayes.diagnosis.certainty import Certainty, certainty
from mesenbayes.diagnosis.conflict import Conflict, measure_conflict
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import MatchedCase
from mesenbayes.diagnosis.repair import Repair, find_repairs
from mesenbayes.diagnosis.scenario import (
    Comparison,
    Counterfactual,
    FullPicture,
    Scenario,
    full_picture,
    smallest_change,
)
from mesenbayes.diagnosis.weight import FindingWeight, finding_weights
from mesenbayes.network.structure import GENOTYPE, NOT_APPLICABLE, OTHER, TUMOUR
from mesenbayes.network.variable import NOT_OBSERVED
from mesenbayes.report.next_steps import plan_workup
from mesenbayes.workup.next_test import TestValue, rank_tests
from mesenbayes.workup.plan import WorkUp

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network
    from mesenbayes.treatment import (
        Decision,
        Disagreement,
        FollowUp,
        GuidelinePoint,
        RiskResult,
        TreatmentBelief,
    )

DISCLAIMER = (
    "For research and teaching. This is not a medical device and not for the care of patients."
)
SHOWN_TESTS = 8
_SEED = 20261124
"""Seed of the simulated comparison in the conflict measure: the same case, the same report."""


@dataclass(frozen=True)
class Candidate:
    """One diagnosis with its probability and 95 % credible interval."""

    code: str
    name: str
    probability: float
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The answer to one case.

    Parameters
    ----------
    network
        The network that answered.
    case
        The case in the network's words.
    encoded
        The case in the engine's arrays.
    target
        Variable that was asked about.
    """

    network: Network = field(repr=False)
    case: MatchedCase = field(repr=False)
    encoded: Encoded = field(repr=False)
    target: str = TUMOUR

    # ------------------------------------------------------------------ what and how sure

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """P(target | findings), in vocabulary order."""
        codes, likelihoods = self.encoded.batch()
        result = self.network.compiled.run(codes, likelihoods, targets=(self.target,))
        return np.asarray(result.posterior[self.target][0])

    @cached_property
    def certainty(self) -> Certainty:
        """Interval of every probability, and the rows it rests on."""
        return certainty(self.network, self.network.compiled, self.encoded, self.target)

    @cached_property
    def posterior(self) -> tuple[Candidate, ...]:
        """All diagnoses, the most probable first."""
        variable = self.network.variable(self.target)
        order = np.argsort(-self.probabilities, kind="stable")
        low, high = self.certainty.interval.T
        return tuple(
            Candidate(
                variable.states[i],
                variable.state_label(variable.states[i]),
                float(self.probabilities[i]),
                (float(low[i]), float(high[i])),
            )
            for i in order
        )

    @property
    def leading(self) -> Candidate:
        """The most probable diagnosis."""
        return self.posterior[0]

    @cached_property
    def genotype(self) -> dict[str, float]:
        """P(genotype | findings, GIST), the most probable first; empty without a GIST."""
        if GENOTYPE not in {v.name for v in self.network.variables}:
            return {}
        codes, likelihoods = self.encoded.batch()
        posterior = self.network.compiled.run(codes, likelihoods, targets=(GENOTYPE,))
        states = self.network.variable(GENOTYPE).states
        p = dict(zip(states, posterior.posterior[GENOTYPE][0], strict=True))
        gist = 1 - p.pop(NOT_APPLICABLE, 0.0)
        if gist < 1e-6:
            return {}
        total = sum(p.values())
        return {g: float(v / total) for g, v in sorted(p.items(), key=lambda item: -item[1])}

    # ------------------------------------------------------------------ why, and does it fit

    @cached_property
    def findings(self) -> tuple[FindingWeight, ...]:
        """What each finding contributed to the leading diagnosis, the weightiest first."""
        weights = finding_weights(
            self.network,
            self.network.compiled,
            self.encoded,
            self.case.findings,
            self.target,
            self.probabilities,
        )
        return tuple(sorted(weights, key=lambda w: -abs(w.decibans)))

    @cached_property
    def conflict(self) -> Conflict:
        """Whether the findings go together."""
        return measure_conflict(
            self.network,
            self.network.compiled,
            self.encoded,
            self.case.findings,
            rng=np.random.default_rng(_SEED),
        )

    @cached_property
    def balance(self) -> tuple[Balance, ...]:
        """Balance sheets of the leading diagnosis against all others and its main rivals."""
        return balance_sheets(
            self.network, self.network.compiled, self.encoded, self.case.findings, self.target
        )

    def balance_against(self, rivals: Sequence[str]) -> tuple[Balance, ...]:
        """Return the balance sheets against chosen rivals.

        Raises
        ------
        CaseError
            If one is not a diagnosis of the network.
        """
        return balance_sheets(
            self.network, self.network.compiled, self.encoded, self.case.findings, self.target,
            rivals=rivals,
        )  # fmt: skip

    @cached_property
    def repairs(self) -> tuple[Repair, ...]:
        """What would explain the case if it is odd; empty if it is not."""
        if not self.conflict.is_odd:
            return ()
        return find_repairs(
            self.network, self.network.compiled, self.encoded, self.case.findings, self.conflict,
            target=self.target,
        )  # fmt: skip

    # ------------------------------------------------------------------ what if

    @cached_property
    def full_picture(self) -> FullPicture:
        """The most probable joint state of everything that is not known."""
        return full_picture(self.network, self.network.compiled, self.encoded, self.target)

    def smallest_change(self, rival: str | None = None) -> Counterfactual:
        """Return the smallest change of findings that puts `rival` (or the second) first."""
        return smallest_change(
            self.network, self.network.compiled, self.encoded, self.case.findings, self.target,
            rival=rival,
        )  # fmt: skip

    def what_if(self, changes: Mapping[str, Any]) -> Diagnosis:
        """Answer the case with some findings stated differently; None takes one out."""
        find = self.network.vocabulary.find
        changed = {find(name)[0].name for name in changes}
        case = self.case.case
        # What was set aside stays out, so that a change that is not understood is refused.
        aside = {text.split(":")[0] for text in self.case.set_aside}
        kept = {
            name: value
            for name, value in case.findings.items()
            if name not in aside and find(name)[0].name not in changed
        }
        stays = {f.stated_as for f in self.case.findings if f.variable not in changed}
        variants = tuple(v for v in case.variants if " ".join(map(str, v.values())) in stays)
        told = ", ".join(
            f"{n} not stated" if v is None else f"{n}={v}" for n, v in changes.items()
        )
        again = replace(
            case, findings={**kept, **changes}, variants=variants, title=f"{case.name}: {told}"
        )
        return self.network.diagnose(again, target=self.target)

    def compare(self, *others: Diagnosis | Mapping[str, Any]) -> Comparison:
        """Return this case beside others, or beside itself with changed findings."""
        answers = [self, *(o if isinstance(o, Diagnosis) else self.what_if(o) for o in others)]
        return Comparison(tuple(answer.scenario for answer in answers))

    @property
    def scenario(self) -> Scenario:
        """The answer as one column of a comparison."""
        return Scenario(
            self.case.case.name,
            {f.variable: f.state or str(f) for f in self.case.findings},
            {c.code: c.probability for c in self.posterior},
            {c.code: c.interval for c in self.posterior},
            self.conflict.sentence,
            "" if self.decision is None else self.decision.recommended,
        )

    # ------------------------------------------------------------------ what next

    @cached_property
    def workup(self) -> WorkUp:
        """Every test that can be ordered with its worth and its price, and when to stop."""
        return self.plan_workup()

    def plan_workup(self, tests_file: Path | None = None) -> WorkUp:
        """Return the work-up under the network's table of costs, or under a user's own.

        Raises
        ------
        CaseError
            If the network has no table of tests.
        """
        return plan_workup(self, tests_file)

    @cached_property
    def next_tests(self) -> tuple[TestValue, ...]:
        """Tests not yet done, the most informative first."""
        return rank_tests(self.network, self.network.compiled, self.encoded, self.target)

    @cached_property
    def belief(self) -> TreatmentBelief:
        """What the treatment module is told."""
        from mesenbayes.treatment import TreatmentBelief

        codes = self.network.variable(self.target).states
        findings: dict[str, Any] = {}
        for finding in self.case.findings:
            if finding.value is not None:
                findings[finding.variable] = finding.value
            elif finding.state is not None:
                findings[finding.variable] = finding.state
            elif finding.kind == "probability":
                findings[finding.variable] = dict(finding.weights)
        findings |= self._expected_of_gist(findings)
        total = float(self.probabilities.sum())
        return TreatmentBelief(
            tumour={c: float(p) / total for c, p in zip(codes, self.probabilities, strict=True)},
            genotype=self.genotype,
            findings=findings,
        )

    def _expected_of_gist(self, stated: dict[str, Any]) -> dict[str, dict[str, float]]:
        """P(size, mitoses | findings, GIST) where they are not stated: a risk class needs them,
        and the network knows more than that every band is alike."""
        names = [
            name
            for name in ("size_cm", "mitoses_per_5mm2", "site")
            if name not in stated and name in {v.name for v in self.network.variables}
        ]
        if not names or not self.genotype:
            return {}
        codes, likelihoods = self.encoded.batch()
        joint = self.network.compiled.pairwise(
            codes, target=self.target, findings=tuple(names), likelihoods=likelihoods
        )
        gist = self.network.variable(self.target).index("GIST")
        expected: dict[str, dict[str, float]] = {}
        for name in names:
            row = joint[name][0, gist]
            states = self.network.variable(name).states
            expected[name] = {s: float(p / row.sum()) for s, p in zip(states, row, strict=True)}
        return expected

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Where the model and a guideline point differ."""
        model = self.network.treatment
        if model is None:
            return ()
        return model.guidelines(self.belief, self.decision).disagreements

    @cached_property
    def risk(self) -> RiskResult | None:
        """Risk of a GIST by the published table."""
        model = self.network.treatment
        return model.risk(self.belief) if model is not None and self.genotype else None

    @cached_property
    def decision(self) -> Decision | None:
        """Treatment options by expected utility; None without a treatment model."""
        model = self.network.treatment
        return model.decide(self.belief) if model is not None else None

    @cached_property
    def guidelines(self) -> tuple[GuidelinePoint, ...]:
        """Guideline points that apply, with the probability that they do."""
        model = self.network.treatment
        return model.guidelines(self.belief, self.decision).points if model is not None else ()

    @cached_property
    def follow_up(self) -> FollowUp | None:
        """Follow-up visits."""
        model = self.network.treatment
        if model is None or self.decision is None:
            return None
        return model.follow_up(self.belief, strategy=self.decision.recommended)

    @cached_property
    def alerts(self) -> tuple[str, ...]:
        """What should give pause: oddity, thin knowledge, missing findings, pitfalls."""
        found = []
        if self.conflict.is_odd:
            found.append(self.conflict.sentence)
        if self.leading.code == OTHER:
            found.append(
                "The findings fit none of the modelled diagnoses better than 'none of these': "
                "think beyond this list."
            )
        low, high = self.leading.interval
        if self.leading.probability > 0.5 and low < 0.5:
            found.append(
                f"The counts behind the network leave it open whether {self.leading.code} is more "
                f"likely than not (95 % credible interval {low:.2f} to {high:.2f})."
            )
        found += [f"Set aside: {text}" for text in self.case.set_aside]
        model = self.network.treatment
        if model is not None:
            found += [f"{a.message} ({a.applies}; {a.source})" for a in model.alerts(self.belief)]
        return tuple(found)

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """What a pathologist would usually state and this case does not."""
        usual = ("site", "age", "sex", "size_cm", "mitoses_per_5mm2", "morphology", "sampling")
        names = [variable.name for variable in self.network.variables]
        return tuple(
            name
            for name in usual
            if name in names
            and self.encoded.codes[names.index(name)] == NOT_OBSERVED
            and name not in self.encoded.likelihoods
        )

    # ------------------------------------------------------------------ as data

    def to_frame(self) -> pd.DataFrame:
        """Return the differential as a table: code, name, probability, low, high."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"code": c.code, "name": c.name, "probability": c.probability,
                 "low": c.interval[0], "high": c.interval[1]}
                for c in self.posterior
            ]
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the whole answer as plain data; the keys are those of ``--json``."""
        decision = self.decision
        return {
            "case": {**self.case.case.to_dict(), "where": self.case.case.where},
            "network": {
                "name": self.network.name,
                "version": self.network.version,
                "digest": self.network.digest,
            },
            "posterior": [
                {
                    "code": c.code,
                    "name": c.name,
                    "probability": c.probability,
                    "interval": list(c.interval),
                }
                for c in self.posterior
            ],
            "certainty": {
                "method": self.certainty.method,
                "reason": self.certainty.reason,
                "probability_top": {
                    state: float(p)
                    for state, p in zip(self.certainty.states, self.certainty.top, strict=True)
                    if p > 0
                },
                "sources": [
                    {"source": s.source, "share": s.share} for s in self.certainty.sources
                ],
            },
            "genotype": [
                {"genotype": g, "probability": p} for g, p in self.genotype.items()
            ],
            "findings": [
                {
                    "variable": w.variable,
                    "state": w.state,
                    "weight_of_evidence": w.decibans,
                    "against_runner_up": w.against_runner_up,
                    "words": w.words,
                }
                for w in self.findings
            ],
            "conflict": {
                "value": self.conflict.value,
                "tail": self.conflict.tail,
                "is_odd": self.conflict.is_odd,
                "sentence": self.conflict.sentence,
                "suspects": [
                    {"variable": v, "state": s, "probability": p}
                    for v, s, p in self.conflict.suspects
                ],
            },
            "next_tests": [
                {
                    "variable": t.variable,
                    "label": t.label,
                    "group": t.group,
                    "bits": t.bits,
                    "expected_top_probability": t.expected_top,
                    "results": [
                        {"state": s, "probability": p, "leading": lead, "leading_probability": q}
                        for s, p, lead, q in t.results
                    ],
                }
                for t in self.next_tests[:SHOWN_TESTS]
            ],
            "risk": None if self.risk is None else self.risk.to_dict(),
            "treatment": {
                "options": [] if decision is None else decision.to_dict()["options"],
                "recommended": None if decision is None else decision.recommended,
                "sentence": None if decision is None else decision.sentence,
                "unit": None if decision is None else decision.unit,
                "disagreements": [d.to_dict() for d in self.disagreements],
            },
            "guidelines": [point.to_dict() for point in self.guidelines],
            "follow_up": None if self.follow_up is None else self.follow_up.to_dict(),
            "alerts": list(self.alerts),
            "missing": list(self.missing),
            "disclaimer": DISCLAIMER,
        }

    def _repr_html_(self) -> str:
        head = f"<p><b>{self.leading.name}</b>, {self.leading.probability:.0%}. {DISCLAIMER}</p>"
        return head + str(self.to_frame().head(8).round(3).to_html(index=False))

    def __repr__(self) -> str:
        c = self.leading
        return (
            f"<Diagnosis {c.code} {c.probability:.3f} ({c.interval[0]:.3f} to {c.interval[1]:.3f})"
            f" by {self.network.name} {self.network.version}>"
        )

