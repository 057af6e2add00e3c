"""The Interchange Format for Bayesian networks (BIF), which pgmpy, bnlearn and pyAgrum read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.interop.tables import PlainTable, assemble, numbers
from mesenbayes.network.network import BayesianNetwork

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_TOKEN = re.compile(r'"[^"]*"|[{}()\[\]|,;]|[^\s{}()\[\]|,;"]+')


def write_bif(network: BayesianNetwork) -> str:
    """Return a network as BIF."""
    lines = [f"network {_word(network.name)} {{", "}"]
    for v in network.variables:
        states = ", ".join(v.states)
        lines += [f"variable {v.name} {{", f"  type discrete [ {v.cardinality} ] {{ {states} }};",
                  "}"]  # fmt: skip
    for v in network.variables:
        table = network.tables[v.name]
        if not table.parents:
            lines += [f"probability ( {v.name} ) {{",
                      f"  table {', '.join(numbers(table.probability))};", "}"]  # fmt: skip
            continue
        lines.append(f"probability ( {v.name} | {', '.join(table.parents)} ) {{")
        parents = [network.variable(p) for p in table.parents]
        flat = table.probability.reshape(-1, v.cardinality)
        for given, row in zip(itertools.product(*(p.states for p in parents)), flat, strict=True):
            lines.append(f"  ({', '.join(given)}) {', '.join(numbers(row))};")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name) or "network"


class _Tokens:
    """The words of a file, one after the other."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        found: Iterator[str] = (m[0] for m in _TOKEN.finditer(_COMMENT.sub(" ", text)))
        self._tokens = [t[1:-1] if t.startswith('"') else t for t in found]
        self._at = 0

    def next(self) -> str:
        if self._at >= len(self._tokens):
            raise NetworkError(f"{self.where}: the file ends in the middle")
        self._at += 1
        return self._tokens[self._at - 1]

    def peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def expect(self, word: str) -> None:
        found = self.next()
        if found != word:
            raise NetworkError(f"{self.where}: expected '{word}' and found '{found}'")

    def until(self, end: str) -> list[str]:
        """Return the words up to `end`, without commas."""
        words = []
        while (word := self.next()) != end:
            if word != ",":
                words.append(word)
        return words

    def skip_block(self) -> None:
        depth = 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.next(), 0)


def read_bif(text: str, where: str) -> BayesianNetwork:
    """Parse BIF.

    Raises
    ------
    NetworkError
        If it is not BIF, or describes no network.
    """
    tokens = _Tokens(text, where)
    states: dict[str, tuple[str, ...]] = {}
    tables: list[PlainTable] = []
    name = where
    while (word := tokens.peek()) is not None:
        tokens.next()
        if word == "network":
            name = tokens.until("{")[0] if tokens.peek() != "{" else _no_name(tokens, where)
            tokens.skip_block()
        elif word == "variable":
            variable = tokens.next()
            tokens.expect("{")
            states[variable] = _states(tokens, variable)
        elif word == "probability":
            tables.append(_probability(tokens, states))
        else:
            raise NetworkError(f"{where}: '{word}' stands where a variable or probability should")
    return assemble(name, states, tables)


def _no_name(tokens: _Tokens, where: str) -> str:
    tokens.expect("{")
    return where


def _states(tokens: _Tokens, variable: str) -> tuple[str, ...]:
    found: tuple[str, ...] | None = None
    while (word := tokens.next()) != "}":
        if word == "type":
            kind = tokens.next()
            if kind != "discrete":
                raise NetworkError(f"{tokens.where}: {variable} is {kind}; only discrete works")
            tokens.until("{")
            found = tuple(tokens.until("}"))
            tokens.expect(";")
        else:
            tokens.until(";")  # a property
    if found is None:
        raise NetworkError(f"{tokens.where}: {variable} has no states")
    return found


def _probability(tokens: _Tokens, states: dict[str, tuple[str, ...]]) -> PlainTable:
    tokens.expect("(")
    inside = tokens.until(")")
    if "|" in inside:
        bar = inside.index("|")
        head, parents = inside[:bar], tuple(inside[bar + 1 :])
    else:
        head, parents = inside[:1], tuple(inside[1:])
    if len(head) != 1:
        raise NetworkError(f"{tokens.where}: a table is of one variable, not of {head}")
    child = head[0]
    for name in (child, *parents):
        if name not in states:
            raise NetworkError(f"{tokens.where}: table of an unknown variable '{name}'")
    cards = [len(states[p]) for p in parents]
    values = np.full((*cards, len(states[child])), np.nan)
    tokens.expect("{")
    while (word := tokens.next()) != "}":
        if word == "(":
            given = tokens.until(")")
            try:
                place = tuple(states[p].index(s) for p, s in zip(parents, given, strict=True))
            except ValueError:
                raise NetworkError(
                    f"{tokens.where}: ({', '.join(given)}) is no state of the parents of {child}"
                ) from None
            values[place] = _row(tokens, child, len(states[child]))
        elif word == "default":
            row = _row(tokens, child, len(states[child]))
            values[np.isnan(values).all(axis=-1)] = row
        elif word == "table":
            flat = _row(tokens, child, values.size)
            # A table with parents runs over the child slowest (JavaBayes).
            values = np.moveaxis(flat.reshape(len(states[child]), *cards), 0, -1)
        else:
            tokens.until(";")
    if np.isnan(values).any():
        raise NetworkError(f"{tokens.where}: the table of {child} has rows without numbers")
    return PlainTable(child, parents, values)


def _row(tokens: _Tokens, child: str, size: int) -> np.ndarray:
    words = tokens.until(";")
    try:
        row = np.array([float(word) for word in words])
    except ValueError:
        raise NetworkError(f"{tokens.where}: a row of {child} is not made of numbers") from None
    if row.size != size:
        raise NetworkError(f"{tokens.where}: a row of {child} has {row.size} numbers, not {size}")
    return row
