"""Declared priors: what no study says and somebody has to answer for.

One line of ``priors.csv`` gives one state of one row; the lines of a row share a strength
(how many cases the declaration is worth) and a reason. ``definition`` instead of a strength
means that the row holds by definition and is never varied.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import EvidenceError, NetworkError
from mesenbayes.evidence.records import parse_conditions

DEFINITION = "definition"
COLUMNS = ("variable", "given", "state", "weight", "strength", "reason")

Conditions = frozenset[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Declared:
    """One declared row: weights by state, their strength, and why."""

    weights: Mapping[str, float]
    strength: float | None
    reason: str

    @property
    def is_definition(self) -> bool:
        """Whether the row holds by definition."""
        return self.strength is None

    def alpha(self, states: tuple[str, ...]) -> NDArray[np.float64]:
        """Return Dirichlet parameters over `states`, adding up to the strength (1 for a
        definition).

        Raises
        ------
        NetworkError
            If no weight is left for these states.
        """
        weights = np.array([self.weights.get(state, 0.0) for state in states])
        if not weights.any():
            raise NetworkError(
                f"a declared prior ({self.reason}) gives {', '.join(self.weights)} a weight, but "
                f"none of {', '.join(states)}"
            )
        return np.asarray(weights / weights.sum() * (self.strength or 1.0))


@dataclass(frozen=True, eq=False)
class Priors:
    """All declared rows of a network, by variable and condition."""

    rows: Mapping[tuple[str, Conditions], Declared]
    digest_source: bytes = b""

    def find(self, variable: str, **given: str) -> Declared | None:
        """Return the row of `variable` under exactly the conditions `given`."""
        return self.rows.get((variable, frozenset(given.items())))


def read_priors(path: Path) -> Priors:
    """Read ``priors.csv``.

    Raises
    ------
    EvidenceError
        One line ``file:line column: reason`` for each broken line.
    """
    problems: list[str] = []
    collected: dict[tuple[str, Conditions], tuple[dict[str, float], set[str], list[str]]] = {}
    raw = path.read_bytes()
    reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise EvidenceError([f"{path.name}:1 must have the columns {', '.join(COLUMNS)}"])
    for cells in reader:
        where = f"{path.name}:{reader.line_num}"
        try:
            conditions = frozenset(parse_conditions(cells["given"]))
        except ValueError as error:
            problems.append(f"{where} column given: {error}")
            continue
        try:
            weight = float(cells["weight"])
            strength = cells["strength"].strip()
            if weight < 0 or (strength != DEFINITION and float(strength) <= 0):
                raise ValueError
        except ValueError:
            problems.append(
                f"{where} column weight: weight must be a number >= 0, strength a number > 0 "
                f"or '{DEFINITION}'"
            )
            continue
        if not cells["reason"].strip():
            problems.append(f"{where} column reason: a declared prior needs a reason")
            continue
        weights, strengths, reasons = collected.setdefault(
            (cells["variable"], conditions), ({}, set(), [])
        )
        weights[cells["state"]] = weight
        strengths.add(strength)
        reasons.append(cells["reason"].strip())
    rows = {}
    for key, (weights, strengths, reasons) in collected.items():
        name = f"{path.name}: {key[0]} given {dict(key[1])}"
        if len(strengths) > 1:
            problems.append(f"{name}: the lines of one row must share a strength")
        elif sum(weights.values()) <= 0:
            problems.append(f"{name}: the weights must not all be 0")
        else:
            (strength,) = strengths
            rows[key] = Declared(
                weights,
                None if strength == DEFINITION else float(strength),
                "; ".join(dict.fromkeys(reasons)),
            )
    if problems:
        raise EvidenceError(problems)
    return Priors(rows, raw)
