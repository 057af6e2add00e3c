"""From parameters to rates: the cohort model of one tumour class under one strategy.

States. A watched tumour grows and is then operated on, or seeds. After an operation the
patient is cured or carries latent disease (a mixture-cure model in Markov form), which
surfaces locally or at a distance; advanced disease runs through lines of treatment.

    watched -> cured | latent_local | latent_distant | first_line
    latent_local -> cured (salvage) | local_recurrence -> first_line
    latent_distant -> first_line -> second_line -> third_line -> dead_of_disease
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mesenbayes.treatment.parameters import Parameters
from mesenbayes.treatment.states import Array, CaseFigures, ModelInput, TumourClass
from mesenbayes.treatment.strategy import BEST_SUPPORTIVE_CARE, Regimen, Strategy, Systemic
from mesenbayes.treatment.survival import AdjuvantFit


class OutcomeBuilder:
    """Builds the cohort models of a case.

    Parameters
    ----------
    parameters
        Draws of every number.
    fit
        Fit of the adjuvant trials.
    figures
        Numbers of the case.
    phases
        Ends of the phases, years, last infinite.
    fit_draws
        Draws of (recurrence rate, cure per year) of the fit.
    regimen_rows
        Some row of each regimen, for its toxicity in classes it was not studied in.
    delay_years
        How long every option is put off (waiting for a test).
    deviates
        Standard normal draws for the printed medians of each regimen, and (under ``after``)
        for survival after progression.
    """

    def __init__(
        self,
        parameters: Parameters,
        fit_draws: tuple[Array, Array],
        figures: CaseFigures,
        phases: tuple[float, ...],
        regimen_rows: Mapping[str, Regimen] | None = None,
        delay_years: float = 0.0,
        deviates: Mapping[str, Array] | None = None,
    ) -> None:
        self.p = parameters
        self.rate_gist, self.cure_gist = fit_draws
        self.figures = figures
        self.phases = phases
        self.regimen_rows = dict(regimen_rows or {})
        self.delay_years = delay_years
        self.deviates = dict(deviates or {})

    # -- pieces -----------------------------------------------------------------------

    def _extent(self, name: str, extent: str, major: Array) -> Array:
        """Mix a quantity of an operation over the chance that it becomes a major one."""
        if extent == "endoscopic":
            return self.p.get(name, setting="endoscopic")
        large = self.p.get(name, setting="major")
        if name == "permanent_loss" and self.figures.rectum > 0:
            share = self.figures.rectum
            large = share * self.p.get(name, setting="rectum_major") + (1 - share) * large
        return np.asarray((1 - major) * self.p.get(name, setting=extent) + major * large)

    def operation(self, extent: str, major: Array) -> tuple[Array, Array, Array]:
        """Return mortality, QALYs lost at once, and lasting loss of an operation."""
        loss = self._extent("recovery_loss", extent, major) + self._extent(
            "complication", extent, major
        ) * self.p.get("complication_loss")
        return (
            self._extent("operative_mortality", extent, major),
            np.asarray(loss),
            self._extent("permanent_loss", extent, major),
        )

    def sensitivity(self, kind: TumourClass) -> Array:
        """Return r: recurrence rate on imatinib over the rate without it (1 = no effect)."""
        if kind.tumour != "GIST":
            return np.ones(self.p.size)
        genotype = "" if kind.genotype == "unknown" else kind.genotype
        return np.minimum(self.p.get("imatinib_rate_ratio", "GIST", genotype), 1.0)

    def latent(
        self, kind: TumourClass, *, grown: bool = False
    ) -> tuple[Array, Array, Array, Array]:
        """Return latent local and distant fractions, and the rates at which they surface."""
        if kind.tumour == "GIST":
            part = self.figures.latent_gist_grown if grown else self.figures.latent_gist
            P = np.full(self.p.size, part)
            h = self.rate_gist
            if self.figures.ruptured > 0:
                # 5-year recurrence after rupture, turned into the fraction that will recur
                burst = self.p.get("progression_if_ruptured", "GIST") / (1 - np.exp(-5 * h))
                P = (1 - self.figures.ruptured) * P + self.figures.ruptured * np.clip(burst, P, 1)
            share = self.figures.rectum * self.p.get("local_share", "GIST", setting="rectum")
            return P * share, P * (1 - share), h, h
        setting = "retroperitoneum" if self.figures.retroperitoneum else ""
        h_L, h_D = self.p.get("local_recurrence_rate"), self.p.get("distant_recurrence_rate")
        # F(5) = P [1 - exp(-5 h)]
        P_L = self.p.get("local_recurrence_5y", kind.tumour, setting=setting) / (
            1 - np.exp(-5 * h_L)
        )
        P_D = self.p.get("distant_recurrence_5y", kind.tumour, setting=setting) / (
            1 - np.exp(-5 * h_D)
        )
        scale = np.maximum(1.0, (P_L + P_D) / 0.99)
        return P_L / scale, P_D / scale, h_L, h_D

    def median_pfs(self, row: Regimen) -> Array:
        """Return draws of a printed median PFS, in months."""
        assert row.pfs_months is not None
        if row.pfs_interval is not None:
            low, high = row.pfs_interval
            spread: Array | float = math.log(high / low) / 3.92
        else:
            spread = self.p.get("median_log_sd")
        deviate = self.deviates.get(row.regimen, np.zeros(self.p.size))
        return np.asarray(row.pfs_months * np.exp(spread * deviate))

    def advanced_rates(
        self, kind: TumourClass, systemic: Systemic, regimen: str
    ) -> dict[tuple[str, str], Array]:
        """Return the rates through the lines of treatment, per year."""
        if kind.group in ("benign", "desmoid"):
            return {}
        ln2 = math.log(2)
        untreated = self.p.get("untreated_pfs_months", kind.tumour)
        standard = systemic.standard
        chosen = regimen or (standard.regimen if standard else "")
        row = systemic.by_name.get(chosen)
        m1 = self.median_pfs(row) if row and row.pfs_months else untreated
        m1 = m1 / ln2
        second = self.p.get("second_line_pfs_months", kind.tumour) / ln2
        phi = self.p.get("next_line_reached")
        same_drug = standard and chosen.split("_")[0] == standard.regimen.split("_")[0]
        after = systemic.post_progression_months(chosen if same_drug else "")
        spread = self.p.get("median_log_sd") * self.deviates.get("after", 0.0)
        m3 = np.maximum((after if after else 2 * second) * np.exp(spread) - phi * second, 1.0)
        if standard and not same_drug and standard.pfs_months:
            # the wrong drug first: the standard follows, for those who get that far
            second = np.maximum(second, self.median_pfs(standard) / ln2)
        return {
            ("first_line", "second_line"): phi * 12 / m1,
            ("first_line", "third_line"): (1 - phi) * 12 / m1,
            ("second_line", "third_line"): 12 / second,
            ("third_line", "dead_of_disease"): 12 / m3,
        }

    # -- models -----------------------------------------------------------------------

    def localised(self, kind: TumourClass, strategy: Strategy, systemic: Systemic) -> ModelInput:
        """Return the cohort model of a localised tumour of a class under a strategy."""
        n, one, zero = self.p.size, np.ones(self.p.size), np.zeros(self.p.size)
        r = self.sensitivity(kind)
        P_L, P_D, h_L, h_D = self.latent(kind)
        base = self.advanced_rates(kind, systemic, "")
        salvage = self.p.get("salvage_cure", kind.tumour)
        surfaced = self.p.get("local_to_advanced_rate", kind.tumour)
        common = {**base, ("local_recurrence", "first_line"): np.broadcast_to(surfaced, (n,))}
        phase_loss = [zero.copy() for _ in self.phases]
        if not strategy.extent:
            return self._watched(kind, strategy, (P_L, P_D, h_L, h_D), salvage, common, phase_loss)

        major = np.full(n, self.figures.major.get(strategy.extent, 0.0))
        if self.delay_years and kind.group not in ("benign", "desmoid"):
            later = self.p.get("delay_HR") ** self.delay_years
            P_L, P_D = 1 - (1 - P_L) ** later, 1 - (1 - P_D) ** later
        if strategy.neoadjuvant:
            wait = self.p.get("neoadjuvant_years", setting="imatinib")
            # what the drug holds back (1 - r) does not progress while the operation waits
            worse = self.p.get("delay_HR") ** (wait * np.minimum(r, 1.0))
            P_L, P_D = 1 - (1 - P_L) ** worse, 1 - (1 - P_D) ** worse
            major = major * (1 - self.p.get("organ_preserved") * (1 - r))
        if strategy.extent != "wide" and kind.group in ("sarcoma", "mimic", "other"):
            gut = self.figures.gut
            ratio = gut * self.p.get("limited_margin_local_HR", "sarcoma", setting="gut") + (
                1 - gut
            ) * self.p.get("limited_margin_local_HR", "sarcoma")
            P_L = 1 - (1 - P_L) ** ratio
        if strategy.extent == "endoscopic":
            P_L = np.minimum(P_L + self.p.get("endoscopic_recurrence"), 1 - P_D)
        if strategy.radiotherapy and kind.group == "sarcoma":
            setting = "retroperitoneum" if self.figures.retroperitoneum else ""
            P_L = 1 - (1 - P_L) ** self.p.get("radiotherapy_local_HR", kind.tumour, setting=setting)
        if strategy.chemotherapy and kind.group == "sarcoma":
            P_L = 1 - (1 - P_L) ** self.p.get("chemotherapy_local_HR", kind.tumour)
            P_D = 1 - (1 - P_D) ** self.p.get("chemotherapy_distant_HR", kind.tumour)
        if strategy.hormone and self.p.has("hormone_local_HR", kind.tumour):
            P_L = 1 - (1 - P_L) ** self.p.get("hormone_local_HR", kind.tumour)
        years = strategy.imatinib_years
        r0 = float(self.p.get("imatinib_rate_ratio", "GIST").mean())
        # kappa was fitted in unselected GIST; a genotype takes its share of the effect
        kappa = self.cure_gist * np.clip((1 - r) / (1 - r0), 0.0, None)
        P_L, P_D = P_L * np.exp(-kappa * years), P_D * np.exp(-kappa * years)
        scale = np.maximum(1.0, (P_L + P_D) / 0.995)
        P_L, P_D = P_L / scale, P_D / scale

        dies, loss, lasting = self.operation(strategy.extent, major)
        start = {
            "cured": (1 - dies) * (1 - P_L - P_D),
            "latent_local": (1 - dies) * P_L,
            "latent_distant": (1 - dies) * P_D,
            "dead_of_disease": dies,
        }
        loss = np.array(loss, copy=True)
        if strategy.radiotherapy:
            loss += self.p.get("radiotherapy_loss", setting="radiotherapy")
        if strategy.hormone:
            loss += self.p.get("toxicity_loss", setting="hormone") * self.p.get(
                "treatment_years", setting="hormone"
            )
        if strategy.chemotherapy:
            loss += self.p.get("toxicity_loss", setting="chemotherapy") * self.p.get(
                "treatment_years", setting="chemotherapy"
            )
        taken = tuple(years > 0 and end <= years for end in self.phases)
        rates = []
        for position in range(len(self.phases)):
            on = taken[position]
            slow = r if on else one
            rates.append(
                {
                    **common,
                    ("latent_local", "cured"): h_L * salvage * slow,
                    ("latent_local", "local_recurrence"): h_L * (1 - salvage) * slow,
                    ("latent_distant", "first_line"): h_D * slow,
                }
            )
            if on:
                phase_loss[position] = self.p.get("toxicity_loss", setting="imatinib")
        return ModelInput(start, rates, loss, zero, lasting, phase_loss, zero, taken)

    def _watched(
        self,
        kind: TumourClass,
        strategy: Strategy,
        latent: tuple[Array, Array, Array, Array],
        salvage: Array,
        common: dict[tuple[str, str], Array],
        phase_loss: list[Array],
    ) -> ModelInput:
        """Return the model of a tumour that is watched (or held by drugs) until it grows."""
        P_L, P_D, h_L, h_D = latent
        n, zero = self.p.size, np.zeros(self.p.size)
        if kind.tumour == "GIST":
            grow = self.figures.small * self.p.get("growth_rate", "GIST", setting="le_2") + (
                1 - self.figures.small
            ) * self.p.get("growth_rate", "GIST", setting="gt_2")
            grown_L, grown_D, _, _ = self.latent(kind, grown=True)
        else:
            grow = self.p.get("growth_rate", kind.tumour)
            worse = self.p.get("delay_HR") if kind.group in ("sarcoma", "mimic", "other") else 1.0
            grown_L, grown_D = 1 - (1 - P_L) ** worse, 1 - (1 - P_D) ** worse
        if strategy.desmoid_systemic:
            held = self.p.get("treatment_years", setting="desmoid_systemic")
            loss_per_year = self.p.get("toxicity_loss", setting="desmoid_systemic")
            if kind.tumour == "DES":
                grow = grow * self.p.get("desmoid_systemic_HR", "DES")
            start_loss = loss_per_year * held
        else:
            start_loss = zero
        extent = "wide" if kind.group in ("sarcoma", "desmoid") else "limited"
        major = np.full(n, self.figures.major.get(extent, 0.0))
        dies, loss, _ = self.operation(extent, major)
        scale = np.maximum(1.0, (grown_L + grown_D) / 0.995)
        grown_L, grown_D = grown_L / scale, grown_D / scale
        rates = {
            **common,
            ("watched", "cured"): grow * (1 - dies) * (1 - grown_L - grown_D),
            ("watched", "latent_local"): grow * (1 - dies) * grown_L,
            ("watched", "latent_distant"): grow * (1 - dies) * grown_D,
            ("watched", "dead_of_disease"): grow * dies,
            ("watched", "first_line"): P_D
            * h_D
            * self.p.get("watched_metastasis_factor", kind.tumour),
            ("latent_local", "cured"): h_L * salvage,
            ("latent_local", "local_recurrence"): h_L * (1 - salvage),
            ("latent_distant", "first_line"): h_D,
        }
        return ModelInput(
            {"watched": np.ones(n)}, [rates] * len(self.phases), start_loss, grow * loss, zero,
            phase_loss, zero,
        )  # fmt: skip

    def advanced(self, kind: TumourClass, regimen: str, systemic: Systemic) -> ModelInput:
        """Return the cohort model of advanced disease of a class under a first line."""
        n, zero = self.p.size, np.zeros(self.p.size)
        rates = self.advanced_rates(kind, systemic, regimen)
        start = {"first_line" if rates else "watched": np.ones(n)}
        if regimen == BEST_SUPPORTIVE_CARE and rates:
            # no treatment now or later: survival of the untreated arms
            m1 = self.p.get("untreated_pfs_months", kind.tumour) / math.log(2)
            total = self.p.get("untreated_os_months", kind.tumour) / math.log(2)
            rates = {
                ("first_line", "third_line"): 12 / m1,
                ("third_line", "dead_of_disease"): 12 / np.maximum(total - m1, 1.0),
            }
        row = systemic.by_name.get(regimen) or self.regimen_rows.get(regimen)
        toxic = zero
        if row is not None and row.toxicity:
            toxic = self.p.get("toxicity_loss", setting=row.toxicity)
        free = [zero] * len(self.phases)
        return ModelInput(start, [rates] * len(self.phases), zero, zero, zero, free, toxic)


def fit_draws(fit: AdjuvantFit, size: int, rng: np.random.Generator | None) -> tuple[Array, Array]:
    """Return draws of the recurrence rate and the cure per year of the adjuvant fit."""
    if rng is None:
        return np.full(size, fit.rate), np.full(size, max(fit.cure_per_year, 0.0))
    drawn = rng.multivariate_normal(
        [math.log(fit.rate), fit.cure_per_year], fit.log_covariance, size
    )
    return np.exp(drawn[:, 0]), np.maximum(drawn[:, 1], 0.0)
