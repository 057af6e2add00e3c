"""P(tumour | site, way of finding) before any finding.

Two kinds of fact speak of it. Registries give incidence and where a tumour sits:

    base(T | site)  is proportional to  incidence(T) P(considered | T) P(site | T),

which covers every tumour but knows nothing of how the lesion came to attention. (A lipoma is
common, but few raise the question that this network answers: P(considered | T) is declared.)
Local series ("of 53 resected gastric lesions 31 were GIST") know just that, for a few tumours.
So the base is the mean of a Dirichlet of modest strength, and the local series update it.

Cases that are sent for a second opinion, or written up, are another mix: the rare ones are sent.
How much they are, the evidence itself shows. The number of sources about a tumour grows with its
incidence m only as m^b, b near a quarter, so that among such cases

    P(T | site, consultation)  is proportional to  (incidence(T) P(considered | T))^b P(site | T).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import NetworkError
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.evidence.between_study import intra_class_correlation
from mesenbayes.evidence.pooling import StudyCounts, studies_of
from mesenbayes.evidence.records import Count, Incidence
from mesenbayes.network.cells import PANEL, Family
from mesenbayes.network.priors import Priors
from mesenbayes.network.structure import ASCERTAINMENT, OTHER, SITE, TUMOUR, Structure
from mesenbayes.network.table import Row, Study

WITHIN = "within="
"""Start of a definition that names the types among which a series could choose: such a series
informs the split inside that set, not the share of the set at the site."""

FALLBACK = "fallback"
"""Start of an exclusion: an incidence put together from two sources, used when nothing else
stands."""


CONSULTATION = "consultation"
"""The way of finding in which the rare is as interesting as the common."""
_FEWEST = 10
"""Tumours with an incidence from which b can be told; with fewer it is 1."""


@dataclass(frozen=True, eq=False)
class Prevalence:
    """Builds the rows of P(tumour | site, ascertainment)."""

    structure: Structure
    evidence: EvidenceBase
    priors: Priors
    sites: Family

    def incidence(self, tumour: str) -> tuple[float, str]:
        """Return new cases per million and year, and who says so.

        The geometric mean of the pooled rows; a fallback row or a declared one otherwise; and
        where nobody counted it that of the tumours of its lineage, or of all.
        """
        rows = [row for row in self.evidence.incidence if row.tumour == tumour]
        pooled = [row for row in rows if row.is_pooled]
        declared = self.priors.find("incidence", tumour=tumour)
        chosen = pooled or [row for row in rows if row.exclude.startswith(FALLBACK)]
        if declared is not None and not pooled:
            return declared.weights["per_million"], f"declared: {declared.reason}"
        if chosen:
            return _geometric_mean(chosen), ", ".join(
                dict.fromkeys(row.source_id for row in chosen)
            )
        counted = [row for row in self.evidence.incidence if row.is_pooled]
        lineage = self.structure.lineage_of[tumour]
        relatives = [r for r in counted if self.structure.lineage_of.get(r.tumour) == lineage]
        if relatives:
            return _geometric_mean(relatives), f"borrowed from registries of {lineage} tumours"
        if counted:
            return _geometric_mean(counted), "borrowed from registries of all tumours"
        raise NetworkError(
            f"{self.structure.priors_file.name}: no registry counts {tumour}; declare its incidence"
        )

    def considered(self, tumour: str) -> float:
        """Return the declared share of cases that reach this differential at all: a lipoma is
        common, but few are ever stained. 1 unless declared."""
        declared = self.priors.find("considered", tumour=tumour)
        return 1.0 if declared is None else declared.weights["share"]

    def site_row(self, tumour: str) -> Row:
        """Return P(site | tumour): counts, with what is declared on top of them."""
        declared = self.priors.find(SITE, tumour=tumour)
        states = self.sites.findings[SITE].states
        counted = self.sites.row(SITE, tumour)
        if declared is None:
            return counted
        if declared.is_definition:
            return Row(declared.alpha(states), "definition", declared.reason)
        if counted.origin == "borrowed":
            return Row(declared.alpha(states), "prior", declared.reason)
        return Row(
            counted.alpha + declared.alpha(states),
            "counts",
            f"{counted.reason}; {declared.reason}",
            counted.studies,
        )

    def mass(self, tumour: str, sites: Sequence[str], power: float = 1.0) -> float:
        """Return (incidence x P(considered | tumour))^power x P(one of the sites | tumour);
        cases per million and year for a power of 1."""
        if tumour not in self._rates:
            rate = self.incidence(tumour)[0] * self.considered(tumour)
            self._rates[tumour] = rate, self.site_row(tumour).mean
        rate, shares = self._rates[tumour]
        states = self.sites.findings[SITE].states
        return float(rate**power * sum(shares[states.index(site)] for site in sites))

    @cached_property
    def _rates(self) -> dict[str, tuple[float, NDArray[np.float64]]]:
        return {}

    def base(self, site: str, power: float = 1.0) -> NDArray[np.float64]:
        """Return the base measure over the tumours at one site, shape (tumours,), with the
        incidence to a power."""
        settings = self.structure.settings
        everyone = [t.code for t in self.structure.relatives if t.code != OTHER]
        mass = {code: self.mass(code, (site,), power) for code in everyone}
        total = sum(mass.values())
        if total <= 0:
            raise NetworkError(f"{self.structure.name}: no tumour of the network sits at {site}")
        codes = self.structure.tumour_codes
        unmodelled = sum(m for code, m in mass.items() if code not in codes) / total
        vector = np.array([mass.get(code, 0.0) / total for code in codes])
        allowed = vector > 0
        vector[allowed] = np.maximum(vector[allowed], settings.prior_floor)
        vector[codes.index(OTHER)] = unmodelled + settings.other_share
        return np.asarray(vector / vector.sum())

    def rows(self, sites: Sequence[str], ways: Sequence[str]) -> dict[tuple[str, ...], Row]:
        """Return the row of every (site, way of finding)."""
        shares = [row for row in self.evidence.counts if row.finding == TUMOUR and not row.tumour]
        by_site: dict[str, list[Count]] = defaultdict(list)
        for row in shares:
            site = dict(row.conditions).get(SITE)
            if site is not None and row.is_pooled and row.state != PANEL:
                by_site[site].append(self._with_known_state(row))
        bases = {site: self.base(site) for site in sites}
        rho = self._rho(by_site, bases)
        made: dict[tuple[str, ...], Row] = {
            (site, way): self._row(way, by_site.get(site, []), bases[site], rho)
            for site in sites
            for way in ways
        }
        if CONSULTATION in ways:
            made |= {(site, CONSULTATION): self._consultation_row(site) for site in sites}
        return made

    def _consultation_row(self, site: str) -> Row:
        """Return the row among cases that are sent in or written up."""
        strength = self.structure.settings.prior_strength
        return Row(
            self.base(site, self.attention) * strength,
            "borrowed",
            f"(incidence x P(considered))^{self.attention:.2f} x P(site | tumour) worth "
            f"{strength:g} cases: sources about a tumour grow with that power of its incidence",
        )

    @cached_property
    def attention(self) -> float:
        """The exponent b: slope of ln(sources about a tumour) on ln(its incidence)."""
        sources = {(row.tumour, row.source_id) for row in self.evidence.counts if row.is_pooled}
        number = Counter(tumour for tumour, _ in sources)
        codes = [t.code for t in self.structure.relatives if t.code != OTHER and number[t.code]]
        if len(codes) < _FEWEST:
            return 1.0
        mass = np.log([self.mass(code, self.structure.every_site) for code in codes])
        slope, _ = np.polyfit(mass, np.log([number[code] for code in codes]), 1)
        return float(np.clip(slope, 0.0, 1.0))

    def _with_known_state(self, row: Count) -> Count:
        known = row.state in self.structure.tumour_codes
        return row if known else row.model_copy(update={"state": OTHER})

    def _rho(
        self, by_site: Mapping[str, list[Count]], bases: Mapping[str, NDArray[np.float64]]
    ) -> float:
        cells = []
        for site, rows in by_site.items():
            if site in bases:
                open_rows = [row for row in rows if not row.definition.startswith(WITHIN)]
                cells.append(self._studies(open_rows, bases[site]))
        return intra_class_correlation(cells, self.structure.settings.rho_floor)

    def _studies(self, rows: Iterable[Count], base: NDArray[np.float64]) -> list[StudyCounts]:
        return studies_of(
            rows, self.structure.tumour_codes, self.structure.settings.trust_weight, base
        )

    def _row(
        self, way: str, rows: list[Count], base: NDArray[np.float64], rho: float
    ) -> Row:
        """Base, then splits inside named sets, then the other ways in, then this way in."""
        strength = self.structure.settings.prior_strength
        alpha = base * strength
        used: list[StudyCounts] = []
        groups = defaultdict(list)
        for row in rows:
            groups[row.definition.partition(";")[0] if row.definition.startswith(WITHIN) else ""
                   ].append(row)  # fmt: skip
        for definition, members in groups.items():
            if definition:
                inside = self._inside(definition)
                for study in self._studies(members, base * inside):
                    alpha = _update_split(alpha, inside, study, rho)
                    used.append(study)
        for study in self._studies(groups.get("", []), base):
            here = dict(study.rows[0].conditions).get(ASCERTAINMENT) == way
            elsewhere = self.structure.settings.elsewhere_weight
            weight = study.weight if here else study.weight * elsewhere
            study = replace(study, weight=weight)
            alpha = alpha + study.effective_n(rho) * study.proportions
            used.append(study)
        return Row(
            alpha,
            "counts" if used else "borrowed",
            f"incidence x P(site | tumour) worth {strength:g} cases"
            + (f", {len(used)} local series, rho {rho:.3f}" if used else ", no local series"),
            tuple(
                Study(
                    s.source_id,
                    tuple((row.state, row.k) for row in s.rows),
                    s.n,
                    s.effective_n(rho),
                    s.rows[0].subgroup,
                )
                for s in used
            ),
        )

    def _inside(self, definition: str) -> NDArray[np.bool_]:
        """Return which tumours a ``within=`` definition names."""
        names = {n.strip() for n in definition.removeprefix(WITHIN).split(",")}
        if "sarcoma" in names:
            names |= {t.code for t in self.structure.tumours if _is_malignant_mesenchymal(t.codes)}
        return np.array([code in names for code in self.structure.tumour_codes])


def _is_malignant_mesenchymal(codes: Mapping[str, str]) -> bool:
    """Behaviour code 3 of the connective and soft tissue morphologies of ICD-O-3."""
    morphology, _, behaviour = codes.get("ICD-O-3", "").partition("/")
    return behaviour == "3" and morphology.isdigit() and 8800 <= int(morphology) <= 9599


def _update_split(
    alpha: NDArray[np.float64], inside: NDArray[np.bool_], study: StudyCounts, rho: float
) -> NDArray[np.float64]:
    """Update the split inside a set and leave the mass of the set as it was."""
    counts = study.effective_n(rho) * study.proportions * inside
    before = alpha[inside].sum()
    if counts.sum() <= 0 or before <= 0:
        return alpha
    updated = alpha.copy()
    updated[inside] = (alpha + counts)[inside] * before / (before + counts.sum())
    return updated


def _geometric_mean(rows: Sequence[Incidence]) -> float:
    return float(np.exp(np.mean([np.log(row.per_million_per_year) for row in rows])))
