"""One cell (tumour, finding) laid open: its studies, what they add up to, how they disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError, UnknownState, UnknownTumour, nearest
from mesenbayes.evidence.between_study import BetweenStudy
from mesenbayes.evidence.intervals import (
    Interval,
    beta_interval,
    prediction_interval,
    wilson_interval,
)
from mesenbayes.evidence.pooling import StudyCounts
from mesenbayes.evidence.records import Count
from mesenbayes.network.build import EXPRESSED, FAMILIES, NetworkBuilder
from mesenbayes.network.cells import NEUTRAL_CONDITIONS, Family
from mesenbayes.network.structure import GENOTYPE, OTHER, SITE, Specification, biology_of
from mesenbayes.network.table import Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class StudyLine:
    """What one study says of the state asked for.

    Parameters
    ----------
    k, n
        Cases with the state and cases looked at; `k` is fractional where the source leaves
        cases unsplit.
    interval
        95 % Wilson interval of k / n.
    effective_n
        Cases that the study counts for; 0 if it is not pooled.
    exclude
        Why it is not pooled; empty if it is.
    where
        ``file:line`` of its rows.
    """

    source_id: str
    citation: str
    k: float
    n: int
    interval: Interval
    effective_n: float
    trust: str
    subgroup: str
    given: str
    definition: str
    exclude: str
    where: str
    quote: str

    @property
    def rate(self) -> float:
        """The share k / n."""
        return self.k / self.n


@dataclass(frozen=True, eq=False)
class CellEvidence:
    """Everything that is known of one cell.

    Parameters
    ----------
    state
        The state whose rate is shown.
    studies, excluded, by_genotype
        Studies pooled into the cell, rows that are not and why, and the studies of single
        genotypes, which have rows of their own.
    row
        The Dirichlet row of the cell, before any split by genotype or alteration.
    rate, interval
        Pooled rate of `state` with its central 95 % interval.
    rho
        Between-study correlation at the rate of this cell.
    prediction
        95 % interval of the rate that one more laboratory would find.
    borrowed
        The row that the cell would have without its own studies.
    """

    network: str
    tumour: str
    tumour_name: str
    finding: str
    label: str
    state: str
    states: tuple[str, ...]
    studies: tuple[StudyLine, ...]
    excluded: tuple[StudyLine, ...]
    by_genotype: tuple[StudyLine, ...]
    row: Row
    rate: float
    interval: Interval
    rho: float
    prediction: Interval
    borrowed: Row
    borrowed_rate: float
    borrowed_interval: Interval

    @property
    def sentence(self) -> str:
        """The cell in one line."""
        n = sum(study.n for study in self.studies)
        worth = sum(study.effective_n for study in self.studies)
        basis = (
            f"{len(self.studies)} studies of {n} cases, worth {worth:.1f}"
            if self.studies
            else f"no study ({self.row.origin})"
        )
        low, high = self.interval
        return (
            f"{self.finding} = {self.state} in {self.tumour}: {self.rate:.1%} "
            f"({low:.1%} to {high:.1%}); {basis}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line a study, pooled, excluded and of single genotypes alike."""
        import pandas as pd

        lines = [
            {"use": use, **asdict(line), "rate": line.rate}
            for use, members in self._uses()
            for line in members
        ]
        columns = ["use", *StudyLine.__dataclass_fields__, "rate"]
        return pd.DataFrame(lines, columns=columns)

    def _uses(self) -> tuple[tuple[str, tuple[StudyLine, ...]], ...]:
        return (
            ("pooled", self.studies),
            ("excluded", self.excluded),
            ("genotype", self.by_genotype),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "network": self.network,
            "tumour": self.tumour,
            "finding": self.finding,
            "state": self.state,
            "rate": self.rate,
            "interval": list(self.interval),
            "origin": self.row.origin,
            "reason": self.row.reason,
            "alpha": dict(zip(self.states, self.row.alpha.tolist(), strict=True)),
            "rho": self.rho,
            "prediction_interval": list(self.prediction),
            "borrowed": {
                "rate": self.borrowed_rate,
                "interval": list(self.borrowed_interval),
                "origin": self.borrowed.origin,
                "reason": self.borrowed.reason,
            },
            **{name: [asdict(line) for line in lines] for name, lines in self._uses()},
        }

    def _repr_html_(self) -> str:
        shown = ["use", "source_id", "k", "n", "rate", "interval", "effective_n", "trust",
                 "subgroup", "given", "exclude"]  # fmt: skip
        table = self.to_frame()[shown].to_html(index=False, float_format="{:.3g}".format)
        low, high = self.prediction
        return (
            f"<p>{self.sentence}. One more laboratory: {low:.1%} to {high:.1%} (rho "
            f"{self.rho:.3f}). Without its own studies: {self.borrowed_rate:.1%}.</p>{table}"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the forest plot."""
        from mesenbayes.plots.forest import plot_forest

        return plot_forest(self, ax)


def cell_evidence(
    builder: NetworkBuilder, tumour: str, finding: str, state: str | None = None
) -> CellEvidence:
    """Lay one cell open.

    Parameters
    ----------
    tumour, finding
        Code and name as the network spells them.
    state
        State whose rate is shown; the second one of a yes/no finding, the most probable one
        of any other.

    Raises
    ------
    UnknownTumour, UnknownState, CaseError
        For names that the network does not have, and for variables without a cell.
    """
    structure = builder.structure
    codes = structure.tumour_codes
    if tumour not in codes:
        raise UnknownTumour(tumour, nearest(tumour, codes))
    if tumour == OTHER:
        raise CaseError(
            f"{OTHER} has no cells of its own: its rows are means over the tumours that it "
            "stands for"
        )
    spec = _specification(builder, finding)
    row = _row(builder, spec, tumour)
    family, name = _family(builder, spec)
    states = structure.every_site if spec.variable.name == SITE else family.findings[name].states
    rename = EXPRESSED if spec.kind == "expression" else {}
    if state is not None:
        state = rename.get(state, state)
        if state not in states:
            raise UnknownState(finding, state, states)
    else:
        state = states[1] if len(states) == 2 else states[int(row.mean.argmax())]
    i = states.index(state)
    borrowed = _row(_without_cell(builder, tumour, finding), spec, tumour)
    used = family.findings[name].by_tumour.get(tumour, ())
    genotypes = [
        members
        for (code, _), members in family.findings[name].by_subgroup.items()
        if code == tumour
    ]
    lines = _Lines(builder, family.between, i)
    left_out = _left_out(builder, tumour, finding, [*used, *chain(*genotypes)], states, rename)
    rho = family.between.rho(row.mean)
    a, b = float(row.alpha[i]), float(row.alpha.sum() - row.alpha[i])
    without = float(borrowed.alpha.sum() - borrowed.alpha[i])
    return CellEvidence(
        network=structure.name,
        tumour=tumour,
        tumour_name=structure.tumour(tumour).name,
        finding=finding,
        label=structure.specification(finding).variable.label or finding,
        state=state,
        states=states,
        studies=tuple(lines.of_studies(used)),
        excluded=tuple(lines.of_row(raw, state, rename, why) for raw, why in left_out),
        by_genotype=tuple(
            line for members in genotypes for line in lines.of_studies(members)
        ),
        row=row,
        rate=float(row.mean[i]),
        interval=beta_interval(a, b),
        rho=rho,
        prediction=prediction_interval(a, b, rho),
        borrowed=borrowed,
        borrowed_rate=float(borrowed.mean[i]),
        borrowed_interval=beta_interval(float(borrowed.alpha[i]), without),
    )


def _specification(builder: NetworkBuilder, finding: str) -> Specification:
    """Return the specification whose table holds the cells of `finding`."""
    by_name = {spec.variable.name: spec for spec in builder.structure.specifications}
    spec = by_name.get(biology_of(finding, by_name))
    if spec is None or (spec.kind not in FAMILIES and finding != SITE):
        raise CaseError(
            f"{finding} has no cells: it is not a finding that the network counts by tumour"
        )
    return spec


def _row(builder: NetworkBuilder, spec: Specification, tumour: str) -> Row:
    if spec.variable.name == SITE:
        return builder.prevalence.site_row(tumour)
    return builder.tumour_row(spec, tumour)


def _family(builder: NetworkBuilder, spec: Specification) -> tuple[Family, str]:
    if spec.variable.name == SITE:
        return builder.site_family, SITE
    return builder.families[FAMILIES[spec.kind]], spec.variable.name


def _without_cell(builder: NetworkBuilder, tumour: str, finding: str) -> NetworkBuilder:
    """Return the builder as if nobody had studied the cell.

    The digest stays, and with it what was fitted to all cells of the kind: the question is
    what the relatives say, not what one cell adds to the fit.
    """
    evidence = builder.evidence
    counts = tuple(r for r in evidence.counts if (r.tumour, r.finding) != (tumour, finding))
    ages = tuple(r for r in evidence.age_summaries if finding != "age" or r.tumour != tumour)
    rest = replace(evidence, counts=counts, age_summaries=ages)
    return NetworkBuilder(builder.structure, rest, builder.priors)


def _left_out(
    builder: NetworkBuilder,
    tumour: str,
    finding: str,
    used: list[StudyCounts],
    states: tuple[str, ...],
    rename: Mapping[str, str],
) -> Iterable[tuple[Count, str]]:
    """Yield the rows of the cell that no study uses, each with the reason."""
    kept = {row for study in used for row in study.rows}
    for row in builder.evidence.by_cell.get((tumour, finding), ()):
        state = rename.get(row.state, row.state)
        if row.model_copy(update={"state": state}) in kept:
            continue
        conditions = {name for name, _ in row.conditions}
        if row.exclude:
            yield row, row.exclude
        elif state not in states:
            yield row, f"'{row.state}' is not a state of {finding} here"
        elif row.overlap:
            yield row, f"same cases as a larger series ({row.overlap})"
        elif not conditions <= NEUTRAL_CONDITIONS | {GENOTYPE}:
            yield row, f"only cases with {row.given}; used where nobody studied all"
        else:
            yield row, "fewer than one case is left for it"


@dataclass(frozen=True)
class _Lines:
    """Turns studies and rows into lines about one state."""

    builder: NetworkBuilder
    between: BetweenStudy
    position: int

    def of_studies(self, studies: Sequence[StudyCounts]) -> Iterator[StudyLine]:
        rho = self.between.rho_of(studies)
        for study in studies:
            k = float(np.clip(study.counts[self.position], 0, study.n))
            yield self._line(study.rows, k, study.n, study.effective_n(rho), "")

    def of_row(
        self, row: Count, state: str, rename: Mapping[str, str], reason: str
    ) -> StudyLine:
        # A row about the other of two states speaks of this one as well.
        same = rename.get(row.state, row.state) == state
        k = row.k if same else row.n - row.k
        text = reason if same else f"{reason} (printed for {row.state})"
        return self._line((row,), float(k), row.n, 0.0, text)

    def _line(
        self, rows: tuple[Count, ...], k: float, n: int, effective_n: float, exclude: str
    ) -> StudyLine:
        first, base = rows[0], self.builder.evidence
        source = base.sources.get(first.source_id)
        return StudyLine(
            first.source_id,
            first.source_id if source is None else source.citation(),
            k,
            n,
            wilson_interval(k, n),
            effective_n,
            first.trust,
            first.subgroup,
            first.given,
            first.definition,
            exclude,
            ", ".join(dict.fromkeys(_where(self.builder, row) for row in rows)),
            first.quote,
        )


def _where(builder: NetworkBuilder, row: Count) -> str:
    """Return ``file:line``; a stain's row was copied when its states were renamed."""
    base = builder.evidence
    if id(row) in base.where:
        return base.location(row)
    for raw in base.by_cell.get((row.tumour, row.finding), ()):
        state = EXPRESSED.get(raw.state, raw.state)
        if raw.model_copy(update={"state": state}) == row:
            return base.location(raw)
    return "age_summaries.csv"
