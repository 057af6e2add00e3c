"""XMLBIF, exact between programs, and XDSL, the format of GeNIe and SMILE.

In XDSL the first parent runs slowest and the states of the node fastest, in SMILE, in pgmpy and
here. pyAgrum 3.3.1 lists several parents in reverse: its own files are recognised by their
signature, but it misreads those of SMILE, pgmpy and ours. Give it XMLBIF.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.interop.tables import PlainTable, assemble, numbers
from mesenbayes.network.network import BayesianNetwork


def write_xmlbif(network: BayesianNetwork) -> str:
    """Return a network as XMLBIF 0.3, without the document type that pyAgrum cannot read."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<BIF VERSION="0.3">', "<NETWORK>",
             f"<NAME>{escape(network.name)}</NAME>"]  # fmt: skip
    for v in network.variables:
        outcomes = "".join(f"<OUTCOME>{escape(s)}</OUTCOME>" for s in v.states)
        lines.append(f'<VARIABLE TYPE="nature"><NAME>{escape(v.name)}</NAME>{outcomes}</VARIABLE>')
    for v in network.variables:
        table = network.tables[v.name]
        given = "".join(f"<GIVEN>{escape(p)}</GIVEN>" for p in table.parents)
        lines.append(
            f"<DEFINITION><FOR>{escape(v.name)}</FOR>{given}"
            f"<TABLE>{' '.join(numbers(table.probability))}</TABLE></DEFINITION>"
        )
    return "\n".join([*lines, "</NETWORK>", "</BIF>"]) + "\n"


def read_xmlbif(text: str, where: str) -> BayesianNetwork:
    """Parse XMLBIF.

    Raises
    ------
    NetworkError
        If it is not XMLBIF, or describes no network.
    """
    root = _parse(text, where)
    network = root if root.tag == "NETWORK" else root.find("NETWORK")
    if network is None:
        raise NetworkError(f"{where}: not XMLBIF, there is no NETWORK in it")
    states, tables = {}, []
    for variable in network.findall("VARIABLE"):
        name = _text(variable, "NAME", where)
        kind = variable.get("TYPE", "nature")
        if kind != "nature":
            raise NetworkError(f"{where}: {name} is a {kind} node; only chance works")
        states[name] = tuple((o.text or "").strip() for o in variable.findall("OUTCOME"))
    for definition in network.findall("DEFINITION"):
        child = _text(definition, "FOR", where)
        parents = tuple((g.text or "").strip() for g in definition.findall("GIVEN"))
        tables.append(
            PlainTable(child, parents, _floats(_text(definition, "TABLE", where), child, where))
        )
    return assemble(network.findtext("NAME", where).strip(), states, tables)


def write_xdsl(network: BayesianNetwork) -> str:
    """Return a network as XDSL. The name that GeNIe shows is the identifier: pyAgrum takes it for
    the name of the variable."""
    identifier = "".join(c if c.isalnum() else "_" for c in network.name)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<smile version="1.0" id="{identifier}" numsamples="10000">', "<nodes>"]  # fmt: skip
    for v in network.variables:
        table = network.tables[v.name]
        lines.append(f"<cpt id={quoteattr(v.name)}>")
        lines += [f"<state id={quoteattr(s)} />" for s in v.states]
        if table.parents:
            lines.append(f"<parents>{' '.join(table.parents)}</parents>")
        values = " ".join(numbers(table.probability))
        lines += [f"<probabilities>{values}</probabilities>", "</cpt>"]
    lines += ["</nodes>", "<extensions>",
              f'<genie version="1.0" app="mesenbayes" name={quoteattr(network.name)}>']  # fmt: skip
    for i, v in enumerate(network.variables):
        left, top = 40 + 160 * (i % 8), 40 + 90 * (i // 8)
        lines.append(
            f"<node id={quoteattr(v.name)}><name>{escape(v.name)}</name>"
            '<interior color="e5f6f7" /><outline color="000080" />'
            '<font color="000000" name="Arial" size="8" />'
            f"<position>{left} {top} {left + 130} {top + 50}</position></node>"
        )
    return "\n".join([*lines, "</genie>", "</extensions>", "</smile>"]) + "\n"


def read_xdsl(text: str, where: str) -> BayesianNetwork:
    """Parse XDSL: chance nodes with tables, and deterministic ones.

    Raises
    ------
    NetworkError
        If it is not XDSL, or has nodes of another kind (they are named).
    """
    root = _parse(text, where)
    nodes = root.find("nodes")
    if root.tag != "smile" or nodes is None:
        raise NetworkError(f"{where}: not XDSL, there are no nodes of a smile network in it")
    title = root.find("extensions/genie")
    reverse = title is not None and title.get("app", "").startswith("aGrUM")
    states, tables = {}, []
    for node in nodes:
        name = node.get("id", "")
        if node.tag not in ("cpt", "deterministic"):
            raise NetworkError(
                f"{where}: {name} is a node of kind {node.tag}; only tables (cpt) work"
            )
        words = tuple(state.get("id", "") for state in node.findall("state"))
        states[name] = words
        parents = tuple((node.findtext("parents") or "").split())
        parents = parents[::-1] if reverse else parents
        if node.tag == "cpt":
            values = _floats(_text(node, "probabilities", where), name, where)
        else:
            chosen = _text(node, "resultingstates", where).split()
            values = np.array([[float(s == c) for s in words] for c in chosen])
        tables.append(PlainTable(name, parents, values))
    labels = {n.get("id", ""): (n.findtext("name") or "").strip() for n in root.iter("node")}
    name = (title.get("name") if title is not None else None) or root.get("id") or where
    return assemble(name, states, tables, {k: v for k, v in labels.items() if v})


def _parse(text: str, where: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise NetworkError(f"{where}: not XML: {error}") from None


def _text(element: ElementTree.Element, tag: str, where: str) -> str:
    found = element.findtext(tag)
    if found is None:
        raise NetworkError(f"{where}: a {element.tag} has no {tag}")
    return found.strip()


def _floats(text: str, child: str, where: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in text.split()])
    except ValueError:
        raise NetworkError(f"{where}: the table of {child} is not made of numbers") from None
