"""What moves when one source had never been read, or every parameter is rounded.

A network whose answer hangs on one paper should say so. Each source is left out in turn, the
tables are filled again and the cases are answered again. Three shortcuts make this cheap. Only
the tables of findings that the cases state are filled (the others are barren). Only sources with
a pooled row in a cell that matters for a case are left out: elsewhere a source moves the case
only through the fit of all cells together. And that fit, of disagreement between studies and of
the expression model, is repeated only for sources that move a case by a hundredth without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import encode
from mesenbayes.diagnosis.findings import MatchedCase
from mesenbayes.errors import CaseError, ImpossibleEvidence, NetworkError
from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.inference import compile_network
from mesenbayes.network.build import FAMILIES, NetworkBuilder
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import GENOTYPE, SITE, TUMOUR, counted_name
from mesenbayes.network.table import Row, Table

if TYPE_CHECKING:
    import pandas as pd

IN_PLAY = 1e-3
"""Tumours with at least this posterior compete for the diagnosis; a source about any other
would have to be wrong by a factor of a thousand."""

REFIT = 0.01
"""Change of the leading probability from which the fit of all cells is repeated as well."""

IMPOSSIBLE = "(impossible)"
"""Stands for the diagnosis where no tumour can produce the findings."""
NOT_BUILT = "(no network)"
"""Stands for the diagnosis where the network cannot do without the source."""


@dataclass(frozen=True)
class Move:
    """One case under one change.

    Parameters
    ----------
    change
        Source id, or the kind of rounding.
    before, after
        Leading diagnosis.
    p_before, p_after
        Probability of the diagnosis that led before; 0 where there is no answer.
    note
        Why there is no network without the source.
    """

    case: str
    change: str
    before: str
    after: str
    p_before: float
    p_after: float
    note: str = ""

    @property
    def flips(self) -> bool:
        """Whether another diagnosis leads."""
        return self.before != self.after

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return {
            "case": self.case,
            "change": self.change,
            "before": self.before,
            "after": self.after,
            "p_before": self.p_before,
            "p_after": self.p_after,
            "flips": self.flips,
            "note": self.note,
        }


@dataclass(frozen=True, eq=False)
class LeaveOut:
    """What moved.

    Parameters
    ----------
    sources
        One move for every case and every source that matters for it.
    rounding
        One move for every case and kind of rounding.
    left_out
        Number of sources that were left out in turn.
    """

    network: str
    cases: tuple[str, ...]
    sources: tuple[Move, ...]
    rounding: tuple[Move, ...]
    left_out: int

    @cached_property
    def flips(self) -> tuple[Move, ...]:
        """The moves after which another diagnosis leads."""
        return tuple(move for move in (*self.sources, *self.rounding) if move.flips)

    def largest(self, n: int = 10) -> tuple[Move, ...]:
        """Return the `n` source moves that change the leading probability most."""
        return tuple(sorted(self.sources, key=lambda m: -abs(m.p_after - m.p_before))[:n])

    @property
    def sentence(self) -> str:
        """The outcome in one line."""
        by_source = {move.case for move in self.sources if move.flips}
        by_rounding = {move.case for move in self.rounding if move.flips}
        return (
            f"{self.network}: {self.left_out} sources left out in turn for {len(self.cases)} "
            f"cases; the first diagnosis of {len(by_source)} hangs on a single source, that of "
            f"{len(by_rounding)} on rounding"
        )

    def page(self, made_by: str) -> str:
        """Return the outcome in Markdown, one line a case.

        Parameters
        ----------
        made_by
            The command and the network, for the head of the page.
        """
        return "\n".join(_page(self, made_by)) + "\n"

    def to_frame(self) -> pd.DataFrame:
        """Return one line a move."""
        import pandas as pd

        moves = [m.to_dict() for m in (*self.sources, *self.rounding)]
        columns = ["case", "change", "before", "after", "p_before", "p_after", "flips", "note"]
        return pd.DataFrame(moves, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "network": self.network,
            "cases": list(self.cases),
            "sources_left_out": self.left_out,
            "flips": [move.to_dict() for move in self.flips],
            "sources": [move.to_dict() for move in self.sources],
            "rounding": [move.to_dict() for move in self.rounding],
        }

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shown = frame[frame["flips"]] if self.flips else frame.head(10)
        return f"<p>{self.sentence}</p>{shown.to_html(index=False)}"


def _page(result: LeaveOut, made_by: str) -> Iterator[str]:
    yield "# What hangs on a single source"
    yield ""
    yield f"Made by {made_by}; do not edit."
    yield ""
    yield (
        "Each source with a pooled row that matters for a case was left out in turn and the "
        "network built again without it; and every probability was rounded. A first diagnosis "
        "that changes is no error, but it should be said."
    )
    yield ""
    yield f"{result.sentence}."
    yield ""
    yield "| case | first | another is first without | largest move otherwise | rounded |"
    yield "|---|---|---|---|---|"
    for case in result.cases:
        sources = [m for m in result.sources if m.case == case]
        rounded = [m for m in result.rounding if m.case == case]
        flips = [m for m in sources if m.flips]
        quiet = [m for m in sources if not m.flips]
        largest = max(quiet, key=lambda m: abs(m.p_after - m.p_before), default=None)
        before = (sources or rounded)[0]
        yield (
            f"| {case} | {before.before} {before.p_before:.2f} "
            f"| {', '.join(f'{m.change}: {m.after}' for m in flips)} "
            + (f"| {largest.change}: {largest.p_after:.2f} " if largest else "| ")
            + f"| {', '.join(f'{m.change}: {m.after}' for m in rounded if m.flips)} |"
        )


def leave_one_source_out(
    builder: NetworkBuilder,
    cases: Sequence[MatchedCase],
    progress: Callable[[int, int], None] | None = None,
) -> LeaveOut:
    """Leave out each source that matters for one of the cases.

    Parameters
    ----------
    cases
        Cases matched to the vocabulary of the network.
    progress
        Called with (sources done, sources in all).

    Raises
    ------
    CaseError
        If there is no case, or a case is impossible to begin with.
    """
    if not cases:
        raise CaseError("there is no case to try")
    names = {finding.variable for case in cases for finding in case.findings}
    network = _network(builder, names)
    answer = _Answers(network)
    before = [answer(case) for case in cases]
    for case, posterior in zip(cases, before, strict=True):
        if posterior is None:
            raise ImpossibleEvidence([str(f) for f in case.findings], case.case.name)
    known = [posterior for posterior in before if posterior is not None]
    wanted = [
        sources_that_matter(builder, case, posterior)
        for case, posterior in zip(cases, known, strict=True)
    ]
    every = sorted(set().union(*wanted))
    moves: list[Move] = []
    for done, source in enumerate(every, 1):

        def moved(refit: bool, source: str = source) -> list[Move]:
            try:
                answer = _Answers(_network(_without(builder, source, refit), names))
            except NetworkError as error:
                return [
                    replace(
                        _move(network, case, source, posterior, None),
                        after=NOT_BUILT,
                        note=str(error),
                    )
                    for case, posterior, matters in zip(cases, known, wanted, strict=True)
                    if source in matters
                ]
            return [
                _move(network, case, source, posterior, answer(case))
                for case, posterior, matters in zip(cases, known, wanted, strict=True)
                if source in matters
            ]

        found = moved(refit=False)
        if any(m.flips or abs(m.p_after - m.p_before) >= REFIT for m in found):
            found = moved(refit=True)
        moves += found
        if progress is not None:
            progress(done, len(every))
    rounding = [
        _move(network, case, label, posterior, answer(case))
        for label, digits in (("two decimals", False), ("two significant digits", True))
        for answer in [_Answers(rounded_network(network, significant=digits))]
        for case, posterior in zip(cases, known, strict=True)
    ]
    order = {_name(case): i for i, case in enumerate(cases)}
    return LeaveOut(
        builder.structure.name,
        tuple(order),
        tuple(sorted(moves, key=lambda m: (order[m.case], m.p_after))),
        tuple(rounding),
        len(every),
    )


def sources_that_matter(
    builder: NetworkBuilder, case: MatchedCase, posterior: NDArray[np.float64]
) -> frozenset[str]:
    """Return the sources with a pooled row about a tumour that competes for the diagnosis and
    a finding of the case, or about how common that tumour is.

    Parameters
    ----------
    posterior : (tumours,)
        P(tumour | case).
    """
    codes = builder.structure.tumour_codes
    in_play = {code for code, p in zip(codes, posterior, strict=True) if p >= IN_PLAY}
    stated = {finding.variable for finding in case.findings}
    counted = {SITE, GENOTYPE, *stated}
    for spec in builder.structure.specifications:
        if spec.surrogate_of is not None and counted_name(spec.variable.name) in stated:
            counted.add(counted_name(spec.surrogate_of))
    site = case.by_variable[SITE].state if SITE in case.by_variable else None
    evidence: EvidenceBase = builder.evidence
    found = {
        row.source_id
        for row in evidence.counts
        if row.is_pooled and row.tumour in in_play and row.finding in counted
    }
    found |= {
        row.source_id
        for row in evidence.counts
        if row.is_pooled
        and not row.tumour
        and (
            (row.finding == TUMOUR and dict(row.conditions).get(SITE, site) in (site, None))
            or row.finding in stated
        )
    }
    found |= {row.source_id for row in evidence.incidence
              if row.is_pooled and row.tumour in in_play}  # fmt: skip
    if "age" in stated:
        found |= {row.source_id for row in evidence.age_summaries
                  if row.is_pooled and row.tumour in in_play}  # fmt: skip
    return frozenset(found)


def rounded_network(network: BayesianNetwork, *, significant: bool) -> BayesianNetwork:
    """Return the network with every probability rounded and the rows scaled to add up to 1.

    Parameters
    ----------
    significant
        Round to two significant digits (0.0043 stays 0.0043); otherwise to two decimals, so
        that what is rarer than 1 in 200 becomes impossible.
    """
    tables = {
        name: replace(table, rows=tuple(_rounded(row, significant) for row in table.rows))
        for name, table in network.tables.items()
    }
    return BayesianNetwork(network.name, network.version, network.variables, tables)


def _rounded(row: Row, significant: bool) -> Row:
    shown = "{:.1e}" if significant else "{:.2f}"
    mean = np.array([float(shown.format(p)) for p in row.mean])
    return replace(row, alpha=mean / mean.sum() * row.strength)


def _without(builder: NetworkBuilder, source: str, refit: bool) -> NetworkBuilder:
    """Return the builder without one source; kinds of finding that it never speaks of keep
    their families, and without `refit` all keep what was fitted to them."""
    evidence = builder.evidence
    spoken = {row.finding for row in evidence.counts if row.source_id == source and row.tumour}
    if any(row.source_id == source for row in evidence.age_summaries):
        spoken.add("age")
    touched = {
        FAMILIES[spec.kind]
        for spec in builder.structure.pooled_specifications
        if spec.kind in FAMILIES and counted_name(spec.variable.name) in spoken
    }
    kept = {kind: family for kind, family in builder.families.items() if kind not in touched}
    return NetworkBuilder(
        builder.structure,
        evidence.without_source(source),
        builder.priors,
        kept,
        None if refit else builder.fits,
    )


def _network(builder: NetworkBuilder, names: set[str]) -> BayesianNetwork:
    """Return the network of the tumour, the named variables and their ancestors."""
    built = list(builder.tables({TUMOUR, *names}))
    tables: dict[str, Table] = {spec.variable.name: table for spec, table in built}
    return BayesianNetwork(
        builder.structure.name,
        builder.structure.version,
        tuple({spec.variable.name: spec.variable for spec, _ in built}.values()),
        tables,
    )


class _Answers:
    """P(tumour | case) of a network that is compiled once; None where a case is impossible."""

    def __init__(self, network: BayesianNetwork) -> None:
        self.network = network
        self.compiled = compile_network(network)

    def __call__(self, case: MatchedCase) -> NDArray[np.float64] | None:
        try:
            codes, likelihoods = encode(self.network, self.compiled, case).batch()
            result = self.compiled.run(codes, likelihoods, targets=(TUMOUR,))
        except ImpossibleEvidence:
            return None
        return np.asarray(result.posterior[TUMOUR][0])


def _name(case: MatchedCase) -> str:
    return case.case.id or case.case.name


def _move(
    network: BayesianNetwork,
    case: MatchedCase,
    change: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64] | None,
) -> Move:
    states = network.variable(TUMOUR).states
    top = int(before.argmax())
    return Move(
        _name(case),
        change,
        states[top],
        IMPOSSIBLE if after is None else states[int(after.argmax())],
        float(before[top]),
        0.0 if after is None else float(after[top]),
    )
