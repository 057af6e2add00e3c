"""NET, the format of Hugin."""

from __future__ import annotations

import re

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.interop.tables import PlainTable, assemble, numbers
from mesenbayes.network.network import BayesianNetwork

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}()|;=]|[^\s{}()|;="]+')
_COMMENT = re.compile(r"%[^\n]*")


def write_net(network: BayesianNetwork) -> str:
    """Return a network as NET; labels survive."""
    lines = ["net", "{", "  node_size = (80 40);", "}"]
    for i, v in enumerate(network.variables):
        states = " ".join(f'"{s}"' for s in v.states)
        label = (v.label or v.name).replace('"', "'")
        lines += [f"node {v.name}", "{", f'  label = "{label}";',
                  f"  position = ({40 + 100 * (i % 8)} {40 + 60 * (i // 8)});",
                  f"  states = ( {states} );", "}"]  # fmt: skip
    for v in network.variables:
        table = network.tables[v.name]
        given = f" | {' '.join(table.parents)}" if table.parents else ""
        lines += [f"potential ( {v.name}{given} )", "{",
                  f"  data = {_nested(table.probability)};", "}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _nested(values: np.ndarray) -> str:
    if values.ndim == 1:
        return f"({' '.join(numbers(values))})"
    return "(" + "".join(_nested(inner) for inner in values) + ")"


def read_net(text: str, where: str) -> BayesianNetwork:
    """Parse NET: discrete chance nodes.

    Raises
    ------
    NetworkError
        If it is not NET, or has nodes of another kind.
    """
    words = [m[0] for m in _TOKEN.finditer(_without_comments(text))]
    states: dict[str, tuple[str, ...]] = {}
    labels: dict[str, str] = {}
    tables: list[PlainTable] = []
    at = 0

    def take() -> str:
        nonlocal at
        if at >= len(words):
            raise NetworkError(f"{where}: the file ends in the middle")
        at += 1
        return words[at - 1]

    def attributes() -> dict[str, list[str]]:
        if (found := take()) != "{":
            raise NetworkError(f"{where}: expected '{{' and found '{found}'")
        known: dict[str, list[str]] = {}
        while (key := take()) != "}":
            take()  # =
            value: list[str] = []
            while (word := take()) != ";":
                value.append(word)
            known[key] = value
        return known

    while at < len(words):
        kind = take()
        if kind in ("net", "class"):
            while words[at : at + 1] not in (["{"], []):
                take()
            attributes()
        elif kind in ("node", "discrete"):
            name = take() if kind == "node" else (take(), take())[1]
            known = attributes()
            states[name] = tuple(_plain(w) for w in known.get("states", []) if w not in "()")
            if "label" in known:
                labels[name] = _plain(known["label"][0])
        elif kind in ("continuous", "decision", "utility", "function"):
            raise NetworkError(f"{where}: a {kind} node; only discrete chance nodes work")
        elif kind == "potential":
            head: list[str] = []
            while (word := take()) != ")":
                if word != "(":
                    head.append(word)
            known = attributes()
            tables.append(_potential(head, known, where))
        else:
            raise NetworkError(f"{where}: '{kind}' stands where a node or a potential should")
    return assemble(where, states, tables, {k: v for k, v in labels.items() if v})


def _potential(head: list[str], known: dict[str, list[str]], where: str) -> PlainTable:
    child, parents = head[0], tuple(w for w in head[1:] if w != "|")
    if "data" not in known:
        raise NetworkError(f"{where}: the potential of {child} has no data")
    try:
        values = np.array([float(w) for w in known["data"] if w not in "()"])
    except ValueError:
        raise NetworkError(f"{where}: the data of {child} are not made of numbers") from None
    return PlainTable(child, parents, values)


def _plain(word: str) -> str:
    return word[1:-1].replace('\\"', '"') if word.startswith('"') else word


def _without_comments(text: str) -> str:
    lines = [line if line.count('"') else _COMMENT.sub("", line) for line in text.splitlines()]
    return "\n".join(lines)
