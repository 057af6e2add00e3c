"""Evidence for a batch of cases, checked before anything is computed with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import CaseError, UnknownFinding, nearest
from mesenbayes.network.network import Network
from mesenbayes.network.variable import NOT_OBSERVED

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Checked evidence of a batch.

    Attributes
    ----------
    codes : (variables, cases)
        State indices, -1 where not observed.
    likelihoods
        Variable number -> (states, cases), each case's largest entry 1.
    log_scale : (cases,)
        What was divided out of the likelihoods.
    """

    codes: NDArray[np.integer]
    likelihoods: Mapping[int, FloatArray]
    log_scale: FloatArray

    @property
    def size(self) -> int:
        """Number of cases."""
        return int(self.codes.shape[1])

    def seen(self) -> frozenset[int]:
        """Return the variables with a state in at least one case."""
        return frozenset(np.flatnonzero((self.codes != NOT_OBSERVED).any(axis=1)).tolist())

    def always(self) -> frozenset[int]:
        """Return the variables with a state in every case."""
        return frozenset(np.flatnonzero((self.codes != NOT_OBSERVED).all(axis=1)).tolist())

    def part(self, rows: slice | NDArray[np.intp]) -> Evidence:
        """Return some of the cases."""
        return Evidence(
            self.codes[:, rows],
            {v: table[:, rows] for v, table in self.likelihoods.items()},
            self.log_scale[rows],
        )


def check_evidence(
    network: Network, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
) -> Evidence:
    """Return checked evidence, or raise a CaseError that names the variable and the row.

    Parameters
    ----------
    codes : (cases, variables) integers
        Columns in the order of ``network.variables``, -1 where not observed. One case may
        be given as (variables,).
    likelihoods
        Variable -> (cases, states): P(what was seen | state), up to a factor. A row of ones
        says nothing.
    """
    checked = _check_codes(network, codes)
    vectors: dict[int, FloatArray] = {}
    log_scale = np.zeros(checked.shape[1])
    number = {v.name: i for i, v in enumerate(network.variables)}
    for name, values in (likelihoods or {}).items():
        if name not in number:
            raise UnknownFinding(name, nearest(name, number))
        vector, taken = _check_likelihood(
            name, network.variable(name).cardinality, values, checked.shape[1]
        )
        vectors[number[name]] = vector
        log_scale += taken
    return Evidence(checked, vectors, log_scale)


def _check_codes(network: Network, codes: ArrayLike) -> NDArray[np.integer]:
    given = np.asarray(codes)
    names = [v.name for v in network.variables]
    if given.ndim == 1:
        given = given[None, :]
    if given.ndim != 2 or given.shape[1] != len(names):
        raise CaseError(
            f"evidence has shape {np.shape(codes)}; expected (cases, {len(names)}), one column "
            f"for each variable of {network.name} in its order"
        )
    if len(given) == 0:
        raise CaseError("evidence has no cases")
    if given.dtype.kind == "f":
        row, column = _first(~np.isfinite(given))
        if row >= 0:
            raise CaseError(
                f"row {row}: {names[column]} is {given[row, column]}; use -1 for not observed"
            )
        row, column = _first(given != np.floor(given))
        if row >= 0:
            raise CaseError(f"row {row}: {names[column]} is {given[row, column]}, not an index")
        given = given.astype(np.intp)
    if given.dtype.kind not in "iu":
        raise CaseError(f"evidence has entries of type {given.dtype}; expected state indices")
    columns = np.ascontiguousarray(given.T)
    cards = np.array([v.cardinality for v in network.variables])
    low, high = columns.min(axis=1), columns.max(axis=1)
    wrong = np.flatnonzero((low < NOT_OBSERVED) | (high >= cards))
    if len(wrong):
        column = int(wrong[0])
        values = columns[column]
        row = int(np.flatnonzero((values < NOT_OBSERVED) | (values >= cards[column]))[0])
        raise CaseError(
            f"row {row}: {names[column]} has state index {values[row]}; "
            f"it has states 0 to {cards[column] - 1}, and -1 for not observed"
        )
    return columns


def _check_likelihood(
    name: str, cardinality: int, values: ArrayLike, cases: int
) -> tuple[FloatArray, FloatArray]:
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CaseError(f"likelihood of {name} is not an array of numbers: {error}") from None
    if table.ndim == 1:
        table = table[None, :]
    if table.shape != (cases, cardinality):
        raise CaseError(
            f"likelihood of {name} has shape {np.shape(values)}; "
            f"expected ({cases}, {cardinality}): cases by states"
        )
    for bad, what in (
        (~np.isfinite(table), "not a finite number"),
        (table < 0, "negative"),
    ):
        row, column = _first(bad)
        if row >= 0:
            raise CaseError(
                f"row {row}: likelihood of {name} is {what} ({table[row, column]}, "
                f"state index {column})"
            )
    top = table.max(axis=1)
    if not top.all():
        row = int(np.flatnonzero(top == 0)[0])
        raise CaseError(f"row {row}: likelihood of {name} is zero for every state")
    return np.ascontiguousarray((table / top[:, None]).T), np.asarray(np.log(top))


def _first(bad: NDArray[np.bool_]) -> tuple[int, int]:
    where = np.argwhere(bad)
    return (int(where[0, 0]), int(where[0, 1])) if len(where) else (-1, -1)
