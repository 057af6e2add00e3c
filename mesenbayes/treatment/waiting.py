"""When waiting for a test beats acting: the bridge from the work-up to the treatment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mesenbayes.errors import CaseError
from mesenbayes.treatment.decision import Decision
from mesenbayes.treatment.result import Result


@dataclass(frozen=True)
class Waiting(Result):
    """Acting now against waiting for a test result.

    Parameters
    ----------
    act, wait
        Expected utility of the best option now, and after the test (delay and test paid).
    gain
        wait - act.
    option_now, options_later
        What would be chosen now, and after each result.
    worth_waiting
        Whether the gain is positive.
    """

    act: float
    wait: float
    gain: float
    delay_years: float
    option_now: str
    options_later: tuple[str, ...]
    worth_waiting: bool
    sentence: str


def weigh_waiting(
    now: Decision, later: Sequence[tuple[float, Decision]], delay_years: float, test_loss: float
) -> Waiting:
    """Compare EU(best now) with sum_r P(r) EU(best after r) - loss of the test.

    Raises
    ------
    CaseError
        If the probabilities of the results do not sum to 1.
    """
    total = math.fsum(p for p, _ in later)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise CaseError(f"the probabilities of the test results sum to {total:.6g}, not to 1")
    act = now.options[0].expected_utility
    wait = math.fsum(p * decision.options[0].expected_utility for p, decision in later) - test_loss
    gain = wait - act
    chosen = tuple(dict.fromkeys(decision.recommended for _, decision in later))
    if len(chosen) == 1 and chosen[0] == now.recommended:
        text = "No result of the test would change the choice"
    else:
        text = "The result can change the choice"
    verb = "gains" if gain > 0 else "loses"
    text += f"; waiting {delay_years * 12:.1f} months {verb} {abs(gain):.2f} {now.unit}."
    return Waiting(act, wait, gain, delay_years, now.recommended, chosen, gain > 0, text)
