"""What the specimen lets one see of the biology.

Published rates are readings of good specimens, so a good specimen shows a finding as it was
counted. In a bad one tumour cells are few and a stain or a gene test misses what is there; a
needle meets a lower grade or fewer mitoses than the whole tumour has, by one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.network.cells import Family, sort_studies
from mesenbayes.network.priors import Priors
from mesenbayes.network.structure import Specification, Structure
from mesenbayes.network.table import Row

Rows = dict[tuple[str, ...], Row]

CELLS, SAMPLING = "cells", "sampling"
GOOD = {"adequate", "resection"}
"""Specimens in which a finding is read as the published series read it."""
STAIN_READINGS = ("negative", "focal", "positive")

_LEAST = 0.005
"""Smallest rate of a reading that nobody counted: no reading is impossible."""


@dataclass(frozen=True, eq=False)
class SpecimenModel:
    """Builds the rows between the biology and the report: (state of the biology, specimen) ->
    row of what is read."""

    structure: Structure
    evidence: EvidenceBase
    priors: Priors

    def cells(self, spec: Specification) -> Rows:
        """P(tumour cells on the slide | how it was taken)."""
        (parent,) = spec.parents
        name, states = spec.variable.name, spec.variable.states
        return {
            (how,): self._row(name, name, states, {parent: how})
            for how in self.structure.specification(parent).variable.states
        }

    @cached_property
    def stain(self) -> Rows:
        """How a slide is read, shared by all stains: (expression, cells) -> row."""
        return {
            (expression, cells): self._row(
                "stain_reading",
                "stain_reading",
                STAIN_READINGS,
                {"expression": expression, CELLS: cells},
            )
            for expression in ("absent", "present")
            for cells in ("adequate", "scant")
        }

    def reading(self, spec: Specification) -> Rows:
        """What is read of a gene test, a retained stain, the grade or the mitoses."""
        states, specimen = spec.variable.states, spec.parents[1]
        kept = [
            Row(np.eye(len(states))[i], "definition", "a good specimen shows it as it is counted")
            for i in range(len(states))
        ]
        usual = "test_reading" if specimen == CELLS else "histology_reading"
        rows: Rows = {}
        for how in self.structure.specification(specimen).variable.states:
            same = (
                None
                if how in GOOD
                else self._row(
                    f"{spec.variable.name}_reading", usual, ("lower", "same"), {specimen: how}
                )
            )
            for i, state in enumerate(states):
                if same is None or i == 0:
                    rows[state, how] = kept[i]
                    continue
                lower = i - 1 if specimen == SAMPLING else 0
                alpha = np.full(len(states), _LEAST * same.strength)
                alpha[[lower, i]] = same.alpha
                rows[state, how] = Row(alpha, same.origin, same.reason, same.studies)
        return rows

    def _row(
        self, name: str, usual: str, states: tuple[str, ...], given: Mapping[str, str]
    ) -> Row:
        """Return the counts of `name` on top of what is declared of it or of the `usual`."""
        declared = self.priors.find(name, **given) or self.priors.find(usual, **given)
        if declared is None:
            told = ";".join(f"{key}={value}" for key, value in given.items())
            raise NetworkError(
                f"{self.structure.priors_file.name}: {name} given {told} is missing"
            )
        alpha = declared.alpha(states)
        counts = [
            row
            for row in self.evidence.counts
            if row.finding == name and given.items() <= dict(row.conditions).items()
        ]
        studies = sort_studies(name, states, counts, self.structure.settings, neutral=set(given))
        found = studies.by_tumour.get("", ())
        if not found:
            return Row(alpha, "prior", declared.reason)
        family = Family("reading", {name: studies}, {}, self.structure.settings)
        return Row(
            alpha + family.pooled(found),
            "counts",
            f"{len(found)} studies on top of: {declared.reason}",
            family.provenance(found),
        )
