"""The numbers of the model: looked up by what they are about, drawn within their intervals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import NetworkError
from mesenbayes.treatment.records import Record

PROPORTIONS = ("probability", "utility")


@dataclass(frozen=True, eq=False)
class Parameters:
    """Rows of ``parameters.csv`` with `size` draws of each (size 1 with mean values only).

    A number is looked up from the most particular row to the most general: this tumour, its
    group, any; then this genotype, any; then this setting, any.
    """

    records: tuple[Record, ...]
    groups: dict[str, str]
    values: NDArray[np.float64] = field(repr=False)
    _index: dict[tuple[str, str, str, str], int] = field(repr=False)

    @classmethod
    def means(cls, records: Sequence[Record], groups: dict[str, str]) -> Parameters:
        """Return the parameters at their stated values, one 'draw'."""
        values = np.array([[_number(record, "value")] for record in records])
        return cls(tuple(records), groups, values, _keys(records))

    def draw(self, size: int, rng: np.random.Generator) -> Parameters:
        """Return `size` draws of every row, in file order."""
        values = np.stack([_draw(record, size, rng) for record in self.records])
        return Parameters(self.records, self.groups, values, self._index)

    @property
    def size(self) -> int:
        """Number of draws."""
        return int(self.values.shape[1])

    def row(self, name: str, tumour: str = "any", genotype: str = "", setting: str = "") -> int:
        """Return the position of the row that answers a question.

        Raises
        ------
        NetworkError
            If no row does.
        """
        tumours = dict.fromkeys((tumour, self.groups.get(tumour, "any"), "any"))
        for t, g, s in itertools.product(
            tumours, dict.fromkeys((genotype, "")), dict.fromkeys((setting, ""))
        ):
            position = self._index.get((name, t, g, s))
            if position is not None:
                return position
        raise NetworkError(
            f"parameters.csv has no {name} for {tumour} {genotype} {setting}".rstrip()
        )

    def get(
        self, name: str, tumour: str = "any", genotype: str = "", setting: str = ""
    ) -> NDArray[np.float64]:
        """Return the draws of a number, shape (size,)."""
        return np.asarray(self.values[self.row(name, tumour, genotype, setting)])

    def has(self, name: str, tumour: str = "any", genotype: str = "", setting: str = "") -> bool:
        """Whether some row answers the question."""
        try:
            self.row(name, tumour, genotype, setting)
        except NetworkError:
            return False
        return True


def _keys(records: Sequence[Record]) -> dict[tuple[str, str, str, str], int]:
    keys: dict[tuple[str, str, str, str], int] = {}
    for position, record in enumerate(records):
        key = (
            record.text("name"),
            record.text("tumour"),
            record.text("genotype"),
            record.text("setting"),
        )
        if key in keys:
            raise NetworkError(f"{record.file}:{record.line}: {' '.join(key)} stands twice")
        keys[key] = position
    return keys


def _number(record: Record, column: str) -> float:
    value = record.number(column)
    if value is None:
        raise NetworkError(f"{record.file}:{record.line} {column}: empty")
    return value


def _draw(record: Record, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw one number; the stated interval is read as 95 %."""
    value, kind = _number(record, "value"), record.text("distribution")
    n, low, high = record.number("n"), record.number("low"), record.number("high")
    if kind == "fixed" or (n is None and (low is None or high is None)):
        return np.full(size, value)
    if kind == "beta" and n is not None:
        # Jeffreys prior: a zero of n leaves the possibility of one
        return rng.beta(value * n + 0.5, (1 - value) * n + 0.5, size)
    if low is None or high is None:
        raise NetworkError(f"{record.file}:{record.line} low, high: a {kind} needs both")
    if kind == "beta":
        # moments: a + b = m (1 - m) / v - 1
        total = value * (1 - value) / ((high - low) / 3.92) ** 2 - 1
        return rng.beta(value * total, (1 - value) * total, size)
    if kind == "lognormal":
        return np.asarray(value * np.exp(rng.normal(0, np.log(high / low) / 3.92, size)))
    draws = rng.normal(value, (high - low) / 3.92, size)
    if record.text("unit") in PROPORTIONS:
        draws = np.clip(draws, 0, 1)
    return np.asarray(np.maximum(draws, 0))
