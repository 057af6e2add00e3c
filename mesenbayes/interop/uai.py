"""UAI, the format of the inference competitions: numbers only, names beside it.

The last variable of a scope runs fastest and the child stands last, as the competitions define
it. Not every program keeps to that: pyAgrum 3.3.1 reads and writes several parents in reverse,
pgmpy 1.1.2 runs the child slowest. For those two the other formats are the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.interop.tables import PlainTable, assemble, numbers
from mesenbayes.network.network import BayesianNetwork

NAMES = ".names.json"
"""Ending of the file that keeps the names: UAI has none."""


def write_uai(network: BayesianNetwork) -> str:
    """Return a network as UAI, type BAYES: parents first, child last and fastest."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    lines = ["BAYES", str(len(network.variables)),
             " ".join(str(v.cardinality) for v in network.variables),
             str(len(network.variables))]  # fmt: skip
    for v in network.variables:
        scope = [position[p] for p in network.tables[v.name].parents] + [position[v.name]]
        lines.append(" ".join(map(str, (len(scope), *scope))))
    for v in network.variables:
        values = network.tables[v.name].probability
        lines += ["", str(values.size), " ".join(numbers(values))]
    return "\n".join(lines) + "\n"


def names_of(network: BayesianNetwork) -> dict[str, list[str]]:
    """Return the names that UAI loses: variable -> states, in order."""
    return {v.name: list(v.states) for v in network.variables}


def read_uai(
    text: str, where: str, names: Mapping[str, Sequence[str]] | None = None
) -> BayesianNetwork:
    """Parse UAI.

    Parameters
    ----------
    names
        Variable -> states; X0, X1, ... and s0, s1, ... without.

    Raises
    ------
    NetworkError
        If it is not of type BAYES, or cut short.
    """
    words = iter(text.split())
    try:
        if next(words) != "BAYES":
            raise NetworkError(f"{where}: not a Bayesian network in the UAI format")
        cards = [int(next(words)) for _ in range(int(next(words)))]
        scopes = [
            [int(next(words)) for _ in range(int(next(words)))] for _ in range(int(next(words)))
        ]
        values = [np.array([float(next(words)) for _ in range(int(next(words)))]) for _ in scopes]
    except (StopIteration, RuntimeError):
        raise NetworkError(f"{where}: the file ends in the middle") from None
    except ValueError as error:
        raise NetworkError(f"{where}: not a number: {error}") from None
    given = names or {f"X{i}": [f"s{k}" for k in range(c)] for i, c in enumerate(cards)}
    labels = list(given)
    if [len(given[name]) for name in labels] != cards:
        raise NetworkError(f"{where}: the names beside the file are those of another network")
    tables = [
        PlainTable(labels[scope[-1]], tuple(labels[i] for i in scope[:-1]), table)
        for scope, table in zip(scopes, values, strict=True)
    ]
    return assemble(where, given, tables)
