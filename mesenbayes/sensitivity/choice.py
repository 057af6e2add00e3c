"""What is chosen: the most probable diagnosis, or the treatment with the highest expected utility.

Both are the same thing: option d has the value EU_d = sum_k W[d, k] P(k | e). For a diagnosis W
is the identity. Differences of options are linear in every Z_k, so a change of choice along one
parameter is the root of a line (van der Gaag & Renooij 2001; METHODS 2.3 and 8).

The treatment model recommends the first option that is within a margin of the best, in its own
order among equals (fewest departures from the guidelines, then the least intensive). The same
rule is used here, with the order as it stands in the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.sensitivity.entries import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Choice:
    """Options, and the value of each if a hypothesis is true.

    Attributes
    ----------
    kind
        ``diagnosis`` or ``treatment``.
    options
        In the order in which they are preferred among equals.
    value : (options, hypotheses)
    margin
        The first option within `margin` of the best is recommended.
    """

    kind: str
    options: tuple[str, ...]
    value: FloatArray = field(repr=False)
    margin: float = 0.0
    unit: str = "probability"
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def diagnosis(cls, names: tuple[str, ...]) -> Choice:
        """Return the choice of the most probable hypothesis."""
        return cls("diagnosis", names, np.eye(len(names)))

    def expected(self, mass: FloatArray) -> FloatArray:
        """Return the expected value of each option, (..., options), for P(k | e), (..., k)."""
        total = mass.sum(axis=-1, keepdims=True)
        return np.asarray(mass @ self.value.T / total)

    def recommended(self, mass: FloatArray) -> IntArray:
        """Return the recommended option, (...), for P(k | e) or its multiples, (..., k)."""
        return self.first_within_margin(self.expected(mass))

    def first_within_margin(self, expected: FloatArray) -> IntArray:
        """Return the first option within the margin of the best, for values (..., options)."""
        best = expected.max(axis=-1, keepdims=True)
        return np.asarray((expected >= best - self.margin).argmax(axis=-1), dtype=np.intp)

    def stays(
        self, a: FloatArray, b: FloatArray, theta: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the interval around `theta` in which the recommendation stays.

        Parameters
        ----------
        a, b : (hypotheses, parameters)
            Z_k(t) = a t + b.
        theta : (parameters,)
            Where each parameter stands.

        Returns
        -------
        low, high : (parameters,)
            -inf and inf where nothing on that side changes the recommendation.
        """
        slope, offset = self.value @ a, self.value @ b
        now = int(self.recommended(a[:, :1].T * theta[:1, None] + b[:, :1].T)[0])
        total = self.margin * a.sum(axis=0), self.margin * b.sum(axis=0)
        low, high = self._within(now, slope, offset, total, theta)
        if self.margin > 0:
            for earlier in range(now):
                # An earlier option, now out of the margin, comes within it on an interval.
                begin, end, some = self._region(earlier, slope, offset, total)
                low = np.where(some & (end <= theta), np.maximum(low, end), low)
                high = np.where(some & (begin >= theta), np.minimum(high, begin), high)
        return low, high

    def _region(
        self,
        option: int,
        slope: FloatArray,
        offset: FloatArray,
        total: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return where `option` is within the margin of the best: begin, end, not empty."""
        others = [d for d in range(len(self.options)) if d != option]
        s = slope[others] - slope[option] - total[0]  # s t + o <= 0
        o = offset[others] - offset[option] - total[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = -o / s
        end = np.where(s > 0, root, np.inf).min(axis=0, initial=np.inf)
        begin = np.where(s < 0, root, -np.inf).max(axis=0, initial=-np.inf)
        never = ((s == 0) & (o > 0)).any(axis=0)
        return begin, end, ~never & (begin <= end)

    def _within(
        self,
        option: int,
        slope: FloatArray,
        offset: FloatArray,
        total: tuple[FloatArray, FloatArray],
        theta: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        begin, end, some = self._region(option, slope, offset, total)
        begin = np.where(some, np.minimum(begin, theta), theta)
        return begin, np.where(some, np.maximum(end, theta), theta)
