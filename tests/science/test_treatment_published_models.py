"""Published decision models rebuilt: what comes out, and which settings that took."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesenbayes.treatment import CohortSettings, Preferences, TreatmentBelief, load_treatment_model
from mesenbayes.treatment.case import prepare
from mesenbayes.treatment.evaluate import case_options, utilities
from mesenbayes.treatment.model import TreatmentModel
from mesenbayes.treatment.published import RectalSettings, adjuvant_three_state, rectal_gist

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model() -> TreatmentModel:
    return load_treatment_model(ROOT / "networks/mesenchymal/treatment")


def test_rectal_gist_2020(model: TreatmentModel) -> None:
    """Printed 8.66 and 5.43 QALYs. Unprinted: horizon 15 years, discount 3 %, no background
    mortality, years counted at their start, sunitinib after progression on imatinib."""
    got = rectal_gist(model.folder)
    assert got.printed == (8.66, 5.43)
    assert got.ours == pytest.approx((8.86, 5.51), abs=0.01)
    assert max(map(abs, got.relative_error)) < 0.03
    # 3.5 % instead of 3 % is nearer still
    nearer = rectal_gist(model.folder, RectalSettings(discount_rate=0.035))
    assert max(map(abs, nearer.relative_error)) < 0.006


def test_rectal_gist_operation_dominates_under_every_plausible_setting(
    model: TreatmentModel,
) -> None:
    """The published conclusion: the operation is better and cheaper. The sums of money do not
    come back (costs of salvage, follow-up and best supportive care are not printed)."""
    for horizon in (10.0, 15.0, 20.0, 40.0):
        for discount in (0.0, 0.03, 0.05):
            for mortality in (0.0, 0.02):
                for line in ("sunitinib", "imatinib"):
                    got = rectal_gist(
                        model.folder,
                        RectalSettings(
                            horizon, discount, mortality, progression_on_imatinib_to=line
                        ),
                    )
                    assert got.ours[0] > got.ours[1]
                    assert got.costs is not None
                    assert got.costs[0] < got.costs[1]


def test_rectal_gist_wrong_horizon_fails(model: TreatmentModel) -> None:
    """The check is checked: a lifetime without background mortality is 38 % off."""
    wrong = rectal_gist(model.folder, RectalSettings(horizon_years=40.0))
    assert abs(wrong.relative_error[0]) > 0.3


PUBLISHED_GAINS = {"MAJER13": 6.55 - 5.18, "RAIKOU12": 9.19 - 7.63, "SCOT12": 1.58}


def test_three_against_one_year_in_the_published_structure(model: TreatmentModel) -> None:
    """Three states, the 2012 report extrapolated, start at 58, 3 %: 1.51 QALYs, among the
    published 1.37, 1.56 and 1.58."""
    got = adjuvant_three_state(model.folder)
    assert min(PUBLISHED_GAINS.values()) < got.gain < max(PUBLISHED_GAINS.values())
    assert got.gain == pytest.approx(1.51, abs=0.01)
    # Greece prints 12.76 and 10.80 life-years with its own life table
    assert got.life_years == pytest.approx((12.76, 10.80), rel=0.08)


def own_gain(model: TreatmentModel, discount: float) -> float:
    """QALYs of 3 v 1 year in our own model, for the recurrence risk of the SSGXVIII patients."""
    belief = TreatmentBelief(
        {"GIST": 1.0}, {}, {"age": 58, "site": "stomach", "size_cm": 8, "mitoses_per_5mm2": 12}
    )
    case = prepare(model.folder, belief, settings=CohortSettings(0.25, 42, discount))
    latent = model.adjuvant_fit.latent["SSGXVIII"]
    case = replace(case, figures=replace(case.figures, latent_gist=latent))
    options = case_options(case)
    value = np.einsum("dkn,nk->d", utilities(case, options, Preferences.of("qaly")), case.weights)
    three, one = (options.names.index(f"resection_imatinib_{y}y") for y in (3, 1))
    return float(value[three] - value[one])


def test_our_own_model_brackets_the_published_gains(model: TreatmentModel) -> None:
    """Ours is fitted to the ten-year update, in which the arms come closer: 1.05 QALYs at 3 %,
    1.60 undiscounted; the published 1.37 to 1.58 (2012 report extrapolated) lie between."""
    low, high = own_gain(model, 0.03), own_gain(model, 0.0)
    assert low == pytest.approx(1.05, abs=0.02)
    assert low < min(PUBLISHED_GAINS.values()) <= max(PUBLISHED_GAINS.values()) < high
