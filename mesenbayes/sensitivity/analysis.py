"""Every analysis of one case under one name: ``network.sensitivity(case)``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.covariation import Scheme
from mesenbayes.sensitivity.findings import every_result, without_each_finding, worst_and_best
from mesenbayes.sensitivity.flip import Flips, what_would_flip
from mesenbayes.sensitivity.function import (
    OneWay,
    SensitivityFunction,
    one_way,
    sensitivity_function,
)
from mesenbayes.sensitivity.morris import morris
from mesenbayes.sensitivity.probabilistic import Probabilistic, probabilistic
from mesenbayes.sensitivity.problem import Problem, Progress, silent
from mesenbayes.sensitivity.robust import Robust, robust
from mesenbayes.sensitivity.sobol import By, Sobol, sobol
from mesenbayes.sensitivity.structural import Structural, side_by_side
from mesenbayes.sensitivity.tied import per_source
from mesenbayes.sensitivity.tornado import SHOWN, Tornado, tornado, tornado_of_gain
from mesenbayes.sensitivity.two_way import Surface, two_way
from mesenbayes.sensitivity.utility import treatment_choice

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.report.diagnosis import Diagnosis

KINDS = ("parameter", "row", "source", "finding")


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The sensitivity and uncertainty analyses of one case.

    The diagnosis is analysed with the tumour types as hypotheses; what concerns the treatment
    with the tumour that has genotypes divided by genotype.
    """

    diagnosis: Diagnosis = field(repr=False)

    # ------------------------------------------------------------------ the case

    @cached_property
    def problem(self) -> Problem:
        """The case, hypotheses the tumour types."""
        return Problem.from_diagnosis(self.diagnosis)

    @cached_property
    def treatment_problem(self) -> Problem:
        """The case, hypotheses the classes of the treatment model."""
        return Problem.from_diagnosis(self.diagnosis, True, self.problem.entries)

    @cached_property
    def treatment_choice(self) -> Choice | None:
        """The options and their utilities; None without a treatment model."""
        if self.diagnosis.network.treatment is None:
            return None
        return treatment_choice(self.diagnosis, self.treatment_problem)

    def parameter(self, variable: str, state: str, **given: str) -> int:
        """Return the position of one parameter, by names; see :meth:`Entries.find`."""
        return self.problem.entries.find(variable, state, **given)

    # ------------------------------------------------------------------ one at a time

    @cached_property
    def one_way(self) -> OneWay:
        """Sensitivity functions of every parameter, for the diagnosis."""
        return one_way(self.problem)

    @cached_property
    def treatment_one_way(self) -> OneWay | None:
        """Sensitivity functions of every parameter, for the choice of treatment."""
        choice = self.treatment_choice
        return None if choice is None else one_way(self.treatment_problem, choice)

    def function(
        self,
        variable: str,
        state: str,
        scheme: Scheme = "proportional",
        partner: str | None = None,
        **given: str,
    ) -> SensitivityFunction:
        """Return the function of one parameter under a co-variation scheme."""
        i = self.parameter(variable, state, **given)
        return sensitivity_function(self.problem, i, scheme, partner)

    def tornado(self, hypothesis: str | None = None, shown: int | None = SHOWN) -> Tornado:
        """Return the tornado of one diagnosis (by default the most probable)."""
        return tornado(self.one_way, hypothesis, shown=shown)

    def treatment_tornado(
        self, option: str | None = None, against: str | None = None, shown: int | None = SHOWN
    ) -> Tornado:
        """Return the tornado of the gain of the recommended option over the next."""
        return tornado_of_gain(self._decided(), option, against, shown=shown)

    def _decided(self) -> OneWay:
        answer = self.treatment_one_way
        if answer is None:
            name = self.diagnosis.network.name
            raise CaseError(f"the network {name} has no treatment model")
        return answer

    def flips(self, kinds: tuple[str, ...] = KINDS) -> Flips:
        """Return what would put another diagnosis first."""
        return what_would_flip(self.one_way, kinds)

    def treatment_flips(self, kinds: tuple[str, ...] = KINDS) -> Flips:
        """Return what would change the recommended treatment."""
        return what_would_flip(self._decided(), kinds)

    # ------------------------------------------------------------------ evidence

    def _asked(self, treatment: bool) -> tuple[Problem, Choice | None]:
        """Return the problem and the choice that an analysis is about."""
        if not treatment:
            return self.problem, None
        decided = self._decided()
        return decided.problem, decided.choice

    def without_each_finding(self, treatment: bool = False) -> pd.DataFrame:
        """Return the diagnosis (and what is then chosen) without each finding in turn."""
        return without_each_finding(*self._asked(treatment))

    def every_result(self, treatment: bool = False) -> pd.DataFrame:
        """Return what each possible result of everything not yet known would do."""
        return every_result(*self._asked(treatment))

    def worst_and_best(self) -> pd.DataFrame:
        """Return the worst and the best completion of what is not yet known."""
        return worst_and_best(self.problem)

    def sources(
        self, by: Literal["source", "study"] = "source", treatment: bool = False
    ) -> pd.DataFrame:
        """Return what rests on each source (or each series), all its rows moved together."""
        return per_source(*self._asked(treatment), by=by)

    # ------------------------------------------------------------------ together

    def two_way(
        self, first: int, second: int, treatment: bool = False, points: int = 101
    ) -> Surface:
        """Return the surface over two parameters (:meth:`parameter`), regions of the choice."""
        problem, choice = self._asked(treatment)
        return two_way(problem, first, second, choice, points)

    def probabilistic(
        self,
        draws: int = 10_000,
        *,
        progress: Progress = silent,
        rng: np.random.Generator | int | None = None,
    ) -> Probabilistic:
        """Draw everything that is uncertain; the start of every value of information."""
        return probabilistic(self.diagnosis, draws, progress=progress, rng=rng)

    def sobol(
        self,
        by: By = "row",
        *,
        n: int = 1024,
        most: int = 15,
        treatment: bool = False,
        progress: Progress = silent,
        rng: np.random.Generator | int | None = None,
    ) -> Sobol:
        """Return Sobol indices with rows, tables or sources as factors."""
        problem, choice = self._asked(treatment)
        return sobol(problem, by, choice=choice, n=n, most=most, progress=progress, rng=rng)

    def morris(
        self,
        hypothesis: str | None = None,
        *,
        trajectories: int = 10,
        progress: Progress = silent,
        rng: np.random.Generator | int | None = None,
    ) -> pd.DataFrame:
        """Return Morris screening of every row that can matter."""
        return morris(
            self.problem, hypothesis, trajectories=trajectories, progress=progress, rng=rng
        )

    def robust(
        self, s: float = 1.0, *, treatment: bool = False, progress: Progress = silent
    ) -> Robust:
        """Return the bounds with `s` further cases placed at will in every row."""
        problem, choice = self._asked(treatment)
        return robust(problem, s, choice=choice, progress=progress)

    def structural(
        self, networks: Mapping[str, BayesianNetwork] | Sequence[str] | None = None
    ) -> Structural:
        """Return the answers of other structures, side by side."""
        return side_by_side(self.problem, self.diagnosis.target, networks)

    # ------------------------------------------------------------------ in short

    @property
    def sentence(self) -> str:
        """One-way analysis and the nearest flip in words."""
        flips = self.flips(("parameter", "finding"))
        return f"{self.tornado().sentence} {flips.sentence}"

    def to_dict(self) -> dict[str, Any]:
        """Return the default analyses as plain data; the keys are those of ``--json``."""
        data: dict[str, Any] = {
            "posterior": dict(zip(self.problem.names, self.problem.mass.tolist(), strict=True)),
            "tornado": self.tornado().to_dict(),
            "findings": self.without_each_finding().to_dict("records"),
        }
        if self.treatment_choice is not None:
            data["treatment"] = {
                "recommended": self.treatment_choice.options[
                    int(self.treatment_choice.recommended(self.treatment_problem.mass))
                ],
                "tornado": self.treatment_tornado().to_dict(),
            }
        return data

    def _repr_html_(self) -> str:
        return self.tornado()._repr_html_()

    def __repr__(self) -> str:
        return f"<Sensitivity of {self.diagnosis!r}>"


def for_cases(
    sensitivities: Iterable[Sensitivity], analysis: Callable[[Sensitivity], pd.DataFrame]
) -> pd.DataFrame:
    """Run one analysis on a batch of cases and return one tidy frame.

    Parameters
    ----------
    sensitivities
        From ``[network.sensitivity(case) for case in cases]``.
    analysis
        Such as ``Sensitivity.without_each_finding`` or ``lambda s: s.tornado().to_frame()``.

    Returns
    -------
    The frames of the cases below each other, the first column ``case``.
    """
    import pandas as pd

    parts = []
    for number, one in enumerate(sensitivities):
        frame = analysis(one)
        name = one.diagnosis.case.case.name or f"case {number + 1}"
        frame.insert(0, "case", name)
        parts.append(frame)
    if not parts:
        raise CaseError("there is no case to analyse")
    return pd.concat(parts, ignore_index=True)
