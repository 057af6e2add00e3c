"""A chunk of cases answered: posteriors for those that can be read, reasons for the rest.

A pure function of network and chunk, so that it runs wherever the chunk is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.cells import Cell, CellReader, Column
from mesenbayes.cohort.source import Chunk
from mesenbayes.diagnosis.case import KEYS, Case, as_case
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.errors import CaseError, ImpossibleEvidence, MesenbayesError
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
_NAMED_CONFLICTS = 200
"""Impossible rows of a chunk for which the smallest conflict is looked for."""


@dataclass(frozen=True, eq=False)
class ReadCases:
    """Cases in the network's arrays.

    Parameters
    ----------
    rows
        Row number of each case.
    ids
        Name of each case; its row number where the file has no names.
    codes : (cases, variables)
    likelihoods
        Variable -> (cases, states), for uncertain findings.
    truths
        Column of answers -> word of each case ("" where missing).
    rejected
        (row, id, reason) of those that could not be read.
    """

    rows: NDArray[np.intp]
    ids: NDArray[np.object_]
    codes: NDArray[np.intp]
    likelihoods: Mapping[str, FloatArray]
    truths: Mapping[str, NDArray[np.object_]]
    rejected: tuple[tuple[int, str, str], ...] = ()

    def part(self, keep: NDArray[Any], rejected: Sequence[tuple[int, str, str]]) -> ReadCases:
        """Return some of the cases, and who else was set aside."""
        return ReadCases(
            self.rows[keep],
            self.ids[keep],
            self.codes[keep],
            {name: table[keep] for name, table in self.likelihoods.items()},
            {name: words[keep] for name, words in self.truths.items()},
            tuple(sorted((*self.rejected, *rejected))),
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """What a chunk came to.

    Parameters
    ----------
    frame
        One row a case: id, truths, n_findings, leading, probability, one column for each state
        of the target, log_evidence.
    rejected
        (row, id, reason).
    """

    frame: pd.DataFrame
    rejected: tuple[tuple[int, str, str], ...] = field(default=())


def read_chunk(reader: CellReader, chunk: Chunk, truths: Sequence[str] = ()) -> ReadCases:
    """Turn a chunk into arrays; rows that cannot be read are set aside with the reason.

    Parameters
    ----------
    truths
        Columns of answers that the results carry (JSON lines need them named up front, so
        that every chunk has the same columns).
    """
    table = _Table(reader, chunk, truths)
    if chunk.objects is None:
        table.read_columns()
    else:
        table.read_objects(chunk.objects)
    return table.done()


class _Table:
    """The arrays of a chunk while they are being filled."""

    def __init__(self, reader: CellReader, chunk: Chunk, truths: Sequence[str]) -> None:
        n = len(chunk.rows)
        self.reader, self.chunk, self.truth_columns = reader, chunk, tuple(truths)
        self.codes = np.full((n, len(reader.network.variables)), NOT_OBSERVED, dtype=np.intp)
        self.uncertain: list[tuple[int, Finding]] = []
        self.problem: dict[int, str] = {}
        self.ids = np.array([str(row) for row in chunk.rows], dtype=object)
        self.truths = {
            reader.truth_name(name): np.full(n, "", dtype=object) for name in self.truth_columns
        }

    # ---------------------------------------------------------------- tables

    def read_columns(self) -> None:
        reader, chunk = self.reader, self.chunk
        named = reader.id_column(tuple(chunk.columns))
        if named is not None:
            self._take_ids(chunk.columns[named])
        for name in self.truth_columns:
            self._take_truth(name, chunk.columns[name])
        for name, values in chunk.columns.items():
            if name == named or reader.is_truth(name):
                continue
            column = reader.column(name)
            if isinstance(column, Column):
                self._read_column(column, values)

    def _read_column(self, column: Column, values: Any) -> None:
        which, codes, cells = self.reader.codes_of(column, values)
        variables = (
            {column.variable: codes}
            if column.gene is None
            else {
                i: np.where(_lookup(which, [c.variable == i for c in cells]), codes, NOT_OBSERVED)
                for i in {c.variable for c in cells if c.variable >= 0}
            }
        )
        for variable, state in variables.items():
            self._merge(variable, state, column.name)
        for position, cell in enumerate(cells):
            if cell.problem or cell.uncertain is not None:
                for row in np.flatnonzero(which == position):
                    self._odd_cell(int(row), cell)

    def _merge(self, variable: int, state: NDArray[np.intp], name: str) -> None:
        """Enter a column; a second column of the same variable must say the same."""
        before = self.codes[:, variable]
        clash = (before != NOT_OBSERVED) & (state != NOT_OBSERVED) & (before != state)
        for row in np.flatnonzero(clash):
            self._reject(int(row), self._contradiction(variable, name))
        self.codes[:, variable] = np.where(state != NOT_OBSERVED, state, before)

    def _contradiction(self, variable: int, name: str) -> str:
        known = self.reader.network.variables[variable].name
        return f"column {name} contradicts another column about {known}"

    def _odd_cell(self, row: int, cell: Cell) -> None:
        if cell.problem:
            self._reject(row, cell.problem)
        elif cell.uncertain is not None:
            self.uncertain.append((row, cell.uncertain))

    # ---------------------------------------------------------------- JSON lines

    def read_objects(self, objects: Sequence[dict[str, Any]]) -> None:
        for row, entry in enumerate(objects):
            try:
                self._read_object(row, entry)
            except MesenbayesError as error:
                self._reject(row, str(error).removeprefix(": "))

    def _read_object(self, row: int, entry: dict[str, Any]) -> None:
        reader = self.reader
        named = reader.mapping.id or "id"
        if entry.get(named) is not None:
            self.ids[row] = str(entry[named])
        for name in self.truth_columns:
            if entry.get(name) is not None:
                self.truths[reader.truth_name(name)][row] = self._truth(name, entry[name])
        findings, variants = _parts(entry, named)
        for name, value in findings.items():
            if value is None or reader.is_truth(name):
                continue
            column = reader.column(name)
            if isinstance(column, str):
                if not reader.ignore_unknown:
                    raise CaseError(column)
                continue
            if column is not None:
                self._enter(row, reader.cell(column, value), name)
        if variants:
            self._enter_variants(row, variants)

    def _enter(self, row: int, cell: Cell, name: str) -> None:
        self._odd_cell(row, cell)
        if cell.code == NOT_OBSERVED:
            return
        if self.codes[row, cell.variable] not in (NOT_OBSERVED, cell.code):
            raise CaseError(self._contradiction(cell.variable, name))
        self.codes[row, cell.variable] = cell.code

    def _enter_variants(self, row: int, variants: Sequence[Mapping[str, Any]]) -> None:
        reader = self.reader
        matched = reader.vocabulary.match(
            Case(variants=variants, where=""), ignore_unknown=reader.ignore_unknown
        )
        for finding in matched.findings:
            i = reader.position[finding.variable]
            assert finding.state is not None
            code = reader.network.variables[i].index(finding.state)
            self._enter(row, Cell(i, code), finding.stated_as)

    # ---------------------------------------------------------------- ids and answers

    def _take_ids(self, values: Any) -> None:
        import pandas as pd

        missing = pd.isna(values)
        for row, value in enumerate(values):
            text = "" if missing[row] else str(value).strip()
            if text:
                self.ids[row] = text
            else:
                self._reject(row, "the case has no id")

    def _take_truth(self, name: str, values: Any) -> None:
        import pandas as pd

        which, words = pd.factorize(values)
        read = np.array([*(self._truth(name, w) for w in words), ""], dtype=object)
        self.truths[self.reader.truth_name(name)] = read[which]

    def _truth(self, name: str, word: Any) -> str:
        """Return an answer as a state of its variable, or as it stands if it is none."""
        reader = self.reader
        value = reader.mapping.translate(name, word)
        if value is None:
            return ""
        known = reader.truth_name(name).removeprefix("true_")
        if known in reader.position:
            try:
                variable = reader.network.variables[reader.position[known]]
                return reader.vocabulary.state(variable, value)
            except MesenbayesError:
                pass
        return str(value)

    # ---------------------------------------------------------------- end

    def _reject(self, row: int, reason: str) -> None:
        self.problem.setdefault(row, reason)

    def _likelihoods(self) -> dict[str, FloatArray]:
        tables: dict[str, FloatArray] = {}
        required: dict[int, list[Finding]] = {}
        for row, finding in self.uncertain:
            if row in self.problem:
                continue
            if finding.kind == "likelihood":
                self._enter_likelihood(tables, row, finding.variable, _weights(finding))
            else:
                required.setdefault(row, []).append(finding)
        for row, findings in required.items():
            for name, values in self._required(row, findings).items():
                self._enter_likelihood(tables, row, name, values)
        return tables

    def _enter_likelihood(
        self, tables: dict[str, FloatArray], row: int, name: str, values: FloatArray
    ) -> None:
        table = tables.setdefault(name, np.ones((len(self.codes), len(values))))
        table[row] = values

    def _required(self, row: int, findings: Sequence[Finding]) -> dict[str, FloatArray]:
        """Return likelihoods under which the findings get the probabilities they must have."""
        from mesenbayes.diagnosis.encode import encode
        from mesenbayes.diagnosis.findings import MatchedCase

        network = self.reader.network
        known = [
            Finding(v.name, v.states[self.codes[row, i]])
            for i, v in enumerate(network.variables)
            if self.codes[row, i] != NOT_OBSERVED
        ]
        others = [f for r, f in self.uncertain if r == row and f.kind == "likelihood"]
        case = MatchedCase(Case(where=str(self.ids[row])), (*known, *others, *findings))
        try:
            return encode(network, network.compiled, case).likelihoods
        except MesenbayesError as error:
            self._reject(row, str(error))
            return {}

    def done(self) -> ReadCases:
        rows = np.array(self.chunk.rows, dtype=np.intp)
        tables = self._likelihoods()
        for i, row in enumerate(self.chunk.rows):
            if row in self.chunk.refused:
                self._reject(i, self.chunk.refused[row])
        rejected = [(row, "", reason) for row, reason in self.chunk.broken.items()]
        rejected += [
            (int(rows[i]), str(self.ids[i]), reason) for i, reason in self.problem.items()
        ]
        keep = np.ones(len(rows), dtype=bool)
        keep[list(self.problem)] = False
        whole = ReadCases(rows, self.ids, self.codes, tables, self.truths)
        return whole.part(keep, rejected)


def _lookup(which: NDArray[np.intp], values: Sequence[bool]) -> NDArray[np.bool_]:
    return np.array([*values, False], dtype=bool)[which]


def _weights(finding: Finding) -> FloatArray:
    return np.array([weight for _, weight in finding.weights])


def _parts(
    entry: Mapping[str, Any], named: str
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Return findings and variants of a line: a whole case, or findings side by side."""
    if {"findings", "variants"} & set(entry):
        inner = {k: v for k, v in entry.items() if k in KEYS and k != named}
        case = as_case({"findings": {}, **inner}, "case ")
        return case.findings, case.variants
    return {k: v for k, v in entry.items() if k != named}, ()


OWN_COLUMNS = ("id", "n_findings", "leading", "probability", "log_evidence")


def result_column(state: str) -> str:
    """Return the column of a state in the results; ``p_`` before one that is taken."""
    return f"p_{state}" if state in OWN_COLUMNS or state.startswith("true_") else state


def answer(reader: CellReader, cases: ReadCases) -> Answer:
    """Return the posterior of every case; impossible ones are set aside.

    Parameters
    ----------
    reader
        Holds the network and the variable asked about.
    """
    import pandas as pd

    target = reader.target
    states = reader.network.variable(target).states
    n = len(cases.rows)
    if n:
        result = reader.network.compiled.run(
            cases.codes, cases.likelihoods, targets=(target,), on_impossible="nan"
        )
        posterior, log_evidence = result.posterior[target], result.log_evidence
    else:
        posterior, log_evidence = np.empty((0, len(states))), np.empty(0)
    bad = np.isnan(log_evidence)
    if bad.any():
        rejected = [
            (int(cases.rows[i]), str(cases.ids[i]), _why(reader, cases, int(i), rank))
            for rank, i in enumerate(np.flatnonzero(bad))
        ]
        cases = cases.part(~bad, rejected)
        posterior, log_evidence = posterior[~bad], log_evidence[~bad]
    best = posterior.argmax(axis=1) if len(posterior) else np.empty(0, dtype=np.intp)
    certain = (cases.codes != NOT_OBSERVED).sum(axis=1)
    vague = sum(
        ((table != 1).any(axis=1).astype(np.intp) for table in cases.likelihoods.values()),
        np.zeros(len(cases.rows), dtype=np.intp),
    )
    frame = pd.DataFrame(
        {
            "id": pd.Series(cases.ids, dtype=object),
            **{name: pd.Series(words, dtype=object) for name, words in cases.truths.items()},
            "n_findings": (certain + vague).astype(np.int32),
            "leading": pd.Series(np.array(states, dtype=object)[best], dtype=object),
            "probability": posterior[np.arange(len(best)), best],
            **{result_column(state): posterior[:, i] for i, state in enumerate(states)},
            "log_evidence": log_evidence,
        }
    )
    return Answer(frame, cases.rejected)


def _why(reader: CellReader, cases: ReadCases, row: int, rank: int) -> str:
    """Return which findings of an impossible case exclude each other."""
    if rank < _NAMED_CONFLICTS:
        given = {name: table[row : row + 1] for name, table in cases.likelihoods.items()}
        try:
            reader.network.compiled.run(cases.codes[row : row + 1], given, (reader.target,))
        except ImpossibleEvidence as error:
            return f"these findings cannot be true together: {', '.join(error.findings)}"
    return "the findings cannot be true together in this network"
