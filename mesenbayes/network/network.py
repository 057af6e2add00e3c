"""A network: variables, a directed acyclic graph, and a table of Dirichlet rows for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.network.table import Table
from mesenbayes.network.variable import Variable


@dataclass(frozen=True, eq=False)
class BayesianNetwork:
    """An immutable Bayesian network.

    Parameters
    ----------
    name, version
        What a report prints.
    variables
        In topological order (parents before children).
    tables
        One per variable.
    digest
        Hash of everything the network was built from; equal digests answer alike.
    """

    name: str
    version: str
    variables: tuple[Variable, ...]
    tables: Mapping[str, Table] = field(repr=False)
    digest: str = ""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for variable in self.variables:
            table = self.tables.get(variable.name)
            if table is None:
                raise NetworkError(f"{self.name}: variable {variable.name} has no table")
            late = [p for p in table.parents if p not in seen]
            if late:
                raise NetworkError(
                    f"{self.name}: {variable.name} stands before its parent {late[0]}"
                )
            shape = (*(self.variable(p).cardinality for p in table.parents), variable.cardinality)
            if table.probability.shape != shape:
                raise NetworkError(
                    f"{self.name}: table of {variable.name} has shape "
                    f"{table.probability.shape}, expected {shape}"
                )
            if not np.allclose(table.probability.sum(axis=-1), 1, atol=1e-9, rtol=0):
                raise NetworkError(f"{self.name}: a row of {variable.name} does not sum to 1")
            seen.add(variable.name)

    @cached_property
    def _by_name(self) -> dict[str, Variable]:
        return {variable.name: variable for variable in self.variables}

    def variable(self, name: str) -> Variable:
        """Return the variable called `name` (KeyError if there is none)."""
        return self._by_name[name]


Network = BayesianNetwork
