"""How the columns of a laboratory's file are called, and what its words mean.

A mapping file is TOML, every part of it optional:

.. code-block:: toml

    id = "Accession"                  # column that names the case
    missing = ["not done", "n.d."]    # further words for "not observed"
    ignore = ["Pathologist"]          # columns that say nothing to a network

    [columns]                         # column of the file = variable of the network
    "c-kit (IHC)" = "CD117"
    "Diameter" = "size_cm"

    [units]                           # unit of a column of numbers, where it is another
    "Diameter" = "mm"

    [states."c-kit (IHC)"]            # word of the file = state; "" is "not observed"
    "3+" = "positive"

    [variants]                        # a column of variants in one gene, as reports write them
    "PDGFRA result" = "PDGFRA"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesenbayes.errors import CaseError, did_you_mean, nearest

MISSING = frozenset({"", "na", "n/a", "nan", "null", "<na>", "nat", "."})
"""Words that every file may use for "not observed". Unknown or not done is for the mapping to
say: in some files they are states."""

_TABLES = ("columns", "units", "states", "variants")


@dataclass(frozen=True)
class ColumnMapping:
    """What a mapping file says; empty unless it says something.

    Parameters
    ----------
    id
        Column that names the case; ``id`` is taken where there is one.
    columns, units, variants
        Column -> variable, unit, gene.
    states
        Column -> word of the file -> state.
    missing
        Words for "not observed", in lower case.
    ignore
        Columns to leave out without a word.
    """

    id: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = MISSING
    ignore: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the mapping as plain data, the same in every process."""
        return {**vars(self), "missing": sorted(self.missing)}

    def translate(self, column: str, value: Any) -> Any:
        """Return a cell in the network's words; None is "not observed"."""
        if value is None or value != value:  # NaN alone is unequal to itself
            return None
        if isinstance(value, str):
            word = value.strip()
            named = self.states.get(column, {}).get(word)
            if named is not None:
                return named or None
            return None if word.lower() in self.missing else word
        named = self.states.get(column, {}).get(str(value))
        return value if named is None else (named or None)


def read_mapping(path: str | os.PathLike[str]) -> ColumnMapping:
    """Read a mapping file.

    Raises
    ------
    CaseError
        If it is missing, not TOML, or has a key that means nothing.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CaseError(f"{file}: there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"{file}: not a mapping file in TOML: {error}") from None
    known = ("id", "missing", "ignore", *_TABLES)
    for key in document:
        if key not in known:
            raise CaseError(f"{file}: unknown key '{key}'{did_you_mean(nearest(key, known))}")
    for key in _TABLES:
        table = document.get(key, {})
        inner = table.values() if key == "states" and isinstance(table, dict) else (table,)
        if not all(isinstance(t, dict) and _all_text(t.values()) for t in inner):
            raise CaseError(f"{file}: [{key}] is a table of words")
    for key in ("missing", "ignore"):
        if not isinstance(document.get(key, []), list) or not _all_text(document.get(key, [])):
            raise CaseError(f"{file}: '{key}' is a list of words")
    return ColumnMapping(
        id=document.get("id"),
        columns=document.get("columns", {}),
        units=document.get("units", {}),
        states=document.get("states", {}),
        variants=document.get("variants", {}),
        missing=MISSING | {str(word).strip().lower() for word in document.get("missing", ())},
        ignore=tuple(document.get("ignore", ())),
    )


def _all_text(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
