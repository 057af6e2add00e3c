"""What is counted: QALYs, life-years, recurrence-free years, or a patient's own values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.treatment.markov import Cohort
from mesenbayes.treatment.parameters import Parameters
from mesenbayes.treatment.states import VALUED, VALUED_AS, ModelInput

KINDS = {
    "qaly": "QALY",
    "life_years": "life-years",
    "recurrence_free_years": "recurrence-free years",
}


@dataclass(frozen=True)
class Preferences:
    """How a year in each state is valued.

    Parameters
    ----------
    kind
        ``qaly``, ``life_years``, ``recurrence_free_years`` or ``own``.
    unit
        What a report prints.
    own
        State -> utility, for ``own``; every state of `VALUED` must have one.
    """

    kind: str
    unit: str
    own: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, preferences: Preferences | Mapping[str, float] | str) -> Preferences:
        """Return preferences from a name or a table.

        Raises
        ------
        CaseError
            If the name is unknown, or a table misses a state or has an impossible value.
        """
        if isinstance(preferences, Preferences):
            return preferences
        if isinstance(preferences, str):
            if preferences not in KINDS:
                near = did_you_mean(nearest(preferences, KINDS))
                raise CaseError(
                    f"unknown preferences '{preferences}'{near}; "
                    f"there are {', '.join(KINDS)}, or a table of states"
                )
            return cls(preferences, KINDS[preferences])
        unknown = [state for state in preferences if state not in VALUED]
        if unknown:
            raise CaseError(
                f"preferences name an unknown state '{unknown[0]}'; the states are "
                + ", ".join(VALUED)
            )
        missing = [state for state in VALUED if state not in preferences]
        if missing:
            raise CaseError(f"preferences miss {', '.join(missing)}")
        for state, value in preferences.items():
            if not -1 <= value <= 1:
                raise CaseError(f"preferences give {state} the value {value}, outside -1 to 1")
        return cls("own", "valued years", dict(preferences))


def value_years(
    cohort: Cohort,
    inputs: Sequence[ModelInput],
    tumours: Sequence[str],
    parameters: Parameters,
    preferences: Preferences,
) -> NDArray[np.float64]:
    """Return the value of each model, shape (models, draws).

    Years in a state times its utility, less what operations and toxicity cost. Life-years
    and recurrence-free years count time only.
    """
    years = cohort.years  # (phases, states, models, draws)
    position = {state: i for i, state in enumerate(cohort.states)}
    in_state = years.sum(axis=0)
    free = [position[s] for s, v in VALUED_AS.items() if v == "recurrence_free"]
    if preferences.kind == "life_years":
        return np.asarray(in_state[[position[s] for s in VALUED_AS]].sum(axis=0))
    if preferences.kind == "recurrence_free_years":
        return np.asarray(in_state[[*free, position["watched"]]].sum(axis=0))
    total = np.zeros(in_state.shape[1:])
    for state, valued in VALUED_AS.items():
        if preferences.kind == "own":
            utility = np.full((len(tumours), 1), preferences.own[valued])
        else:
            utility = np.stack([_utility(parameters, t, valued) for t in tumours])
        total += in_state[position[state]] * utility
    size = total.shape[1]

    def losses(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.stack([np.broadcast_to(p, (size,)) for p in parts])

    total -= losses([item.start_loss for item in inputs])
    total -= losses([item.watch_loss for item in inputs]) * in_state[position["watched"]]
    first = in_state[position["first_line"]]
    total -= losses([item.first_loss for item in inputs]) * first
    total -= losses([item.free_loss for item in inputs]) * in_state[free].sum(axis=0)
    for phase in range(years.shape[0]):
        loss = losses([item.phase_loss[phase] for item in inputs])
        total -= loss * years[phase][free].sum(axis=0)
    return total


def _utility(parameters: Parameters, tumour: str, state: str) -> NDArray[np.float64]:
    """Return the utility of a state; a watched tumour takes its burden off being free of it."""
    if state == "watched":
        free = parameters.get("utility", tumour, setting="recurrence_free")
        return np.asarray(free - parameters.get("watch_burden"))
    return parameters.get("utility", tumour, setting=state)
