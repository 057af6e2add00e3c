"""Published decision models rebuilt from their printed inputs, to judge the engine by.

Farid 2020 prints inputs and results; what it does not print (horizon, discount rate,
background mortality, which drug follows which progression) is a :class:`RectalSettings`.
The adjuvant models print their structure and results; their efficacy came from SSGXVIII.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.treatment.folder import TreatmentFolder
from mesenbayes.treatment.life_table import cycle_mortality
from mesenbayes.treatment.markov import CohortSettings, Rates, run_cohort
from mesenbayes.treatment.result import Result


@dataclass(frozen=True)
class RectalSettings:
    """What Farid 2020 leaves unsaid.

    Parameters
    ----------
    horizon_years, discount_rate, background_mortality
        Not printed in the text that could be read.
    half_cycle
        Not printed; years counted at their start otherwise.
    progression_on_imatinib_to
        Line that follows progression on continued imatinib: ``sunitinib`` (imatinib has
        failed) or ``imatinib`` (counted as a first metastatic line).
    """

    horizon_years: float = 15.0
    discount_rate: float = 0.03
    background_mortality: float = 0.0
    half_cycle: bool = False
    progression_on_imatinib_to: str = "sunitinib"


@dataclass(frozen=True)
class PublishedComparison(Result):
    """Utilities (and costs) of two strategies, ours against the print."""

    model: str
    strategies: tuple[str, str]
    ours: tuple[float, float]
    printed: tuple[float, float]
    costs: tuple[float, float] | None
    printed_costs: tuple[float, float] | None

    @property
    def relative_error(self) -> tuple[float, float]:
        """Ours / printed - 1."""
        (a, b), (p, q) = self.ours, self.printed
        return a / p - 1, b / q - 1


_RECTAL = (
    "recurrence_free", "local_recurrence", "imatinib", "sunitinib", "regorafenib",
    "after_regorafenib", "dead_of_disease", "dead_other",
)  # fmt: skip


def rectal_gist(
    folder: TreatmentFolder, settings: RectalSettings | None = None
) -> PublishedComparison:
    """Rebuild Farid 2020: operation now (abdominoperineal) or imatinib until progression.

    Annual cycles. The salvage operation of a local recurrence has no printed cost and
    counts 0.
    """
    chosen = RectalSettings() if settings is None else settings
    say = _Printed(folder, "FARID20")
    p_rec, p_local = say("recurrence after APR"), say("local recurrence given recurrence after APR")
    p1 = say("1st progression in metastatic GIST (imatinib)")
    lines: Rates = {
        ("imatinib", "sunitinib"): p1,
        ("sunitinib", "regorafenib"): say("2nd progression in metastatic GIST"),
        ("regorafenib", "after_regorafenib"): say("3rd progression in metastatic GIST"),
        ("after_regorafenib", "dead_of_disease"): say("death after regorafenib"),
    }
    metastatic = say("metastatic GIST 1st progression")
    value = {
        "local_recurrence": say("GIST recurrence"),
        "imatinib": say("GIST recurrence"),
        "sunitinib": metastatic,
        "regorafenib": say("metastatic GIST 2nd progression"),
        "after_regorafenib": say("metastatic GIST 3rd progression"),
    }
    cost = {
        "imatinib": say("imatinib 400 mg od"),
        "sunitinib": say("sunitinib 50 mg 4/2"),
        "regorafenib": say("regorafenib 160 mg 3/1"),
    }
    operate: Rates = {
        ("recurrence_free", "local_recurrence"): p_rec * p_local,
        ("recurrence_free", "imatinib"): p_rec * (1 - p_local),
    }
    continue_drug: Rates = {("recurrence_free", chosen.progression_on_imatinib_to): p1}
    run = CohortSettings(1.0, chosen.horizon_years, chosen.discount_rate, chosen.half_cycle)
    mortality = np.full(run.cycles, chosen.background_mortality)
    results = []
    for first, utility, once, per_year in (
        (operate, say("recurrence-free after abdominoperineal resection"),
         say("abdominoperineal resection"), 0.0),
        (continue_drug, say("recurrence-free on continued imatinib"), 0.0, cost["imatinib"]),
    ):  # fmt: skip
        cohort = run_cohort(
            _RECTAL, {"recurrence_free": 1.0}, [(math.inf, {**lines, **first})], run,
            mortality=mortality, probabilities=True,
        )  # fmt: skip
        years = dict(zip(_RECTAL, cohort.years[0].tolist(), strict=True))
        qaly = years["recurrence_free"] * utility + sum(years[s] * u for s, u in value.items())
        spent = once + years["recurrence_free"] * per_year
        results.append((qaly, spent + sum(years[s] * c for s, c in cost.items())))
    return PublishedComparison(
        "Farid 2020, rectal GIST",
        ("upfront APR", "continued imatinib until progression"),
        (results[0][0], results[1][0]),
        (say("upfront APR: QALYs"), say("continued imatinib until progression: QALYs")),
        (results[0][1], results[1][1]),
        (say("upfront APR: cost"), say("continued imatinib until progression: cost")),
    )


@dataclass(frozen=True)
class AdjuvantComparison(Result):
    """Three years against one year of adjuvant imatinib in a three-state model."""

    life_years: tuple[float, float]
    qaly: tuple[float, float]
    death_rate_after_recurrence: float
    survival_5y: tuple[float, float]

    @property
    def gain(self) -> float:
        """Incremental QALYs."""
        return self.qaly[0] - self.qaly[1]


def adjuvant_three_state(
    folder: TreatmentFolder,
    *,
    age: float = 58.0,
    discount_rate: float = 0.03,
    cycle_years: float = 1 / 12,
    horizon_age: float = 100.0,
) -> AdjuvantComparison:
    """Rebuild the structure of the published 3 v 1 year models from the SSGXVIII report of 2012.

    Free of recurrence, recurrent, dead; constant recurrence rate from RFS at 5 years,
    extrapolated (as Parthan 2012 says of its model); one death rate after recurrence,
    fitted to overall survival at 5 years in both arms; background mortality.
    """
    from scipy.optimize import minimize_scalar

    rfs = [_outcome(folder, key) for key in ("E23", "E24")]
    overall = [_outcome(folder, key) for key in ("E25", "E26")]
    run = CohortSettings(cycle_years, horizon_age - age, discount_rate)
    mortality = cycle_mortality(
        folder.tables["life_table"], age=age, female=0.5, cycles=run.cycles,
        cycle_years=cycle_years,
    )  # fmt: skip
    states = ("free", "recurrent", "dead_of_disease", "dead_other")
    h = np.array([-math.log(s) / 5 for s in rfs])

    def cohorts(mu: float) -> tuple[np.ndarray, np.ndarray]:
        rates: Rates = {("free", "recurrent"): h, ("recurrent", "dead_of_disease"): mu}
        cohort = run_cohort(
            states, {"free": np.ones(2)}, [(math.inf, rates)], run, mortality=mortality,
            keep_trace=True,
        )  # fmt: skip
        assert cohort.trace is not None
        return cohort.years[0], cohort.trace[round(5 / cycle_years), :2].sum(axis=0)

    def misfit(mu: float) -> float:
        return float(((cohorts(mu)[1] - overall) ** 2).sum())

    mu = float(minimize_scalar(misfit, bounds=(1e-3, 1.0), method="bounded").x)
    years, alive = cohorts(mu)
    parameters = folder.parameters
    u_free = float(parameters.get("utility", "GIST", setting="recurrence_free")[0])
    u_rec = float(parameters.get("utility", "GIST", setting="local_recurrence")[0])
    qaly = u_free * years[0] + u_rec * years[1]
    lived = years[:2].sum(axis=0)
    return AdjuvantComparison(
        (float(lived[0]), float(lived[1])), (float(qaly[0]), float(qaly[1])), mu,
        (float(alive[0]), float(alive[1])),
    )  # fmt: skip


class _Printed:
    """Numbers of one published model by the name of the item."""

    def __init__(self, folder: TreatmentFolder, source: str) -> None:
        self._values = {
            row.text("item"): float(row.text("value"))
            for row in folder.tables["published_models"]
            if row.text("source_id").startswith(source)
        }

    def __call__(self, item: str) -> float:
        if item not in self._values:
            raise NetworkError(f"published_models.csv has no '{item}'")
        return self._values[item]


def _outcome(folder: TreatmentFolder, outcome_id: str) -> float:
    for row in folder.tables["outcomes"]:
        if row.text("outcome_id") == outcome_id:
            return float(row.text("value"))
    raise NetworkError(f"outcomes.csv has no {outcome_id}")
