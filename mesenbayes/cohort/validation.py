"""A network put to the test on cases whose diagnosis is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.calibration import ClassCalibration, calibrate
from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.coverage import Coverage, credible_intervals, interval_coverage
from mesenbayes.cohort.decision_curve import (
    DecisionCurve,
    UtilityBenefit,
    decision_curve,
    utility_benefit,
)
from mesenbayes.cohort.frame import read_labelled
from mesenbayes.cohort.management import Management, management
from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.cohort.resample import bootstrap, prevalence_vector, prevalence_weights
from mesenbayes.cohort.scores import (
    BrierParts,
    Surprise,
    brier_parts,
    brier_score,
    check,
    log_score,
    surprise,
    top_k,
)
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

RESAMPLES = 1000
INTERVAL_CASES = 200
"""Cases for which credible intervals are computed; each takes a backward pass."""
SCORES = ("log score", "Brier score", "top 1", "top 3", "right management")


@dataclass(frozen=True, eq=False)
class Validation:
    """How a network did.

    Parameters
    ----------
    network
        Name, version and digest.
    classes, p, y, w
        The forecasts (cases, classes), the truth and the weights of the cases.
    values, intervals
        SCORES with their bootstrap intervals.
    brier
        The Brier score taken apart.
    surprise
        Whether the network is as surprised as it expects to be.
    calibration
        Of each class that occurs.
    coverage
        Of the credible intervals; None where they were not asked for.
    management
        Diagnoses treated alike.
    confusion : (groups, groups)
        Cases by the true group (rows) and the group of the most probable diagnosis.
    curves
        Decision curve of each management group that occurs.
    benefit
        What choosing by posterior is worth; None without a treatment model.
    rejected
        (row, id, reason) of cases left out.
    """

    network: str
    classes: tuple[str, ...]
    p: FloatArray = field(repr=False)
    y: IntArray = field(repr=False)
    w: FloatArray = field(repr=False)
    values: FloatArray
    intervals: FloatArray
    brier: BrierParts
    surprise: Surprise
    calibration: tuple[ClassCalibration, ...] = field(repr=False)
    coverage: Coverage | None = field(repr=False)
    management: Management = field(repr=False)
    confusion: FloatArray = field(repr=False)
    curves: tuple[DecisionCurve, ...] = field(repr=False)
    benefit: UtilityBenefit | None
    rejected: tuple[tuple[int, str, str], ...] = field(default=(), repr=False)

    @property
    def is_consistent(self) -> bool:
        """Whether the forecasts and the outcomes can be of one kind (|z| of the surprise < 3)."""
        return self.surprise.is_consistent

    def to_frame(self) -> pd.DataFrame:
        """Return the scores as a table: value, low, high."""
        import pandas as pd

        return pd.DataFrame(
            {"value": self.values, "low": self.intervals[:, 0], "high": self.intervals[:, 1]},
            index=pd.Index(SCORES, name="score"),
        )

    def calibration_frame(self) -> pd.DataFrame:
        """Return slope, intercept and error of each class that occurs."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"class": c.name, "cases": c.n, "slope": c.slope, "intercept": c.intercept,
                 "expected_calibration_error": c.error}
                for c in self.calibration
            ]
        )  # fmt: skip

    def confusion_frame(self) -> pd.DataFrame:
        """Return the confusion by management group: true in rows, called in columns."""
        import pandas as pd

        groups = pd.Index(self.management.groups, name="true group")
        return pd.DataFrame(self.confusion, groups, list(self.management.groups))

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(3).to_html())


def validate(
    network: Network,
    frame: pd.DataFrame,
    *,
    truth: str | None = None,
    target: str = "tumour",
    mapping: ColumnMapping | None = None,
    ignore_unknown: bool = False,
    prevalence: Mapping[str, float] | None = None,
    resamples: int = RESAMPLES,
    interval_cases: int = INTERVAL_CASES,
    rng: np.random.Generator | int | None = None,
) -> Validation:
    """Validate a network on a frame of cases with a column of answers.

    Parameters
    ----------
    truth
        Column of the answer; ``true_<target>`` or one that names the target by default.
    prevalence
        Class -> share in the population that the scores should speak of; the cohort's own
        mixture by default.
    resamples
        Bootstrap samples of cases.

    Raises
    ------
    CaseError
        If there is no answer, or no case that can be read.
    """
    reader = CellReader(network, mapping, target=target, ignore_unknown=ignore_unknown)
    codes, y, cases = read_labelled(reader, frame, truth)
    if not len(y):
        raise CaseError("no case with a known answer can be read")
    result = network.compiled.run(codes, cases.likelihoods, (target,), on_impossible="nan")
    possible = ~np.isnan(result.log_evidence)
    rejected = cases.rejected + tuple(
        (int(cases.rows[i]), str(cases.ids[i]), "the findings cannot be true together")
        for i in np.flatnonzero(~possible)
    )
    if not possible.any():
        raise CaseError("no case with a known answer is possible in this network")
    p, y, codes = result.posterior[target][possible], y[possible], codes[possible]
    generator = np.random.default_rng(rng)
    coverage = None
    if interval_cases:
        few = np.sort(generator.permutation(len(y))[:interval_cases])
        intervals = credible_intervals(network, codes[few], target)
        coverage = interval_coverage(p[few], intervals, y[few])
    classes = network.variable(target).states
    return evaluate(
        p, y, classes,
        f"{network.name} {network.version} ({network.digest})",
        w=None if prevalence is None
        else prevalence_weights(y, prevalence_vector(prevalence, classes)),
        groups=management(network, target=target),
        coverage=coverage, rejected=rejected, resamples=resamples, rng=generator,
    )  # fmt: skip


def evaluate(
    p: FloatArray,
    y: IntArray,
    classes: Sequence[str],
    name: str = "forecasts",
    *,
    w: FloatArray | None = None,
    groups: Management | None = None,
    coverage: Coverage | None = None,
    rejected: tuple[tuple[int, str, str], ...] = (),
    resamples: int = RESAMPLES,
    rng: np.random.Generator | int | None = None,
) -> Validation:
    """Score forecasts, wherever they come from."""
    from mesenbayes.cohort.management import each_its_own

    check(p, y, w)
    generator = np.random.default_rng(rng)
    weights = np.ones(len(y)) if w is None else w
    kinds = groups or each_its_own(tuple(classes))

    def scores(p: FloatArray, y: IntArray, w: FloatArray) -> FloatArray:
        called = kinds.group_of[p.argmax(axis=1)]
        right = (called == kinds.group_of[y]) @ (w / w.sum())
        return np.array(
            [log_score(p, y, w), brier_score(p, y, w), top_k(p, y, 1, w), top_k(p, y, 3, w), right]
        )

    present = np.bincount(y, minlength=len(classes)) > 0
    called = kinds.group_of[p.argmax(axis=1)]
    confusion = np.zeros((len(kinds.groups),) * 2)
    np.add.at(confusion, (kinds.group_of[y], called), weights)
    pooled = kinds.pool(p)
    curves = tuple(
        decision_curve(
            pooled[:, g], kinds.group_of[y] == g, label, weights,
            resamples=min(resamples, 200), rng=generator,
        )
        for g, label in enumerate(kinds.groups)
        if (kinds.group_of[y] == g).any()
    )  # fmt: skip
    return Validation(
        name, tuple(classes), p, y, weights,
        scores(p, y, weights),
        bootstrap(scores, p, y, weights, resamples=resamples, rng=generator),
        brier_parts(p, y, weights),
        surprise(p, y, weights),
        tuple(c for c, here in zip(calibrate(p, y, tuple(classes), weights), present, strict=True)
              if here),
        coverage, kinds, confusion, curves,
        None if kinds.utility is None
        else utility_benefit(p, y, kinds.utility, kinds.options, weights),
        rejected,
    )  # fmt: skip


def compare(
    first: Validation,
    second: Validation,
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | int | None = None,
) -> pd.DataFrame:
    """Return the difference of the scores of two networks on the same cases, second - first.

    The same cases are drawn for both (a paired bootstrap), so that hard cases do not count as
    a difference.

    Raises
    ------
    CaseError
        If they were not tested on the same cases.
    """
    import pandas as pd

    if first.classes != second.classes or not np.array_equal(first.y, second.y):
        raise CaseError("the two validations are not of the same cases and classes")
    both = np.stack([first.p, second.p], axis=1)  # (cases, 2, classes)

    def difference(p: FloatArray, y: IntArray, w: FloatArray) -> FloatArray:
        a, b = p[:, 0], p[:, 1]
        return np.array(
            [log_score(b, y, w) - log_score(a, y, w), brier_score(b, y, w) - brier_score(a, y, w),
             top_k(b, y, 1, w) - top_k(a, y, 1, w), top_k(b, y, 3, w) - top_k(a, y, 3, w)]
        )  # fmt: skip

    interval = bootstrap(difference, both, first.y, first.w, resamples=resamples, rng=rng)
    return pd.DataFrame(
        {"difference": difference(both, first.y, first.w), "low": interval[:, 0],
         "high": interval[:, 1]},
        index=pd.Index(SCORES[:4], name="score"),
    )  # fmt: skip
