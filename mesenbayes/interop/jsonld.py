"""Counts and provenance of a network: JSON-LD that reads back as the same network, and CSV.

The vocabulary is that of PROV-O where it has a word (a row was derived from its studies) and
our own under ``mb:`` where it has none. Rows that several places share are written once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Study, Table
from mesenbayes.network.variable import Variable

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "mesenbayes-network/1"
_CONTEXT = {
    "mb": "https://w3id.org/mesenbayes#",
    "prov": "http://www.w3.org/ns/prov#",
    "name": "http://schema.org/name",
    "version": "http://schema.org/version",
    "variables": "mb:variables",
    "tables": "mb:tables",
    "rows": "mb:rows",
    "alpha": {"@id": "mb:dirichletParameters", "@container": "@list"},
    "origin": "mb:origin",
    "reason": "mb:reason",
    "studies": "prov:wasDerivedFrom",
    "source_id": "prov:hadPrimarySource",
}


def write_jsonld(network: BayesianNetwork) -> str:
    """Return a network with its Dirichlet rows and their studies as JSON-LD."""
    number: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    tables = []
    for variable in network.variables:
        table = network.tables[variable.name]
        for row in table.rows:
            if id(row) not in number:
                number[id(row)] = len(rows)
                rows.append(_row(row, len(rows)))
        tables.append(
            {
                "@id": f"#table-{variable.name}",
                "@type": "mb:Table",
                "variable": variable.name,
                "parents": list(table.parents),
                "rows": [number[id(row)] for row in table.rows],
                "row_index": table.row_index.tolist(),
            }
        )
    document = {
        "@context": _CONTEXT,
        "@type": "mb:BayesianNetwork",
        "format": FORMAT,
        "name": network.name,
        "version": network.version,
        "digest": network.digest,
        "variables": [_plain(asdict(v)) for v in network.variables],
        "tables": tables,
        "rows": rows,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _row(row: Row, number: int) -> dict[str, Any]:
    return {
        "@id": f"#row-{number}",
        "@type": ["mb:DirichletRow", "prov:Entity"],
        "alpha": [float(a) for a in row.alpha],
        "origin": row.origin,
        "reason": row.reason,
        "studies": [_plain(asdict(s)) for s in row.studies],
    }


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in entry.items():
        if value is None or (isinstance(value, tuple | dict | str) and not value):
            continue
        kept[key] = value.item() if isinstance(value, np.generic) else value
    return kept


def read_jsonld(text: str, where: str) -> BayesianNetwork:
    """Read what :func:`write_jsonld` wrote.

    Raises
    ------
    NetworkError
        If it is something else.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"{where}: not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NetworkError(f"{where}: not a network of the format {FORMAT}")
    try:
        rows = [_read_row(entry) for entry in document["rows"]]
        variables = tuple(_read_variable(entry) for entry in document["variables"])
        tables = {
            entry["variable"]: Table(
                entry["variable"],
                tuple(entry["parents"]),
                tuple(rows[i] for i in entry["rows"]),
                np.array(entry["row_index"], dtype=np.intp),
            )
            for entry in document["tables"]
        }
        return BayesianNetwork(
            document["name"], document["version"], variables, tables, document["digest"]
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise NetworkError(f"{where}: broken network file: {error}") from None


def _read_row(entry: Mapping[str, Any]) -> Row:
    return Row(
        np.array(entry["alpha"], dtype=np.float64),
        entry["origin"],
        entry["reason"],
        tuple(
            Study(
                s["source_id"], tuple((str(a), b) for a, b in s.get("counts", ())), s["n"],
                s["effective_n"], s.get("note", ""),
            )
            for s in entry["studies"]
        ),
    )  # fmt: skip


def _read_variable(entry: Mapping[str, Any]) -> Variable:
    known = {f.name for f in fields(Variable)}
    lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()
                             if k in known}
    return Variable(**lists)


def counts_frame(network: BayesianNetwork) -> pd.DataFrame:
    """Return every study behind every row: one line a study and state, with its source."""
    import pandas as pd

    from mesenbayes.diagnosis.rows import distinct_rows, parents_in_words

    lines = []
    distinct = distinct_rows(network, [v.name for v in network.variables])
    for row, (table, position) in zip(distinct.rows, distinct.first, strict=True):
        given = parents_in_words(network, table, position)
        states = network.variable(table).states
        common = {"variable": table, "given": given, "origin": row.origin, "reason": row.reason}
        for i, state in enumerate(states):
            mean = {"state": state, "mean": float(row.mean[i]), "alpha": float(row.alpha[i])}
            if not row.studies:
                lines.append({**common, **mean})
            for study in row.studies:
                lines.append(
                    {**common, **mean, "source_id": study.source_id,
                     "k": dict(study.counts).get(state), "n": study.n,
                     "effective_n": study.effective_n}
                )  # fmt: skip
    columns = ["variable", "given", "state", "mean", "alpha", "origin", "source_id", "k", "n",
               "effective_n", "reason"]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)
