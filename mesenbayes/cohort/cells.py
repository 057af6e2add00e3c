"""From cells to state indices: what a column means, and what a word in it means.

A cell is looked up once for each different word; a million rows cost as many look-ups as a
column has different words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.diagnosis.case import Case
from mesenbayes.diagnosis.findings import Finding, squeeze
from mesenbayes.errors import CaseError, MesenbayesError, UnknownFinding
from mesenbayes.network.variable import NOT_OBSERVED, Variable

if TYPE_CHECKING:
    from mesenbayes.facade import Network

ID = "id"
TRUE = "true_"
"""A column ``true_tumour`` is the answer, kept beside the posterior and never evidence."""

_PLAIN = ("title", "source", "notes")
"""Keys of a case that are not findings."""
_WITH_UNIT = re.compile(r"^\s*([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*([a-zA-Zµ/%].*)$")
_CACHE = 200_000


@dataclass(frozen=True)
class Cell:
    """What one cell says: a state, an uncertain finding, nothing, or a mistake."""

    variable: int
    code: int = NOT_OBSERVED
    uncertain: Finding | None = None
    problem: str = ""


@dataclass(frozen=True)
class Column:
    """A column of the file that says something.

    Parameters
    ----------
    variable
        Position in ``network.variables``, or -1 for a column of variants, whose cells say
        which.
    factor
        What turns its numbers into the variable's unit.
    unit
        Unit that its numbers are in.
    gene
        Gene of a column of variants.
    """

    name: str
    variable: int
    known_as: str
    factor: float = 1.0
    unit: str | None = None
    gene: str | None = None


class CellReader:
    """Reads the cells of one file for one network.

    Parameters
    ----------
    target
        The variable asked about. A column that states it is kept as the truth; as evidence
        it would answer the question with itself.
    ignore_unknown
        Leave out columns (and findings of a JSON line) that the network does not know.
    """

    def __init__(
        self,
        network: Network,
        mapping: ColumnMapping | None = None,
        *,
        target: str = "tumour",
        ignore_unknown: bool = False,
    ) -> None:
        self.network = network
        self.vocabulary = network.vocabulary
        self.mapping = mapping or ColumnMapping()
        self.ignore_unknown = ignore_unknown
        self.position = {v.name: i for i, v in enumerate(network.variables)}
        if target not in self.position:
            from mesenbayes.errors import nearest

            raise UnknownFinding(target, nearest(target, self.position))
        self.target = target
        self._columns: dict[str, Column | str | None] = {}
        self._cells: dict[tuple[str, type, Any], Cell] = {}

    # ------------------------------------------------------------------ columns

    def id_column(self, header: Sequence[str]) -> str | None:
        """Return the column that names the cases, if there is one."""
        if self.mapping.id is not None:
            if header and self.mapping.id not in header:
                raise CaseError(f"there is no column '{self.mapping.id}' to name the cases")
            return self.mapping.id
        return ID if ID in header else None

    def is_truth(self, name: str) -> bool:
        """Whether a column states the answer."""
        if name.startswith(TRUE):
            return True
        column = self.column(name)
        return (
            isinstance(column, Column)
            and column.variable == self.position[self.target]
        )

    def truth_name(self, name: str) -> str:
        """Return what a column of answers is called in the results."""
        return name if name.startswith(TRUE) else TRUE + self.target

    def column(self, name: str) -> Column | str | None:
        """Return what a column means: a Column, the sentence why it means nothing, or None to
        leave it out."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def _column(self, name: str) -> Column | str | None:
        mapping = self.mapping
        if name in (mapping.id or ID, *mapping.ignore, *_PLAIN):
            return None
        if name in mapping.variants:
            if self.vocabulary.variants is None:
                return "the network has no map from gene variants to findings"
            return Column(name, NOT_OBSERVED, name, gene=mapping.variants[name])
        word = mapping.columns.get(name, name)
        if word == "":
            return None
        try:
            variable, factor = self.vocabulary.find(word)
        except UnknownFinding as error:
            return str(error)
        unit = _unit(variable, word, factor)
        if name in mapping.units:
            unit = mapping.units[name]
            try:
                factor = _factor(variable, unit)
            except CaseError as error:
                return str(error)
        return Column(name, self.position[variable.name], word, factor, unit)

    def match_header(self, header: Sequence[str]) -> tuple[list[Column], list[str], list[str]]:
        """Sort the columns of a table into findings, truths and those set aside.

        Raises
        ------
        CaseError
            For a column that means nothing, unless unknown ones are left out; for two of the
            same name; for a mapping of columns that the file does not have.
        """
        twice = [name for i, name in enumerate(header) if name in header[:i]]
        if twice:
            raise CaseError(f"two columns are called '{twice[0]}'")
        for name in (*self.mapping.columns, *self.mapping.variants):
            if name not in header:
                raise CaseError(f"the mapping names a column '{name}', which the file lacks")
        used, truths, aside, problems = [], [], [], []
        for name in header:
            if self.is_truth(name):
                truths.append(name)
                continue
            column = self.column(name)
            if isinstance(column, Column):
                used.append(column)
            elif isinstance(column, str):
                aside.append(name)
                problems.append(f"column '{name}': {column}")
        if problems and not self.ignore_unknown:
            raise CaseError("\n".join(problems))
        if not used:
            raise CaseError("none of the columns says anything to this network")
        return used, truths, aside

    # ------------------------------------------------------------------ cells

    def cell(self, column: Column, value: Any) -> Cell:
        """Return what a cell says. Words and numbers are looked up once."""
        try:
            key = (column.name, type(value), value)
            found = self._cells.get(key)
        except TypeError:  # a mapping: an uncertain finding
            return self._cell(column, value)
        if found is None:
            if len(self._cells) > _CACHE:
                self._cells.clear()
            found = self._cells[key] = self._cell(column, value)
        return found

    def _cell(self, column: Column, value: Any) -> Cell:
        if isinstance(value, np.generic):
            value = value.item()
        value = self.mapping.translate(column.name, value)
        if value is None:
            return Cell(column.variable)
        try:
            if column.gene is not None:
                return self._variant(column, str(value))
            variable = self.network.variables[column.variable]
            if variable.unit is not None:
                value = _in_unit(column, variable, value)
            (finding,) = self.vocabulary.match(
                Case(findings={variable.name: value}, where="")
            ).findings
        except MesenbayesError as error:
            problem = str(error).removeprefix(": ")
            if column.name not in problem:
                problem = f"column {column.name}: {problem}"
            return Cell(column.variable, problem=problem)
        if finding.state is None:
            return Cell(column.variable, uncertain=finding)
        return Cell(column.variable, variable.index(finding.state))

    def _variant(self, column: Column, text: str) -> Cell:
        from mesenbayes.interop.hgvs import as_variant

        entry = as_variant(column.gene or "", text)
        (finding,) = self.vocabulary.match(Case(variants=(entry,), where="")).findings
        i = self.position[finding.variable]
        assert finding.state is not None
        return Cell(i, self.network.variables[i].index(finding.state))

    def codes_of(self, column: Column, values: Any) -> tuple[NDArray[np.intp], NDArray[np.intp],
                                                            list[Cell]]:
        """Return variable and state of every cell of a column, and the different cells.

        Returns
        -------
        which : (rows,)
            Position of each row's cell in the list; -1 for a missing one.
        code : (rows,)
            State index; -1 where not observed, uncertain or wrong.
        cells
        """
        import pandas as pd

        which, words = pd.factorize(values)
        cells = [self.cell(column, word) for word in words]
        lookup = np.array([*(c.code for c in cells), NOT_OBSERVED], dtype=np.intp)
        return which, lookup[which], cells


def _unit(variable: Variable, word: str, factor: float) -> str | None:
    """Return the unit in which a column of this name has its numbers."""
    if variable.unit is None or factor == 1.0:
        return variable.unit
    for name in variable.conversions:
        if squeeze(name) == squeeze(word):
            return name.rpartition("_")[2]
    return None


def _factor(variable: Variable, unit: str) -> float:
    """Return what turns a number in `unit` into the variable's own unit."""
    if variable.unit is not None and squeeze(unit) == squeeze(variable.unit):
        return 1.0
    for name, factor in variable.conversions.items():
        if squeeze(name).endswith(squeeze(unit)):
            return float(factor)
    raise CaseError(f"{variable.name} is in {variable.unit}; there is no conversion from '{unit}'")


def _in_unit(column: Column, variable: Variable, value: Any) -> Any:
    """Return a number in the variable's unit, anything else as it is.

    A unit written into the cell must be the column's own: a file that mixes units is a file
    in which nobody knows what the bare numbers are.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        written = _WITH_UNIT.match(value)
        if written and not _is_state(variable, value):
            if column.unit is None or squeeze(written[2]) != squeeze(column.unit):
                raise CaseError(
                    f"column {column.name}: '{value}' is not in {column.unit}, the unit of the "
                    "column"
                )
            value = written[1].replace(",", ".")
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, int | float):
        return float(value) * column.factor
    return value


def _is_state(variable: Variable, value: str) -> bool:
    word = squeeze(value)
    return any(
        word == squeeze(name)
        for name in (
            *variable.states, *variable.state_aliases, *variable.state_labels.values()
        )
    )  # fmt: skip
