"""Every parameter of a network in one flat list, row after row.

A row is one Dirichlet, however many parent states it serves. Every configuration of the
network meets each table in exactly one place, so P(e) is linear in a row even if the row is
shared: sums of derivatives over the parent states it serves are all that sharing costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, UnknownFinding, UnknownState, nearest
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Entries:
    """The parameters of a network.

    Attributes
    ----------
    variable, row, state : (parameters,)
        Which table (position in ``network.variables``), which of its rows, which state.
    row_of : (parameters,)
        Position of the row among all rows.
    theta, alpha : (parameters,)
        Mean and Dirichlet parameter.
    row_start, row_variable, row_number : (rows,)
        First parameter of each row; its table; its number in the table.
    strength : (rows,)
        Total of the Dirichlet parameters, infinite for a row that is certain.
    """

    network: BayesianNetwork = field(repr=False)
    variable: IntArray
    row: IntArray
    state: IntArray
    row_of: IntArray
    theta: FloatArray
    alpha: FloatArray
    row_start: IntArray
    row_variable: IntArray
    row_number: IntArray
    strength: FloatArray

    @classmethod
    def of(cls, network: BayesianNetwork) -> Entries:
        """Return the parameters of `network`, tables in its own order."""
        rows = [
            (v, r, one)
            for v, node in enumerate(network.variables)
            for r, one in enumerate(network.tables[node.name].rows)
        ]
        length = np.array([len(one.alpha) for _, _, one in rows], dtype=np.intp)
        certain = np.array([one.is_certain for _, _, one in rows])
        start = np.concatenate(([0], np.cumsum(length)[:-1])).astype(np.intp)
        row_variable = np.array([v for v, _, _ in rows], dtype=np.intp)
        row_number = np.array([r for _, r, _ in rows], dtype=np.intp)
        row_of = np.repeat(np.arange(len(rows), dtype=np.intp), length)
        alpha = np.concatenate([one.alpha for _, _, one in rows])
        total = np.add.reduceat(alpha, start)
        return cls(
            network,
            variable=row_variable[row_of],
            row=row_number[row_of],
            state=np.arange(len(alpha), dtype=np.intp) - start[row_of],
            row_of=row_of,
            theta=alpha / np.repeat(total, length),
            alpha=alpha,
            row_start=start,
            row_variable=row_variable,
            row_number=row_number,
            strength=np.where(certain, np.inf, total),
        )

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.theta)

    @cached_property
    def certain(self) -> NDArray[np.bool_]:
        """Whether a parameter belongs to a row that holds by definition, (parameters,)."""
        return np.asarray(np.isinf(self.strength)[self.row_of])

    @cached_property
    def row_size(self) -> IntArray:
        """Number of states of each row."""
        return np.diff(np.append(self.row_start, self.size))

    def row_sum(self, values: FloatArray) -> FloatArray:
        """Sum (..., parameters) over each row, (..., rows)."""
        return np.asarray(np.add.reduceat(values, self.row_start, axis=-1))

    def members(self, row: int) -> slice:
        """Return the parameters of a row."""
        begin = int(self.row_start[row])
        return slice(begin, begin + int(self.row_size[row]))

    def source_row(self, row: int) -> Row:
        """Return the Dirichlet behind a row."""
        name = self.network.variables[self.row_variable[row]].name
        return self.network.tables[name].rows[int(self.row_number[row])]

    def find(self, variable: str, state: str, **given: str) -> int:
        """Return the position of one parameter.

        Parameters
        ----------
        variable, state
            Of which table, and which entry.
        given
            Parent -> state; parents that do not change the row may be left out.

        Raises
        ------
        UnknownFinding, UnknownState
            For a name that the network does not have.
        CaseError
            If the parents given leave more than one row.
        """
        names = [v.name for v in self.network.variables]
        if variable not in names:
            raise UnknownFinding(variable, nearest(variable, names), "parameter: ")
        node = self.network.variable(variable)
        if state not in node.states:
            raise UnknownState(variable, state, node.states, "parameter: ")
        row = self.find_row(variable, **given)
        return int(self.row_start[row]) + node.index(state)

    def find_row(self, variable: str, **given: str) -> int:
        """Return the position of one row; see :meth:`find`."""
        table = self.network.tables[variable]
        for parent, value in given.items():
            if parent not in table.parents:
                near = nearest(parent, table.parents)
                raise UnknownFinding(parent, near, f"parents of {variable}: ")
            if value not in self.network.variable(parent).states:
                states = self.network.variable(parent).states
                raise UnknownState(parent, value, states, f"parents of {variable}: ")
        place = tuple(
            self.network.variable(p).index(given[p]) if p in given else slice(None)
            for p in table.parents
        )
        rows = np.unique(table.row_index[place])
        if len(rows) > 1:
            open_parents = [p for p in table.parents if p not in given]
            raise CaseError(
                f"{len(rows)} rows of {variable} fit: state also {', '.join(open_parents)}"
            )
        v = [w.name for w in self.network.variables].index(variable)
        return int(np.flatnonzero((self.row_variable == v) & (self.row_number == rows[0]))[0])

    def gather(self, tables: dict[str, FloatArray]) -> FloatArray:
        """Sum derivatives of whole tables over the parent states that share a row.

        Parameters
        ----------
        tables
            Variable -> (hypotheses, *parents, states).

        Returns
        -------
        (hypotheses, parameters)
        """
        parts = []
        for node in self.network.variables:
            table = self.network.tables[node.name]
            values = tables[node.name]
            flat = values.reshape(len(values), table.row_index.size, -1)
            index = table.row_index.ravel()
            order = np.argsort(index, kind="stable")
            used, first = np.unique(index[order], return_index=True)
            summed = np.zeros((len(values), len(table.rows), flat.shape[-1]))
            summed[:, used] = np.add.reduceat(flat[:, order], first, axis=1)
            parts.append(summed.reshape(len(values), -1))
        return np.concatenate(parts, axis=1)

    def given(self, row: int) -> str:
        """Return the parent states that a row serves, in words."""
        table = self.network.tables[self.network.variables[self.row_variable[row]].name]
        places = np.argwhere(table.row_index == self.row_number[row])
        words = []
        for axis, parent in enumerate(table.parents):
            states = self.network.variable(parent).states
            used = sorted(set(places[:, axis].tolist()))
            if 0 < len(used) < len(states):
                tail = "|..." if len(used) > 3 else ""
                words.append(f"{parent}={'|'.join(states[i] for i in used[:3])}{tail}")
        return ", ".join(words)

    def label(self, parameter: int) -> str:
        """Return one parameter in words: ``P(DOG1=negative | tumour=GIST)``."""
        node = self.network.variables[self.variable[parameter]]
        given = self.given(int(self.row_of[parameter]))
        bar = f" | {given}" if given else ""
        return f"P({node.name}={node.states[self.state[parameter]]}{bar})"

    def row_label(self, row: int) -> str:
        """Return one row in words: ``P(DOG1 | tumour=GIST)``."""
        node = self.network.variables[self.row_variable[row]]
        given = self.given(row)
        return f"P({node.name}{f' | {given}' if given else ''})"
