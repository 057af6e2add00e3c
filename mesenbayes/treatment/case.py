"""A case made ready for the cohort models: classes, weights, draws, figures, mortality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.treatment.belief import TreatmentBelief
from mesenbayes.treatment.conditions import Facts
from mesenbayes.treatment.folder import TreatmentFolder
from mesenbayes.treatment.life_table import cycle_mortality
from mesenbayes.treatment.markov import CohortSettings
from mesenbayes.treatment.outcomes import OutcomeBuilder, fit_draws
from mesenbayes.treatment.parameters import Parameters
from mesenbayes.treatment.states import CaseFigures, TumourClass

LEAST_CLASS = 0.002
"""Tumour classes less probable than this do not enter the decision."""
UNKNOWN_GENOTYPE = "unknown"
GUT = ("stomach", "duodenum", "small_bowel", "colon", "rectum", "oesophagus")
TESTED = 0.95
"""A genotype this certain counts as tested."""


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """What the cohort models of one case need.

    Parameters
    ----------
    classes
        Tumour classes that enter, with `weights` of shape (draws, classes).
    ignored
        Probability of the classes left out.
    parameters, fit
        Draws of the numbers, and of the adjuvant fit.
    mortality : (cycles,)
        Background probability of death in each cycle.
    """

    folder: TreatmentFolder
    facts: Facts
    is_advanced: bool
    classes: tuple[TumourClass, ...]
    weights: NDArray[np.float64]
    ignored: float
    parameters: Parameters
    fit: tuple[NDArray[np.float64], NDArray[np.float64]]
    settings: CohortSettings
    mortality: NDArray[np.float64]
    figures: CaseFigures
    delay_years: float
    deviates: dict[str, NDArray[np.float64]]

    def builder(self, phases: tuple[float, ...]) -> OutcomeBuilder:
        """Return the builder of cohort models with these phases."""
        first = {row.regimen: row for row in self.folder.regimens if row.line == 1}
        return OutcomeBuilder(
            self.parameters,
            self.fit,
            self.figures,
            phases,
            first,
            self.delay_years,
            self.deviates,
        )


def known_facts(
    folder: TreatmentFolder, belief: TreatmentBelief, extra: Mapping[str, Mapping[str, float]]
) -> Facts:
    """Return what conditions are evaluated against: findings, risk class, and `extra`.

    Raises
    ------
    CaseError
        If the belief names a tumour code that the folder does not have.
    """
    for code in belief.tumour:
        if code not in folder.groups:
            raise CaseError(
                f"unknown tumour code '{code}'{did_you_mean(nearest(code, folder.groups))}"
            )
    _check_stage(folder, belief)
    known = dict(extra)
    if belief.tumour.get("GIST", 0.0) > 0 and not belief.is_advanced:
        known.setdefault("risk", risk_classes(folder, belief))
    if "genotype_tested" not in belief.findings and belief.genotype:
        tested = max(belief.genotype.values()) >= TESTED
        known["genotype_tested"] = {"yes" if tested else "no": 1.0}
    return Facts(belief, folder.groups, known)


def _check_stage(folder: TreatmentFolder, belief: TreatmentBelief) -> None:
    """Refuse a stage of a certain GIST that its size, site and mitoses contradict."""
    needed = {"stage", "site", "size_cm", "mitoses_per_5mm2"}
    if belief.tumour.get("GIST", 0.0) < 0.999 or not needed <= set(belief.findings):
        return
    stated = belief.state("stage").upper()
    computed = folder.risk_tables.assess(belief, "AJCC8_GIST").classes
    if stated not in computed:
        raise CaseError(
            f"stage {stated} does not fit site {belief.state('site')}, size and mitoses: "
            f"AJCC 8 gives {' or '.join(computed)}"
        )


def risk_classes(folder: TreatmentFolder, belief: TreatmentBelief) -> dict[str, float]:
    """Return AFIP classes for conditions; its gaps and rupture as modified NIH has them.

    AFIP prints "insufficient data" in some cells and does not know rupture.
    """
    try:
        classes = dict(folder.risk_tables.assess(belief).classes)
    except CaseError:
        classes = {"Insufficient data": 1.0}  # a site that no column serves
    gap = classes.pop("Insufficient data", 0.0)
    nih = folder.risk_tables.assess(belief, "NIH_modified_Joensuu2008").classes if gap else {}
    for printed, p in nih.items():
        name = {"Intermediate": "Moderate"}.get(printed, printed)
        classes[name] = classes.get(name, 0.0) + gap * p
    ruptured = belief.chance("rupture", "present") or 0.0
    classes = {name: (1 - ruptured) * p for name, p in classes.items()}
    classes["High"] = classes.get("High", 0.0) + ruptured
    return classes


def tumour_classes(folder: TreatmentFolder, belief: TreatmentBelief) -> tuple[TumourClass, ...]:
    """Return the classes of a belief: every type, GIST by genotype."""
    found = []
    for code in belief.tumour:
        group, label = folder.groups[code], folder.labels[code]
        if code != "GIST":
            found.append(TumourClass(code, group, "", label))
            continue
        for genotype in belief.genotype or {UNKNOWN_GENOTYPE: 1.0}:
            name = f"{label} with {genotype.replace('_ex', ' exon ').replace('_', ' ')}"
            name = label if genotype == UNKNOWN_GENOTYPE else name
            found.append(TumourClass(code, group, genotype, name))
    return tuple(found)


def class_probability(belief: TreatmentBelief, kind: TumourClass) -> float:
    """Return the probability of a class."""
    if kind.genotype in ("", UNKNOWN_GENOTYPE):
        return belief.tumour[kind.tumour]
    return belief.tumour[kind.tumour] * belief.genotype[kind.genotype]


def prepare(
    folder: TreatmentFolder,
    belief: TreatmentBelief,
    *,
    settings: CohortSettings | None = None,
    draws: int = 1,
    delay_years: float = 0.0,
    rng: np.random.Generator | None = None,
) -> PreparedCase:
    """Make a case ready. Without `rng` the parameters stay at their stated values."""
    facts = known_facts(folder, belief, {})
    classes = tumour_classes(folder, belief)
    size = draws if rng is not None else 1
    weights = _weights(belief, classes, size, rng)
    kept = weights.mean(axis=0) >= LEAST_CLASS
    ignored = float(1 - weights[:, kept].sum(axis=1).mean())
    weights = weights[:, kept] / weights[:, kept].sum(axis=1, keepdims=True)
    means = folder.parameters
    parameters = means if rng is None else means.draw(size, rng)
    age = belief.number("age", float(means.get("start_age")[0]))
    if settings is None:
        settings = CohortSettings(
            cycle_years=float(means.get("cycle_years")[0]),
            horizon_years=max(float(means.get("horizon_age")[0]) - age, 5.0),
            discount_rate=float(means.get("discount_rate")[0]),
        )
    female = belief.chance("sex", "female")
    mortality = cycle_mortality(
        folder.tables["life_table"],
        age=age,
        female=0.5 if female is None else female,
        cycles=settings.cycles,
        cycle_years=settings.cycle_years,
    )
    return PreparedCase(
        folder=folder,
        facts=facts,
        is_advanced=belief.is_advanced,
        classes=tuple(kind for kind, keep in zip(classes, kept, strict=True) if keep),
        weights=weights,
        ignored=max(ignored, 0.0),
        parameters=parameters,
        fit=fit_draws(folder.adjuvant_fit, parameters.size, rng),
        settings=settings,
        mortality=mortality,
        figures=_figures(folder, belief),
        delay_years=delay_years,
        deviates=_deviates(folder, size, rng),
    )


def _deviates(
    folder: TreatmentFolder, size: int, rng: np.random.Generator | None
) -> dict[str, NDArray[np.float64]]:
    """Return standard normal draws for every regimen, in file order, and for what follows."""
    names = dict.fromkeys([*(row.regimen for row in folder.regimens), "after"])
    return {name: np.zeros(size) if rng is None else rng.normal(size=size) for name in names}


def _weights(
    belief: TreatmentBelief,
    classes: tuple[TumourClass, ...],
    size: int,
    rng: np.random.Generator | None,
) -> NDArray[np.float64]:
    """Return P(class) in each posterior draw, shape (size, classes)."""
    order = list(belief.tumour)
    posterior = np.array([[belief.tumour[code] for code in order]])
    if belief.draws is not None and rng is not None:
        posterior = np.asarray(belief.draws)[rng.integers(len(belief.draws), size=size)]
    columns = [
        posterior[:, order.index(kind.tumour)] * belief.genotype.get(kind.genotype, 1.0)
        for kind in classes
    ]
    return np.asarray(np.broadcast_to(np.stack(columns, axis=1), (size, len(classes))))


def _figures(folder: TreatmentFolder, belief: TreatmentBelief) -> CaseFigures:
    facts = Facts(belief, folder.groups)
    now = grown = 0.0
    if belief.tumour.get("GIST", 0.0) > 0 and not belief.is_advanced:
        now = _progression(folder, belief)
        grown = max(_progression(folder, _one_band_up(belief)), now)
    small = facts.evaluate("size_cm<=2")
    return CaseFigures(
        latent_gist=now,
        latent_gist_grown=grown,
        small=0.0 if small.open_atoms else small.probability,
        major={
            extent: folder.strategies.major_probability(extent, facts)
            for extent in ("limited", "wide")
        },
        rectum=belief.chance("site", "rectum") or 0.0,
        retroperitoneum=(belief.chance("site", "retroperitoneum") or 0.0) > 0.5,
        ruptured=belief.chance("rupture", "present") or 0.0,
        gut=math.fsum(belief.chance("site", site) or 0.0 for site in GUT),
    )


def _progression(folder: TreatmentFolder, belief: TreatmentBelief) -> float:
    try:
        value = folder.risk_tables.assess(belief).progression
    except CaseError:
        # no column serves the site: average over the columns, as if it were not stated
        rest = {name: v for name, v in belief.findings.items() if name != "site"}
        value = folder.risk_tables.assess(replace(belief, findings=rest)).progression
    return 0.0 if value is None else value


def _one_band_up(belief: TreatmentBelief) -> TreatmentBelief:
    """Return the belief after the tumour has grown by one band of the risk table."""
    if "size_cm" not in belief.findings:
        return belief
    size = belief.number("size_cm", 0.0)
    grown = next((end + 0.1 for end in (2.0, 5.0, 10.0) if size <= end), size)
    return replace(belief, findings={**belief.findings, "size_cm": grown})
