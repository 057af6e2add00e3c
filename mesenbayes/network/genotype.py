"""How common the genotypes of a GIST are at each site, before any finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.evidence.pooling import StudyCounts, studies_of
from mesenbayes.network.cells import Family, sort_studies
from mesenbayes.network.prevalence import Prevalence
from mesenbayes.network.priors import Priors
from mesenbayes.network.structure import GENOTYPE, SITE, Structure
from mesenbayes.network.table import Row


@dataclass(frozen=True, eq=False)
class GenotypePrior:
    """Builds the rows of P(genotype | tumour, site)."""

    structure: Structure
    evidence: EvidenceBase
    priors: Priors
    prevalence: Prevalence

    def rows(self) -> dict[tuple[str, ...], Row]:
        """Return (tumour, site) -> row over "not applicable" and the genotypes; every tumour
        but GIST has none."""
        states = 1 + len(self.structure.genotype_states)
        none = Row(np.eye(states)[0], "definition", "only a GIST has a genotype of GIST")
        gist = self.structure.genotype_tumour
        rows: dict[tuple[str, ...], Row] = {}
        for site in self.structure.specification(SITE).variable.states:
            here = self._row(site)
            for code in self.structure.tumour_codes:
                rows[code, site] = here if code == gist else none
        return rows

    def _row(self, site: str) -> Row:
        """P(genotype | GIST, site): P(genotype) P(site | genotype), updated by local series."""
        family = self._family
        gist = self.structure.genotype_tumour
        overall = self._overall
        parent = self.prevalence.site_row(gist)
        sites = self.structure.every_site
        likelihood = np.array(
            [self._site_given(g, parent).mean[sites.index(site)]
             for g in self.structure.genotype_states]
        )  # fmt: skip
        mean = overall.mean * likelihood
        mean = mean / mean.sum()
        strength = min(overall.strength, 3 * self.structure.settings.prior_strength)
        local = [
            s
            for s in self._local
            if dict(s.rows[0].conditions).get(SITE) == site
        ]
        alpha = mean * strength
        for study in local:
            alpha = alpha + family.pooled([study])
        return Row(
            np.concatenate([[0.0], alpha]),
            "counts",
            f"genotypes of all GIST x P({site} | genotype)"
            + (f", {len(local)} local series" if local else ""),
            overall.studies,
        )

    @cached_property
    def _overall(self) -> Row:
        """P(genotype | GIST): counts on top of what is declared of the rare genotypes."""
        counted = self._family.findings[GENOTYPE].by_tumour
        studies = counted.get(self.structure.genotype_tumour, ())
        declared = self._declared
        if not studies:
            return declared
        return Row(
            declared.alpha + self._family.pooled(studies),
            "counts",
            f"{len(studies)} studies on top of: {declared.reason}",
            self._family.provenance(studies),
        )

    @cached_property
    def _declared(self) -> Row:
        declared = self.priors.find(GENOTYPE, tumour=self.structure.genotype_tumour)
        if declared is None:
            raise NetworkError(
                f"{self.structure.priors_file.name}: genotype given "
                f"tumour={self.structure.genotype_tumour} is missing"
            )
        return Row(declared.alpha(self.structure.genotype_states), "prior", declared.reason)

    @cached_property
    def _family(self) -> Family:
        gist = self.structure.genotype_tumour
        rows = [
            row
            for row in self.evidence.counts
            if row.tumour == gist and row.finding == GENOTYPE and SITE not in dict(row.conditions)
        ]
        studies = sort_studies(
            GENOTYPE,
            self.structure.genotype_states,
            rows,
            self.structure.settings,
            rest=self._declared.mean,
        )
        return Family(
            GENOTYPE, {GENOTYPE: studies}, self.structure.lineage_of, self.structure.settings
        )

    @cached_property
    def _local(self) -> list[StudyCounts]:
        gist = self.structure.genotype_tumour
        rows = [
            row
            for row in self.evidence.counts
            if row.tumour == gist and row.finding == GENOTYPE and SITE in dict(row.conditions)
        ]
        rest = self._overall.mean
        return studies_of(
            rows, self.structure.genotype_states, self.structure.settings.trust_weight, rest
        )

    def _site_given(self, genotype: str, parent: Row) -> Row:
        gist = self.structure.genotype_tumour
        declared = self.priors.find(SITE, genotype=genotype)
        if declared is not None:
            return Row(declared.alpha(self.structure.every_site), "prior", declared.reason)
        for name in (genotype, *self.structure.groups_of(genotype)):
            row = self.prevalence.sites.subgroup_row(SITE, gist, name, parent)
            if row is not None:
                return row
        return parent
