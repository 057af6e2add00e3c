"""Structure, counts and declared priors become a network.

Each table is filled row by row; whoever asks a row hears which studies, relatives or
declaration stand behind it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import NetworkError
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.evidence.records import AgeSummary, Count
from mesenbayes.network.cells import Family, FindingStudies, sort_studies
from mesenbayes.network.fits import FamilyFit, fit_key, read_fits
from mesenbayes.network.genotype import GenotypePrior
from mesenbayes.network.prevalence import Prevalence
from mesenbayes.network.priors import Priors
from mesenbayes.network.specimen import SpecimenModel
from mesenbayes.network.structure import (
    ASCERTAINMENT,
    NOT_APPLICABLE,
    OTHER,
    SITE,
    Specification,
    Structure,
    counted_name,
)
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import Variable

FAMILIES = {
    "expression": "stain",
    "loss": "alteration",
    "driver": "alteration",
    "fusion": "fusion",
    "test": "mutation",
    "feature": "feature",
    "choice": "form",
    "measure": "form",
    "choice_test": "form",
}
"""Kind of a variable -> the kind under which its between-study variation is pooled."""

BINARY = {"stain", "alteration", "fusion", "mutation", "feature"}
"""Families of yes/no findings, modelled by the mixture of four classes."""

_LEAST = 0.005
"""Smallest rate left to a stain without its alteration: no row becomes certain by subtraction."""

EXPRESSED = {"positive": "present", "nuclear": "present", "negative": "absent"}
"""State of a stain in a table -> state of the antigen's expression."""


@dataclass(frozen=True, eq=False)
class NetworkBuilder:
    """Fills the tables of a structure from evidence and priors.

    Parameters
    ----------
    fitted
        Families that are known already, because none of their rows differ from those of
        another builder (see :mod:`mesenbayes.sensitivity.leave_out`).
    borrowed_fits
        What was fitted to each kind of finding of another builder, to be used here as it is;
        None to read or fit it.
    """

    structure: Structure
    evidence: EvidenceBase
    priors: Priors
    fitted: Mapping[str, Family] = field(default_factory=dict, repr=False)
    borrowed_fits: Mapping[str, FamilyFit] | None = field(default=None, repr=False)

    # ------------------------------------------------------------------ what is pooled

    @cached_property
    def families(self) -> dict[str, Family]:
        """Findings by kind, each kind with one model of how studies disagree."""
        kept = self._grouped(self.structure.specifications)
        return {
            **{
                kind: Family(
                    kind,
                    findings,
                    self.structure.lineage_of,
                    self.structure.settings,
                    self.fits[kind],
                )
                for kind, findings in kept.items()
            },
            **self.fitted,
        }

    @cached_property
    def fits(self) -> Mapping[str, FamilyFit]:
        """What was fitted to each kind: read from beside the evidence, or fitted now.

        All findings of the evidence base take part, also those that this network leaves
        out: they too say how much studies disagree.
        """
        if self.borrowed_fits is not None:
            return self.borrowed_fits
        stored = read_fits(self.structure.fit_file, self.fit_key)
        return self.fit() if stored is None else stored

    @property
    def fit_key(self) -> str:
        """Hash of what the fits depend on."""
        specifications = [
            (s.variable.name, s.variable.states, s.kind)
            for s in self.structure.pooled_specifications
        ]
        return fit_key(
            self.evidence.digest,
            repr(self.structure.settings),
            repr(sorted(self.structure.lineage_of.items())),
            repr(specifications),
        )

    def fit(self) -> dict[str, FamilyFit]:
        """Fit every kind afresh, but for those that are known already."""
        fits = {}
        for kind, findings in self._grouped(self.structure.pooled_specifications).items():
            family = Family(kind, findings, self.structure.lineage_of, self.structure.settings)
            fits[kind] = (
                FamilyFit(family.between, family.mixture, family.lineage_weight)
                if kind in BINARY
                else FamilyFit(family.between)
            )
        return fits

    @cached_property
    def _rows_by_finding(self) -> dict[str, list[Count]]:
        rows: dict[str, list[Count]] = defaultdict(list)
        for row in self.evidence.counts:
            if row.tumour:
                rows[row.finding].append(row)
        return rows

    def _grouped(
        self, specifications: Iterable[Specification]
    ) -> dict[str, dict[str, FindingStudies]]:
        """Return the studies of findings, kind -> finding -> studies; not of kinds that are
        known already."""
        rows = self._rows_by_finding
        grouped: dict[str, dict[str, FindingStudies]] = defaultdict(dict)
        for spec in specifications:
            family = FAMILIES.get(spec.kind)
            if family is None or family in self.fitted:
                continue
            name = spec.variable.name
            counted = counted_name(name)
            rename = EXPRESSED if spec.kind == "expression" else None
            found = rows.get(counted, [])
            if name == "age":
                found = [*found, *self._age_rows(spec.variable)]
            grouped[family][name] = sort_studies(
                name, spec.variable.states, found, self.structure.settings, rename
            )
        return grouped

    @cached_property
    def site_family(self) -> Family:
        """P(site | tumour) over all sites of the evidence, also those that this network leaves
        out; pooled apart because the site is a parent of the tumour here."""
        rows = [row for row in self.evidence.counts if row.tumour and row.finding == SITE]
        studies = sort_studies(SITE, self.structure.every_site, rows, self.structure.settings)
        return Family(SITE, {SITE: studies}, self.structure.lineage_of, self.structure.settings)

    @cached_property
    def prevalence(self) -> Prevalence:
        """The prior of the tumour."""
        return Prevalence(self.structure, self.evidence, self.priors, self.site_family)

    @cached_property
    def genotype(self) -> GenotypePrior:
        """The genotype of a GIST before any finding but its place."""
        return GenotypePrior(self.structure, self.evidence, self.priors, self.prevalence)

    @cached_property
    def specimen(self) -> SpecimenModel:
        """What the specimen lets one see of the biology."""
        return SpecimenModel(self.structure, self.evidence, self.priors)

    def _age_rows(self, age: Variable) -> list[Count]:
        """Mean and spread of age as cases per band, a normal curve cut at the bounds."""
        made = []
        for summary in self.evidence.age_summaries:
            if not summary.is_pooled or _restricts_age(summary):
                continue
            sd = _age_sd(summary, self.structure.settings.age_sd)
            curve = NormalDist(summary.years, sd)
            edges = np.array([curve.cdf(bound) for bound in (0.0, *age.cuts, 110.0)])
            shares = np.diff(edges) / (edges[-1] - edges[0])
            made += [
                Count(
                    tumour=summary.tumour,
                    finding="age",
                    state=state,
                    k=round(share * summary.n),
                    n=summary.n,
                    given=summary.given,
                    subgroup=summary.subgroup,
                    definition=f"{summary.statistic} {summary.years:g} years, SD {sd:.0f}",
                    source_id=summary.source_id,
                    trust="derived" if summary.trust == "primary" else summary.trust,
                    overlap=summary.overlap,
                    quote=summary.quote,
                )
                for state, share in zip(age.states, shares, strict=True)
            ]
        return made

    # ------------------------------------------------------------------ tables

    def tables(self, only: Collection[str] | None = None) -> Iterator[tuple[Specification, Table]]:
        """Yield every specification with its table, parents first.

        Parameters
        ----------
        only
            Names of the variables wanted; their ancestors come too.
        """
        by_name = {spec.variable.name: spec for spec in self.structure.specifications}
        done: set[str] = set()

        def visit(spec: Specification) -> Iterator[Specification]:
            for parent in spec.parents:
                if parent not in by_name:
                    raise NetworkError(
                        f"{self.structure.name}: {spec.variable.name} needs {parent}, "
                        "which the network leaves out"
                    )
                if parent not in done:
                    yield from visit(by_name[parent])
            if spec.variable.name not in done:
                done.add(spec.variable.name)
                yield spec

        for spec in self.structure.specifications:
            if only is not None and spec.variable.name not in only:
                continue
            for ready in visit(spec):
                if ready.variable.name not in self._tables:
                    self._tables[ready.variable.name] = self._table(ready)
                yield ready, self._tables[ready.variable.name]

    @cached_property
    def _tables(self) -> dict[str, Table]:
        """Tables made so far; a surrogate stain reads the table of its alteration."""
        return {}

    def _table(self, spec: Specification) -> Table:
        match spec.kind:
            case "root":
                return self._from(spec, {(): self._declared(spec.variable)})
            case "tumour":
                return self._tumour_table(spec)
            case "genotype":
                return self._from(spec, self.genotype.rows())
            case "specimen":
                return self._from(spec, self.specimen.cells(spec))
            case "hidden":
                return self._hidden_table(spec)
            case "stain":
                return self._from(spec, self.specimen.stain)
            case "reading":
                return self._from(spec, self.specimen.reading(spec))
            case _:
                return self._finding_table(spec)

    def _declared(self, variable: Variable, **given: str) -> Row:
        declared = self.priors.find(variable.name, **given)
        if declared is None:
            raise NetworkError(
                f"{self.structure.name}: {variable.name} given {given or 'nothing'} needs a line "
                f"in {self.structure.priors_file.name}"
            )
        return Row(
            declared.alpha(variable.states),
            "definition" if declared.is_definition else "prior",
            declared.reason,
        )

    def _tumour_table(self, spec: Specification) -> Table:
        sites = self.structure.specification(SITE).variable.states
        ways = self.structure.specification(ASCERTAINMENT).variable.states
        return self._from(spec, self.prevalence.rows(sites, ways))

    def _hidden_table(self, spec: Specification) -> Table:
        """P(property | tumour), declared for some tumours and for all others alike."""
        name = spec.variable.name
        others = self._declared(spec.variable)
        return self._from(
            spec,
            {
                (code,): self._declared(spec.variable, tumour=code)
                if self.priors.find(name, tumour=code)
                else others
                for code in self.structure.tumour_codes
            },
        )

    def _finding_table(self, spec: Specification) -> Table:
        """P(finding | tumour[, genotype]): one row a tumour, and for GIST one a genotype where
        there is something to say."""
        family = self.families[FAMILIES[spec.kind]]
        if FAMILIES[spec.kind] in BINARY and len(spec.variable.states) != 2:
            raise NetworkError(
                f"{spec.variable.name}: a finding of kind {spec.kind} must have two states"
            )
        everyone = [t.code for t in self.structure.relatives if t.code != OTHER]
        every_row = {code: self.tumour_row(spec, code) for code in everyone}
        weights = self._weights_of_other
        every_row[OTHER] = family.average_row(
            [every_row[code] for code in weights], np.array(list(weights.values()))
        )
        if spec.surrogate_of is not None:
            return self._from(spec, self._surrogate_rows(spec, every_row))
        if not spec.by_genotype:
            return self._from(spec, {(c,): every_row[c] for c in self.structure.tumour_codes})
        rows: dict[tuple[str, ...], Row] = {}
        gist = self.structure.genotype_tumour
        for code in self.structure.tumour_codes:
            for genotype in (NOT_APPLICABLE, *self.structure.genotype_states):
                row = every_row[code]
                if code == gist and genotype != NOT_APPLICABLE:
                    row = self._genotype_finding_row(spec, family, genotype, row)
                rows[code, genotype] = row
        return self._from(spec, rows)

    def tumour_row(self, spec: Specification, tumour: str) -> Row:
        """Return the row of a finding in a tumour as a whole, before any split by genotype or
        by the alteration that the finding stands in for (not for `OTHER`)."""
        name = spec.variable.name
        family = self.families[FAMILIES[spec.kind]]
        default = self.priors.find(counted_name(name))
        if default is not None:
            alpha = default.alpha(spec.variable.states)
            row = self._on_default(family, name, tumour, alpha, default.reason)
        elif FAMILIES[spec.kind] in BINARY:
            row = family.binary_row(name, tumour)
        else:
            row = family.row(name, tumour)
        return self._declared_or(spec, tumour, row)

    def _surrogate_rows(
        self, spec: Specification, every_row: dict[str, Row]
    ) -> dict[tuple[str, ...], Row]:
        """Split each tumour's rate p by the alteration A that the finding stands in for.

        A stain: with the alteration it is positive at one rate c for all tumours; without it
        at what is left, q = (p - P(A) c) / (1 - P(A)), so that the tumour's own rate stays.
        The same holds for a hidden property, with a c of its own.
        A named fusion of a rearranged gene: p / P(A) with it, next to nothing without it.
        """
        assert spec.surrogate_of is not None
        alteration = self._tables[spec.surrogate_of]
        p_altered = alteration.probability[..., 1]
        absent, present = self.structure.specification(spec.surrogate_of).variable.states
        is_stain = spec.kind not in ("driver", "fusion")
        alone, kind = {"alteration": "present" if is_stain else "absent"}, (
            "surrogate" if is_stain else "surrogate_fusion"
        )
        declared = self.priors.find(kind, of=spec.surrogate_of, **alone) or self.priors.find(
            kind, **alone
        )
        if declared is None:
            raise NetworkError(f"{self.structure.priors_file.name}: 'surrogate' lines are missing")
        shared = Row(
            declared.alpha(("absent", "present")), "prior",
            f"{spec.surrogate_of}: {declared.reason}",
        )  # fmt: skip
        c = float(shared.mean[1])
        rows: dict[tuple[str, ...], Row] = {}
        for i, code in enumerate(self.structure.tumour_codes):
            row, a = every_row[code], float(np.clip(p_altered[i], 1e-3, 1 - 1e-3))
            p = float(row.mean[1])
            if is_stain:
                q = float(np.clip((p - a * c) / (1 - a), _LEAST, 1 - _LEAST))
                left = max(row.strength * (1 - a), 2.0)
                rows[code, present] = shared
                rows[code, absent] = Row(
                    np.array([1 - q, q]) * left, row.origin,
                    f"{row.reason}; without {spec.surrogate_of}", row.studies,
                )  # fmt: skip
            else:
                q = float(np.clip(p / a, _LEAST, 1 - _LEAST))
                rows[code, absent] = shared
                rows[code, present] = Row(
                    np.array([1 - q, q]) * max(row.strength * a, 2.0), row.origin,
                    f"{row.reason}; with {spec.surrogate_of}", row.studies,
                )  # fmt: skip
        return rows

    @cached_property
    def _weights_of_other(self) -> dict[str, float]:
        """What 'none of these' stands for: the tumours of the evidence base that the network
        leaves out, as common as they are at its sites; all types alike if it leaves out few."""
        everyone = [t.code for t in self.structure.relatives if t.code != OTHER]
        outside = [code for code in everyone if code not in self.structure.tumour_codes]
        if len(outside) < 10:
            return dict.fromkeys(everyone, 1.0)
        sites = self.structure.specification(SITE).variable.states
        return {code: self.prevalence.mass(code, sites) for code in outside}

    @staticmethod
    def _on_default(
        family: Family, name: str, tumour: str, alpha: NDArray[np.float64], reason: str
    ) -> Row:
        """Counts on top of a prior that is declared for every tumour alike."""
        studies = family.findings[name].by_tumour.get(tumour, ())
        if not studies:
            return Row(alpha, "prior", reason)
        return Row(
            alpha + family.pooled(studies),
            "counts",
            f"{len(studies)} studies on top of: {reason}",
            family.provenance(studies),
        )

    def _declared_or(self, spec: Specification, tumour: str, row: Row) -> Row:
        """A declaration about a tumour replaces what it borrows and adds to what is counted."""
        declared = self.priors.find(counted_name(spec.variable.name), tumour=tumour)
        if declared is None:
            return row
        alpha = declared.alpha(spec.variable.states)
        if declared.is_definition:
            return Row(alpha, "definition", declared.reason)
        if row.origin == "counts":
            return Row(row.alpha + alpha, "counts", f"{row.reason}; {declared.reason}", row.studies)
        return Row(alpha, "prior", declared.reason)

    def _genotype_finding_row(
        self, spec: Specification, family: Family, genotype: str, parent: Row
    ) -> Row:
        key = (spec.variable.name, genotype)
        if key not in self._genotype_rows:
            self._genotype_rows[key] = self._make_genotype_row(spec, family, genotype, parent)
        return self._genotype_rows[key]

    @cached_property
    def _genotype_rows(self) -> dict[tuple[str, str], Row]:
        return {}

    def _make_genotype_row(
        self, spec: Specification, family: Family, genotype: str, parent: Row
    ) -> Row:
        name, gist = spec.variable.name, self.structure.genotype_tumour
        declared = self.priors.find(counted_name(name), genotype=genotype)
        if declared is not None:
            base = Row(
                declared.alpha(spec.variable.states),
                "definition" if declared.is_definition else "prior",
                declared.reason,
            )
            if declared.is_definition:
                return base
            counted = family.subgroup_row(name, gist, genotype, base)
            return counted or base
        for group in self.structure.groups_of(genotype):
            key = (name, group)
            if key not in self._genotype_rows:
                row = family.subgroup_row(name, gist, group, parent)
                if row is not None:
                    self._genotype_rows[key] = row
            parent = self._genotype_rows.get(key, parent)
        return family.subgroup_row(name, gist, genotype, parent) or parent

    def _from(self, spec: Specification, rows: dict[tuple[str, ...], Row]) -> Table:
        """Index the rows by parent state; equal objects stay one shared row."""
        parents = [self.structure.specification(p).variable for p in spec.parents]
        distinct: dict[int, int] = {}
        ordered: list[Row] = []
        index = np.zeros([p.cardinality for p in parents], dtype=np.intp)
        for position in np.ndindex(*index.shape):
            key = tuple(p.states[i] for p, i in zip(parents, position, strict=True))
            row = rows[key]
            if id(row) not in distinct:
                distinct[id(row)] = len(ordered)
                ordered.append(row)
            index[position] = distinct[id(row)]
        return Table(spec.variable.name, spec.parents, tuple(ordered), index)


def _restricts_age(summary: AgeSummary) -> bool:
    return "age=" in summary.given


def _age_sd(summary: AgeSummary, default: float) -> float:
    """Standard deviation: printed, or from the range of n normal draws, or the default."""
    if summary.sd:
        return summary.sd
    if summary.range_low is not None and summary.range_high is not None:
        # The expected range of n normal draws is about 2 z(1 - 1/(2n)) standard deviations.
        widths = 2 * NormalDist().inv_cdf(1 - 0.5 / summary.n)
        return max((summary.range_high - summary.range_low) / widths, 5.0)
    return default


def network_digest(structure: Structure, evidence: EvidenceBase, priors: Priors) -> str:
    """Return the hash of everything that a network is built from."""
    parts = (structure.digest, evidence.digest, hashlib.sha256(priors.digest_source).hexdigest())
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
