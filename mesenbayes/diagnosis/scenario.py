"""What if: the likeliest full picture, the smallest change that turns the diagnosis, scenarios.

The most probable explanation is the one joint state of everything unknown that is likeliest
given the findings; its tumour need not be the one that is likeliest when everything else is
averaged out. A counterfactual is the smallest set of findings which, had they come out
differently, would put a rival in the lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.conflict import SETTING
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]

MOST_CHANGES = 3
_TRIED = 20_000
"""Sets of changes looked at per size; beyond that the strongest single changes are combined."""


@dataclass(frozen=True)
class FullPicture:
    """The most probable joint state of everything that is not known.

    Parameters
    ----------
    states
        Unknown variable -> its state in the most probable explanation.
    log_probability
        ln P(explanation | findings).
    """

    target: str
    states: Mapping[str, str]
    log_probability: float

    @property
    def diagnosis(self) -> str:
        """State of the target in the explanation."""
        return self.states.get(self.target, "")


def full_picture(
    network: BayesianNetwork, compiled: CompiledNetwork, encoded: Encoded, target: str
) -> FullPicture:
    """Return the most probable explanation of a case."""
    codes, likelihoods = encoded.batch()
    found = compiled.most_probable_explanation(codes, likelihoods)
    evidence = compiled.run(codes, likelihoods).log_evidence[0]
    states = {
        v.name: v.states[int(found.codes[0, i])]
        for i, v in enumerate(network.variables)
        if encoded.codes[i] == NOT_OBSERVED
    }
    return FullPicture(target, states, float(found.log_probability[0] - evidence))


@dataclass(frozen=True)
class Counterfactual:
    """The smallest change of findings that puts another diagnosis in the lead.

    Parameters
    ----------
    changes
        (variable, state as stated, state that it would take).
    leading, rival
        The diagnosis now, and the one that would lead.
    probability
        Of the rival after the change.
    relative
        P(changed findings) / P(findings): how likely the changed case is beside this one.
    """

    leading: str
    rival: str
    changes: tuple[tuple[str, str, str], ...]
    probability: float
    relative: float

    @property
    def sentence(self) -> str:
        """The change in words."""
        if not self.changes:
            return f"No change of up to {MOST_CHANGES} findings would put {self.rival} first."
        told = " and ".join(f"{v} were {new} and not {old}" for v, old, new in self.changes)
        return f"If {told}, {self.rival} would lead with {self.probability:.0%}."


def smallest_change(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    findings: Sequence[Finding],
    target: str,
    *,
    rival: str | None = None,
    changeable: Sequence[str] | None = None,
    most: int = MOST_CHANGES,
) -> Counterfactual:
    """Return the smallest change that puts `rival` first; of several the likeliest case.

    Parameters
    ----------
    rival
        Diagnosis to put first; the second one if not given.
    changeable
        Findings that may differ; if not given all certain findings that are not about the
        patient or the setting.
    most
        Largest number of findings changed.

    Raises
    ------
    CaseError
        If there is no such diagnosis.
    """
    states = network.variable(target).states
    position = {v.name: i for i, v in enumerate(network.variables)}
    codes, likelihoods = encoded.batch()
    now = compiled.run(codes, likelihoods, targets=(target,))
    p = now.posterior[target][0]
    lead = int(p.argmax())
    if rival is None:
        wanted = int(np.argsort(-p)[1])
    elif rival in states:
        wanted = states.index(rival)
    else:
        raise CaseError(f"there is no diagnosis '{rival}'{did_you_mean(nearest(rival, states))}")
    free = [
        f.variable
        for f in findings
        if f.state is not None
        and f.variable != target
        and (
            f.variable in changeable
            if changeable is not None
            else f.variable not in SETTING and network.variable(f.variable).group != "patient"
        )
    ]
    options = {
        name: [s for s in range(network.variable(name).cardinality)
               if s != encoded.codes[position[name]]]
        for name in free
    }  # fmt: skip
    pool = free
    for size in range(1, min(most, len(free)) + 1):
        sets = [
            tuple(zip(names, chosen, strict=True))
            for names in combinations(pool, size)
            for chosen in product(*(options[n] for n in names))
        ]
        if len(sets) > _TRIED:
            sets = sets[:_TRIED]
        batch, soft = encoded.batch(len(sets))
        for row, change in enumerate(sets):
            for name, state in change:
                batch[row, position[name]] = state
        result = compiled.run(batch, soft, targets=(target,), on_impossible="nan")
        after = np.nan_to_num(result.posterior[target], nan=-1.0)
        wins = (after.argmax(axis=1) == wanted) & (after[:, wanted] > 0)
        if wins.any():
            likely = np.where(wins, np.nan_to_num(result.log_evidence, nan=-np.inf), -np.inf)
            best = int(likely.argmax())
            told = tuple(
                (n, network.variable(n).states[encoded.codes[position[n]]],
                 network.variable(n).states[s])
                for n, s in sets[best]
            )  # fmt: skip
            relative = float(np.exp(likely[best] - now.log_evidence[0]))
            return Counterfactual(
                states[lead], states[wanted], told, float(after[best, wanted]), relative
            )
        if size == 1:
            # What moves the odds most on its own is tried first in larger sets.
            gain = dict.fromkeys(pool, -np.inf)
            for row, change in enumerate(sets):
                ratio = np.log(max(after[row, wanted], 1e-30) / max(after[row, lead], 1e-30))
                gain[change[0][0]] = max(gain[change[0][0]], float(ratio))
            pool = sorted(pool, key=lambda n: -gain[n])
    return Counterfactual(states[lead], states[wanted], (), float(p[wanted]), 0.0)


@dataclass(frozen=True)
class Scenario:
    """One answered version of a case.

    Parameters
    ----------
    findings
        Variable -> state (or a description of an uncertain finding).
    probabilities
        Diagnosis -> probability.
    """

    name: str
    findings: Mapping[str, str]
    probabilities: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fits: str = ""
    plan: str = ""


@dataclass(frozen=True)
class Comparison:
    """Scenarios side by side."""

    scenarios: tuple[Scenario, ...]

    @property
    def differing(self) -> tuple[str, ...]:
        """Findings that are not the same in all scenarios."""
        names = dict.fromkeys(n for s in self.scenarios for n in s.findings)
        return tuple(n for n in names if len({s.findings.get(n, "") for s in self.scenarios}) > 1)

    def diagnoses(self, least: float = 0.005) -> tuple[str, ...]:
        """Return diagnoses that reach `least` somewhere, by their largest probability."""
        names = dict.fromkeys(n for s in self.scenarios for n in s.probabilities)
        top = {n: max(s.probabilities.get(n, 0.0) for s in self.scenarios) for n in names}
        return tuple(sorted((n for n in names if top[n] >= least), key=lambda n: -top[n]))

    def to_frame(self) -> pd.DataFrame:
        """Return diagnoses by scenarios."""
        import pandas as pd

        return pd.DataFrame(
            {s.name: [s.probabilities.get(d, 0.0) for d in self.diagnoses()]
             for s in self.scenarios},
            index=pd.Index(self.diagnoses(), name="diagnosis"),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "differing": list(self.differing),
            "scenarios": [
                {
                    "name": s.name,
                    "findings": dict(s.findings),
                    "posterior": [
                        {"code": d, "probability": s.probabilities.get(d, 0.0),
                         "interval": list(s.intervals[d]) if d in s.intervals else None}
                        for d in sorted(s.probabilities, key=lambda d: -s.probabilities[d])
                    ],
                    "fits": s.fits,
                    "plan": s.plan,
                }
                for s in self.scenarios
            ],
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(3).to_html())
