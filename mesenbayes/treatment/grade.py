"""FNCLCC grade from its three components, as printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mesenbayes.errors import CaseError
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result


@dataclass(frozen=True)
class FnclccGrade(Result):
    """Grade 1 to 3 with the scores it is the sum of."""

    grade: int
    total: int
    differentiation: int
    mitoses: int
    necrosis: int
    sentence: str


def fnclcc_grade(
    table: Sequence[Record],
    *,
    mitoses_per_10hpf: float,
    necrosis_percent: float,
    differentiation: int | None = None,
    tumour: str | None = None,
) -> FnclccGrade:
    """Return the FNCLCC grade.

    Parameters
    ----------
    table
        Rows of ``fnclcc.csv``.
    mitoses_per_10hpf, necrosis_percent
        Counts of the case.
    differentiation
        Score 1 to 3; taken from the tumour type where the print lists it.
    tumour
        Tumour code.

    Raises
    ------
    CaseError
        If neither a differentiation score nor a listed tumour type is given, or a count is
        impossible.
    """
    if not 0 <= necrosis_percent <= 100 or mitoses_per_10hpf < 0:
        raise CaseError(
            f"necrosis {necrosis_percent} % or {mitoses_per_10hpf} mitoses is not possible"
        )
    if differentiation is None:
        scores = {
            int(record.text("score"))
            for record in table
            if record.text("component") == "differentiation" and tumour in record.options("tumour")
        }
        if len(scores) != 1:
            raise CaseError(
                f"the differentiation score of {tumour or 'the tumour'} is "
                + ("not printed" if not scores else "printed by variant")
                + "; state differentiation as 1, 2 or 3"
            )
        differentiation = scores.pop()
    if differentiation not in (1, 2, 3):
        raise CaseError(f"differentiation score {differentiation} is not 1, 2 or 3")
    mitoses = _score(table, "mitoses_per_10hpf", mitoses_per_10hpf)
    necrosis = _score(table, "necrosis_percent", necrosis_percent)
    total = differentiation + mitoses + necrosis
    grade = _score(table, "total", total)
    return FnclccGrade(
        grade, total, differentiation, mitoses, necrosis,
        f"FNCLCC grade {grade}: differentiation {differentiation} + mitoses {mitoses} + "
        f"necrosis {necrosis} = {total}.",
    )  # fmt: skip


def _score(table: Sequence[Record], component: str, value: float) -> int:
    for record in table:
        if record.text("component") == component:
            over, up_to = record.number("over"), record.number("up_to", math.inf)
            if over is not None and up_to is not None and over < value <= up_to:
                return int(record.text("score"))
    raise CaseError(f"FNCLCC {component}: no printed score for {value}")
