"""The treatment model of a network: the questions that can be asked of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.treatment.assumptions import Assumption, listed_assumptions
from mesenbayes.treatment.belief import TreatmentBelief
from mesenbayes.treatment.case import class_probability, known_facts, prepare, tumour_classes
from mesenbayes.treatment.conditions import Facts
from mesenbayes.treatment.costs import CostEffectiveness, CostTable, frontier, option_costs
from mesenbayes.treatment.decision import Decision, decide
from mesenbayes.treatment.evaluate import LEAST_OPTION, case_options, run_models, utilities
from mesenbayes.treatment.folder import TreatmentFolder, read_folder
from mesenbayes.treatment.follow_up import FollowUp, plan_follow_up
from mesenbayes.treatment.grade import FnclccGrade, fnclcc_grade
from mesenbayes.treatment.guidelines import (
    Alert,
    Guidelines,
    among_equals,
    applicable_points,
    disagreements,
    raised_alerts,
)
from mesenbayes.treatment.markov import CohortSettings
from mesenbayes.treatment.occupancy import Occupancy
from mesenbayes.treatment.preferences import Preferences
from mesenbayes.treatment.risk import DEFAULT_SCHEME, RiskResult
from mesenbayes.treatment.states import STATES
from mesenbayes.treatment.strategy import Regimen
from mesenbayes.treatment.survival import AdjuvantFit
from mesenbayes.treatment.waiting import Waiting, weigh_waiting

SEED = 20260
"""Seed of a decision that was given no generator: a report can be repeated."""


@dataclass(frozen=True, eq=False)
class TreatmentModel:
    """Everything a treatment folder says, ready to be asked.

    Made by :func:`load_treatment_model`. All methods are pure: the same belief and the same
    seed give the same answer.
    """

    folder: TreatmentFolder = field(repr=False)

    @property
    def version(self) -> str:
        """Version of the folder, for the report."""
        return self.folder.strategies.version

    @property
    def digest(self) -> str:
        """Hash of every file of the folder."""
        return self.folder.digest

    @property
    def schemes(self) -> tuple[str, ...]:
        """Names of the risk tables."""
        return self.folder.risk_tables.schemes

    @property
    def adjuvant_fit(self) -> AdjuvantFit:
        """Fit of the adjuvant imatinib trials."""
        return self.folder.adjuvant_fit

    def assumptions(self) -> tuple[Assumption, ...]:
        """Return every number and rule that rests on an assumption, with its reason."""
        return listed_assumptions(self.folder)

    def source(self, source_id: str) -> dict[str, str]:
        """Return a row of ``sources.csv`` (KeyError if there is none)."""
        return {row.text("source_id"): row.cells for row in self.folder.tables["sources"]}[
            source_id
        ]

    def risk(self, belief: TreatmentBelief, scheme: str = DEFAULT_SCHEME) -> RiskResult:
        """Return the risk class or stage of the case under a published table."""
        return self.folder.risk_tables.assess(belief, scheme)

    def fnclcc(
        self,
        *,
        mitoses_per_10hpf: float,
        necrosis_percent: float,
        differentiation: int | None = None,
        tumour: str | None = None,
    ) -> FnclccGrade:
        """Return the FNCLCC grade from its components."""
        return fnclcc_grade(
            self.folder.tables["fnclcc"],
            mitoses_per_10hpf=mitoses_per_10hpf,
            necrosis_percent=necrosis_percent,
            differentiation=differentiation,
            tumour=tumour,
        )

    def facts(self, belief: TreatmentBelief, **extra: Mapping[str, float]) -> Facts:
        """Return what conditions are evaluated against: findings, risk class, and more."""
        return known_facts(self.folder, belief, extra)

    def guidelines(self, belief: TreatmentBelief, decision: Decision | None = None) -> Guidelines:
        """Return the guideline points that apply, and where a decision departs from them."""
        points = applicable_points(self.folder.tables["guidelines"], self.facts(belief))
        found = disagreements(points, decision) if decision is not None else ()
        return Guidelines(points, found)

    def alerts(self, belief: TreatmentBelief) -> tuple[Alert, ...]:
        """Return the pitfalls that the case shows."""
        return raised_alerts(self.folder.tables["alerts"], self.facts(belief))

    def follow_up(
        self,
        belief: TreatmentBelief,
        start: datetime.date | None = None,
        strategy: str = "",
    ) -> FollowUp:
        """Return a dated follow-up calendar.

        Parameters
        ----------
        belief
            The case.
        start
            Day of the operation (or of the first visit when watching); today if not given.
        strategy
            The option that was chosen; ``observe`` selects the schedules of watching.
        """
        facts = self.facts(belief, strategy={strategy or "resection": 1.0})
        begin = start if start is not None else datetime.date.today()
        return plan_follow_up(self.folder.tables["follow_up"], facts, begin)

    def lines(self, belief: TreatmentBelief, least: float = LEAST_OPTION) -> tuple[Regimen, ...]:
        """Return the published systemic lines of the types that are possible, by line."""
        facts = self.facts(belief)
        found: dict[Regimen, None] = {}
        for kind in tumour_classes(self.folder, belief):
            if class_probability(belief, kind) < least:
                continue
            for row in sorted(self.folder.regimens, key=lambda regimen: regimen.line):
                if row.fits(kind.tumour, kind.group, kind.genotype):
                    truth = facts.evaluate(row.needs)
                    if truth.probability > 0 or truth.open_atoms:
                        found.setdefault(row)
        return tuple(found)

    def decide(
        self,
        belief: TreatmentBelief,
        *,
        preferences: Preferences | Mapping[str, float] | str = "qaly",
        settings: CohortSettings | None = None,
        draws: int = 200,
        delay_years: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Decision:
        """Rank the options by expected utility over the whole posterior.

        Parameters
        ----------
        belief
            The case.
        preferences
            ``qaly``, ``life_years``, ``recurrence_free_years``, or state -> utility.
        settings
            Cycle, horizon, discount, half-cycle correction.
        draws
            Number of parameter draws.
        delay_years
            How long every operation is put off (waiting for a test).
        rng
            A generator; a fixed seed if not given, so that a report can be repeated.

        Raises
        ------
        CaseError
            If the preferences miss a state, or the belief names unknown codes.
        """
        wanted = Preferences.of(preferences)
        case = prepare(
            self.folder,
            belief,
            settings=settings,
            draws=draws,
            delay_years=delay_years,
            rng=np.random.default_rng(SEED) if rng is None else rng,
        )
        options = case_options(case)
        order = self.among_equals(belief, options.names)
        return decide(
            utilities(case, options, wanted)[order],
            case.weights,
            case.classes,
            [options.names[d] for d in order],
            options.labels,
            options.baselines,
            setting=options.setting,
            unit=wanted.unit,
            not_offered=options.not_offered,
            ignored=case.ignored,
            indifference=float(self.folder.parameters.get("indifference")[0]),
        )

    def among_equals(self, belief: TreatmentBelief, names: Sequence[str]) -> list[int]:
        """Return the places of options in the order in which they are preferred among equals:
        fewest departures from the guidelines first, then as they stand (least intensive first).
        """
        points = applicable_points(self.folder.tables["guidelines"], self.facts(belief))
        return among_equals(points, names)

    def cost_effectiveness(
        self,
        belief: TreatmentBelief,
        table: CostTable,
        *,
        preferences: Preferences | Mapping[str, float] | str = "qaly",
        draws: int = 200,
        rng: np.random.Generator | None = None,
    ) -> CostEffectiveness:
        """Return the cost-effectiveness frontier of the options under a user's costs."""
        case = prepare(
            self.folder,
            belief,
            draws=draws,
            rng=np.random.default_rng(SEED) if rng is None else rng,
        )
        options = case_options(case)
        utility = utilities(case, options, Preferences.of(preferences))
        effect = np.einsum("dkn,nk->dn", utility, case.weights).mean(axis=1)
        cost = option_costs(case, options, table)
        points = frontier(options.names, cost.mean(axis=1).tolist(), effect.tolist())
        return CostEffectiveness(points, table.currency, cost)

    def wait_or_act(
        self,
        belief: TreatmentBelief,
        results: Sequence[tuple[float, TreatmentBelief]],
        *,
        delay_years: float,
        test_loss: float = 0.0,
        preferences: Preferences | Mapping[str, float] | str = "qaly",
        draws: int = 200,
        seed: int = SEED,
    ) -> Waiting:
        """Compare acting now with waiting for a test.

        Parameters
        ----------
        belief
            The case now.
        results
            For every result of the test its probability and the belief after it.
        delay_years
            How long the operation waits.
        test_loss
            Utility that the test itself costs.
        seed
            The same parameter draws serve both sides.
        """

        def decided(at: TreatmentBelief, delay: float) -> Decision:
            return self.decide(
                at,
                preferences=preferences,
                draws=draws,
                delay_years=delay,
                rng=np.random.default_rng(seed),
            )

        now = decided(belief, 0.0)
        later = [(p, decided(after, delay_years)) for p, after in results]
        return weigh_waiting(now, later, delay_years, test_loss)

    def occupancy(
        self,
        belief: TreatmentBelief,
        option: str,
        tumour: str,
        genotype: str = "",
        settings: CohortSettings | None = None,
    ) -> Occupancy:
        """Return the share of patients in each state over time, one class, one option.

        Uses the stated values of the parameters, not draws.
        """
        single = TreatmentBelief(
            {tumour: 1.0}, {genotype: 1.0} if genotype else {}, belief.findings
        )
        case = prepare(self.folder, single, settings=settings)
        options = case_options(case, offer_all=True)
        if option not in options.names:
            raise CaseError(
                f"unknown option '{option}'{did_you_mean(nearest(option, options.names))}"
            )
        model = options.models[options.names.index(option)][0]
        cohort = run_models(case, [model], options.phases, keep_trace=True)
        assert cohort.trace is not None
        years = np.arange(case.settings.cycles + 1, dtype=float) * case.settings.cycle_years
        label = case.classes[0].label
        return Occupancy(options.labels[option], label, STATES, years, cohort.trace[:, :, 0, 0])


def load_treatment_model(path: str | Path) -> TreatmentModel:
    """Read a treatment folder once.

    Raises
    ------
    NetworkError
        If a file or column is missing.
    EvidenceError
        With every broken cell.
    """
    return TreatmentModel(read_folder(path))
