"""Reading a finding as an interval: a number, a band of the network, or a distribution.

The network cuts sizes into ``le_2, gt_2_to_5, ...``; a case may state ``4.5``; a network
that was not told the size may offer a distribution over its bands. All three become a
list of (probability, over, up to), read as the half-open interval (over, up to].
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mesenbayes.errors import CaseError

Finding = str | float | int | bool | Mapping[str, float]
"""A state, a number, or state -> probability."""

_BAND = re.compile(
    r"^(?:le_(?P<le>[\d.]+)|gt_(?P<gt>[\d.]+)(?:_to_(?P<to>[\d.]+))?"
    r"|age_(?P<low>\d+)_(?P<high>\d+|up))$"
)


@dataclass(frozen=True)
class Interval:
    """(over, up_to] with the probability that the value lies there; a point if equal."""

    probability: float
    over: float
    up_to: float

    @property
    def middle(self) -> float:
        """A number to stand for the interval: its middle, or its lower end if open."""
        return self.over if math.isinf(self.up_to) else (self.over + self.up_to) / 2

    def overlaps(self, over: float, up_to: float) -> bool:
        """Whether the interval shares a value with (over, up_to]."""
        if self.over == self.up_to:
            return over < self.over <= up_to
        return self.over < up_to and over < self.up_to


def band(name: str, state: str) -> tuple[float, float]:
    """Return the bounds (over, up to] of a band such as ``gt_2_to_5`` or ``age_40_59``.

    Raises
    ------
    CaseError
        If the state does not look like a band.
    """
    match = _BAND.match(state)
    if match is None:
        raise CaseError(
            f"{name}: '{state}' is neither a number nor a band such as le_2 or gt_2_to_5"
        )
    if match["le"]:
        return 0.0, float(match["le"])
    if match["gt"]:
        return float(match["gt"]), float(match["to"]) if match["to"] else math.inf
    upper = math.inf if match["high"] == "up" else float(match["high"]) + 1
    return float(match["low"]), upper


def intervals(name: str, value: Finding) -> list[Interval]:
    """Return the intervals that a measured finding may lie in, with their probabilities.

    Raises
    ------
    CaseError
        If the value is neither a number, a band nor a distribution over bands, or a
        distribution does not sum to 1.
    """
    if isinstance(value, Mapping):
        total = math.fsum(value.values())
        if not math.isclose(total, 1.0, abs_tol=1e-3) or min(value.values()) < 0:
            raise CaseError(f"{name}: the probabilities sum to {total:.4g}, not to 1")
        return [Interval(p / total, *band(name, state)) for state, p in value.items() if p > 0]
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return [Interval(1.0, *band(name, value))]
    else:
        number = float(value)
    if not math.isfinite(number) or number < 0:
        raise CaseError(f"{name}: {value} is not possible")
    return [Interval(1.0, number, number)]


def states(value: Finding) -> dict[str, float]:
    """Return a categorical finding as state -> probability."""
    if isinstance(value, Mapping):
        return {str(state): float(p) for state, p in value.items()}
    if isinstance(value, bool):
        return {"present" if value else "absent": 1.0}
    return {str(value): 1.0}
