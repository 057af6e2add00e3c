"""From counts to Dirichlet rows: one cell (finding, tumour) at a time.

A studied cell is its effective counts on top of what its relatives suggest; an unstudied
one is what its relatives suggest, widely. See :mod:`mesenbayes.evidence.pooling` for the
counts and :mod:`mesenbayes.evidence.mixture` for the relatives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.between_study import (
    BetweenStudy,
    fit_between_study,
    intra_class_correlation,
)
from mesenbayes.evidence.mixture import (
    CLASSES,
    BetaMixture,
    classes_of_unstudied,
    fit_beta_mixture,
    fit_lineage_weight,
    log_beta_binomial,
    with_relatives,
)
from mesenbayes.evidence.pooling import (
    StudyCounts,
    effective_counts,
    studies_of,
)
from mesenbayes.evidence.records import Count
from mesenbayes.network.fits import FamilyFit
from mesenbayes.network.structure import OTHER, Settings, counted_name
from mesenbayes.network.table import Row, Study

PANEL = "PANEL"
"""Code of a pooled control group: several types that the authors did not split."""

NEUTRAL_CONDITIONS = {"site", "sampling", "ascertainment", "gastric_region"}
"""Conditions that restrict where or how cases were collected; such rows still speak for the
tumour as a whole when the network has no arrow from the condition to the finding."""


@dataclass(frozen=True, eq=False)
class FindingStudies:
    """The studies of one finding.

    Parameters
    ----------
    states
        States that are counted; for a yes/no finding the second one is "yes".
    by_tumour
        Tumour -> studies of it as a whole.
    by_subgroup
        (tumour, genotype or group of genotypes) -> studies.
    """

    name: str
    states: tuple[str, ...]
    by_tumour: Mapping[str, tuple[StudyCounts, ...]]
    by_subgroup: Mapping[tuple[str, str], tuple[StudyCounts, ...]]


def sort_studies(
    name: str,
    states: tuple[str, ...],
    rows: Iterable[Count],
    settings: Settings,
    rename: Mapping[str, str] | None = None,
    rest: NDArray[np.float64] | None = None,
    neutral: Set[str] = NEUTRAL_CONDITIONS,
) -> FindingStudies:
    """Sort the rows of one finding into studies by tumour and by genotype.

    Parameters
    ----------
    rename
        State in the table -> state counted here (``positive`` -> ``present``).
    rest
        See :func:`~mesenbayes.evidence.pooling.studies_of`.
    neutral
        Conditions under which cases were collected that do not make them a special group.
    """
    whole, conditional, subgroup = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rows:
        if rename:
            row = row.model_copy(update={"state": rename.get(row.state, row.state)})
        if row.state not in states:
            continue
        conditions = dict(row.conditions)
        genotype = conditions.pop("genotype", None)
        if genotype is not None:
            subgroup[row.tumour, genotype].append(row)
        elif conditions.keys() <= neutral:
            whole[row.tumour].append(row)
        else:
            conditional[row.tumour].append(row)

    def studies(members: list[Count]) -> tuple[StudyCounts, ...]:
        return tuple(studies_of(members, states, settings.trust_weight, rest))

    by_tumour = {tumour: studies(members) for tumour, members in whole.items()}
    for tumour, members in conditional.items():
        if not by_tumour.get(tumour):
            by_tumour[tumour] = tuple(
                replace(s, weight=s.weight * settings.conditional_weight) for s in studies(members)
            )
    return FindingStudies(
        name,
        states,
        {t: s for t, s in by_tumour.items() if s},
        {key: s for key, members in subgroup.items() if (s := studies(members))},
    )


@dataclass(frozen=True, eq=False)
class Family:
    """Findings of one kind (stains, gene tests, ...), whose studies disagree alike.

    Parameters
    ----------
    findings
        By name.
    lineage_of
        Lineage of every tumour of the evidence base.
    fit
        What was fitted to the kind before; fitted to `findings` if not given.
    """

    kind: str
    findings: Mapping[str, FindingStudies]
    lineage_of: Mapping[str, str]
    settings: Settings
    fit: FamilyFit | None = None

    @cached_property
    def between(self) -> BetweenStudy:
        """How much studies of the kind disagree."""
        if self.fit is not None:
            return self.fit.between
        cells = [s for f in self.findings.values() for s in f.by_tumour.values()]
        # One finding alone has too few cells for two numbers.
        if len(self.findings) > 1 and all(len(f.states) == 2 for f in self.findings.values()):
            return fit_between_study(cells)
        return BetweenStudy(intra_class_correlation(cells, self.settings.rho_floor))

    @cached_property
    def mixture(self) -> BetaMixture:
        """The model of a yes/no kind; see :mod:`mesenbayes.evidence.mixture`."""
        if self.fit is not None and self.fit.mixture is not None:
            return self.fit.mixture
        counts = np.array(
            [
                self.pooled(f.by_tumour[t])
                for f in self.findings.values()
                for t in f.by_tumour
                if t != OTHER
            ]
        ).reshape(-1, 2)
        return fit_beta_mixture(counts[:, 1], counts.sum(axis=1))

    def pooled(self, studies: Sequence[StudyCounts]) -> NDArray[np.float64]:
        """Return the effective counts of a cell's studies, (states,)."""
        return effective_counts(studies, self.rho_of(studies), len(studies[0].counts))

    def rho_of(self, studies: Sequence[StudyCounts]) -> float:
        """Return the between-study correlation of a cell with these studies."""
        key = tuple(studies)
        if key not in self._rho_of:
            self._rho_of[key] = self.between.rho_of(key)
        return self._rho_of[key]

    @cached_property
    def _rho_of(self) -> dict[tuple[StudyCounts, ...], float]:
        return {}

    # ------------------------------------------------------------------ yes/no findings

    def binary_row(self, finding: str, tumour: str) -> Row:
        """Return the row of a yes/no finding in a tumour, states (no, yes)."""
        studies = self.findings[finding].by_tumour.get(tumour, ())
        if not studies:
            alpha, relatives = self._unstudied(finding, self.lineage_of[tumour])
            who = f"no study of {counted_name(finding)} in {tumour}; {relatives}"
            return Row(alpha, "borrowed", who)
        p, _ = self._classes(finding, tumour, studied=True)
        n_no, n_yes = self.pooled(studies)
        after = self.mixture.responsibility(np.array([n_yes]), np.array([n_no + n_yes]), p)[0]
        mean, strength = self.mixture.moments(after, n_yes, n_no + n_yes)
        alpha = np.array([1 - mean, mean]) * strength
        alpha = alpha + self._record_off_home(finding, tumour, after)
        return Row(
            alpha / alpha.sum() * strength,
            "counts",
            f"{len(studies)} studies, rho {self.rho_of(studies):.3f}",
            self.provenance(studies),
        )

    def _unstudied(self, finding: str, lineage: str) -> tuple[NDArray[np.float64], str]:
        """Return alpha and reason of an unstudied cell; all of one lineage are alike."""
        key = (finding, lineage)
        if key not in self._unstudied_cells:
            tumour = next(
                t
                for t, of in self.lineage_of.items()
                if of == lineage and t not in self._responsibilities[finding]
            )
            p, relatives = self._classes(finding, tumour, studied=False)
            mean, _ = self.mixture.moments(p)
            strength = self.settings.borrowed_strength
            alpha = np.array([1 - mean, mean]) * strength
            alpha = alpha + self._record_off_home(finding, tumour, p)
            self._unstudied_cells[key] = (alpha / alpha.sum() * strength, relatives)
        return self._unstudied_cells[key]

    @cached_property
    def _unstudied_cells(self) -> dict[tuple[str, str], tuple[NDArray[np.float64], str]]:
        return {}

    @cached_property
    def _responsibilities(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        """P(z | counts) of every studied cell: finding -> tumour -> (classes,)."""
        cells = [
            (name, tumour)
            for name, found in self.findings.items()
            for tumour in found.by_tumour
            if tumour not in (OTHER, PANEL)
        ]
        counts = np.array([self.pooled(self.findings[n].by_tumour[t]) for n, t in cells])
        counts = counts.reshape(-1, 2)
        values = self.mixture.responsibility(counts[:, 1], counts.sum(axis=1))
        table: dict[str, dict[str, NDArray[np.float64]]] = {name: {} for name in self.findings}
        for (name, tumour), value in zip(cells, values, strict=True):
            table[name][tumour] = value
        return table

    def _record_off_home(
        self, finding: str, tumour: str, classes: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the pseudo-counts (no, yes) that a cell takes from the finding's own record in
        tumours that do not express it.

        Where the tumour is silent or nearly so, that record says more than the silent class of
        all findings: an antibody has a background of its own.
        """
        record = sum(
            (counts for other, counts in self._off_home[finding].items() if other != tumour),
            np.zeros(2),
        )
        most = min(1.0, self.settings.off_home_strength / max(float(record.sum()), 1e-9))
        return np.asarray((classes[0] + classes[1]) * most * record)

    @cached_property
    def _off_home(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Effective (no, yes) counts of each finding by tumour, as far as it is silent or
        occasional there; mixed panels of controls included."""
        table: dict[str, dict[str, NDArray[np.float64]]] = {}
        for name, found in self.findings.items():
            table[name] = {}
            for tumour, studies in found.by_tumour.items():
                if tumour == PANEL:
                    table[name][tumour] = self.pooled(studies)
                elif tumour != OTHER:
                    r = self._responsibilities[name][tumour]
                    table[name][tumour] = (r[0] + r[1]) * self.pooled(studies)
        return table

    @cached_property
    def _votes(self) -> dict[str, tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]]:
        """Sums of responsibilities: finding -> (over all types, by lineage)."""
        table = {}
        for name, known in self._responsibilities.items():
            by_lineage: dict[str, NDArray[np.float64]] = defaultdict(
                lambda: np.zeros(len(CLASSES) + 1)
            )
            for tumour, value in known.items():
                by_lineage[self.lineage_of[tumour]][:-1] += value
                by_lineage[self.lineage_of[tumour]][-1] += 1
            total = np.sum(list(by_lineage.values()), axis=0) if known else np.zeros(
                len(CLASSES) + 1
            )
            table[name] = (total, dict(by_lineage))
        return table

    @cached_property
    def lineage_weight(self) -> float:
        """How many relatives' votes the other lineages' answer is worth; see
        :func:`~mesenbayes.evidence.mixture.fit_lineage_weight`."""
        if self.fit is not None and self.fit.lineage_weight is not None:
            return self.fit.lineage_weight
        if not any(self._responsibilities.values()):
            return 1.0  # nothing studied, nothing to weigh
        p, lineage, n, k_of_n = [], [], [], []
        for finding, known in self._responsibilities.items():
            for tumour in known:
                others, own = self._without(finding, tumour)
                p.append((others[:-1] + self.mixture.weights) / (others[-1] + 1))
                lineage.append(own[:-1])
                n.append(own[-1])
                k_of_n.append(self.pooled(self.findings[finding].by_tumour[tumour]))
        counts = np.array(k_of_n)
        log_l = log_beta_binomial(
            counts[:, 1:], counts.sum(axis=1, keepdims=True), self.mixture.a, self.mixture.b
        )
        return fit_lineage_weight(
            np.array(p),
            np.array(lineage),
            np.array(n),
            np.exp(log_l - log_l.max(axis=1, keepdims=True)),
        )

    def _without(
        self, finding: str, tumour: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the summed P(z), and the number, of the other studied cells of a finding: of
        all types, and of the tumour's lineage."""
        total, by_lineage = self._votes[finding]
        lineage = by_lineage.get(self.lineage_of[tumour], np.zeros(len(CLASSES) + 1))
        known = self._responsibilities[finding].get(tumour)
        own = np.zeros(len(CLASSES) + 1) if known is None else np.append(known, 1.0)
        return total - own, lineage - own

    def _classes(
        self, finding: str, tumour: str, *, studied: bool
    ) -> tuple[NDArray[np.float64], str]:
        """P(z) of a cell before its own studies, and who was asked."""
        total, lineage = self._without(finding, tumour)
        if studied:
            p = (total[:-1] + self.mixture.weights) / (total[-1] + 1)
        else:
            unstudied = len(self.lineage_of) - int(total[-1])
            p = classes_of_unstudied(total[:-1], unstudied, self.settings.share_found)
        p = with_relatives(p, lineage[:-1], float(lineage[-1]), self.lineage_weight)
        p = np.clip(p, 0.002, 1.0)
        p = p / p.sum()
        return p, (
            f"borrowed from {int(lineage[-1])} types of its "
            f"lineage and {int(total[-1] - lineage[-1])} others, P(silent) {p[0]:.2f}"
        )

    # ------------------------------------------------------------------ several states

    def row(self, finding: str, tumour: str) -> Row:
        """Return the row of a finding with several states in a tumour."""
        found = self.findings[finding]
        mean, relatives = self._relatives_mean(found, tumour)
        base = mean * self.settings.borrowed_strength
        studies = found.by_tumour.get(tumour, ())
        if not studies:
            return Row(
                base,
                "borrowed",
                f"no study of {counted_name(finding)} in {tumour}; borrowed from {relatives}",
            )
        return Row(
            base + self.pooled(studies),
            "counts",
            f"{len(studies)} studies, rho {self.rho_of(studies):.3f}",
            self.provenance(studies),
        )

    @cached_property
    def _shares(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Proportions of every studied cell, one case spread evenly added."""
        table: dict[str, dict[str, NDArray[np.float64]]] = {}
        for name, found in self.findings.items():
            uniform = np.full(len(found.states), 1 / len(found.states))
            table[name] = {}
            for tumour, studies in found.by_tumour.items():
                if tumour not in (OTHER, PANEL):
                    counts = self.pooled(studies) + uniform
                    table[name][tumour] = counts / counts.sum()
        return table

    def _relatives_mean(
        self, found: FindingStudies, tumour: str
    ) -> tuple[NDArray[np.float64], str]:
        """Mean proportions of the lineage, and of all types as one more relative."""
        uniform = np.full(len(found.states), 1 / len(found.states))
        shares = {t: share for t, share in self._shares[found.name].items() if t != tumour}
        if not shares:
            return uniform, "nothing: all states alike"
        overall = np.mean(list(shares.values()), axis=0)
        lineage = self.lineage_of.get(tumour)
        family = [share for t, share in shares.items() if self.lineage_of.get(t) == lineage]
        return np.mean([overall, *family], axis=0), (
            f"{len(family)} types of its lineage and {len(shares)} types in all"
        )

    # ------------------------------------------------------------------ shared by both

    def subgroup_row(self, finding: str, tumour: str, subgroup: str, parent: Row) -> Row | None:
        """Return the row of a genotype (or a group of genotypes) of a tumour, which starts
        from the row of the tumour as a whole; None if nobody studied it."""
        studies = self.findings[finding].by_subgroup.get((tumour, subgroup))
        if not studies:
            return None
        return Row(
            parent.mean * self.settings.subgroup_strength + self.pooled(studies),
            "counts",
            f"{len(studies)} studies of {subgroup}, on top of all {tumour}",
            self.provenance(studies),
        )

    def average_row(self, rows: Sequence[Row], weights: NDArray[np.float64]) -> Row:
        """Return the row of 'none of the modelled diagnoses': the mean over tumour types.

        Parameters
        ----------
        weights : (rows,)
            How common each type is. The row is worth the effective number of types,
            (sum w)^2 / sum w^2: each type counts as one case.
        """
        w = weights / weights.sum()
        mean = w @ np.stack([row.mean for row in rows])
        return Row(
            mean / float(w @ w),
            "borrowed",
            f"mean over {len(rows)} tumour types: what an unmodelled tumour may look like",
        )

    def provenance(self, studies: Sequence[StudyCounts]) -> tuple[Study, ...]:
        """Return the studies as a row keeps them."""
        rho = self.rho_of(studies)
        return tuple(
            Study(
                s.source_id,
                tuple((row.state, row.k) for row in s.rows),
                s.n,
                s.effective_n(rho),
                s.rows[0].subgroup if s.rows else "",
            )
            for s in studies
        )
