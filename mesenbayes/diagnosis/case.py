"""Reads cases as people write them: YAML or JSON, one case or a list of them.

A case is a mapping with ``findings`` and, if wanted, ``variants``, ``id``, ``title``,
``source`` and ``notes``. Reading checks the form only; whether the network knows a finding
is decided in :mod:`mesenbayes.diagnosis.findings`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesenbayes.errors import CaseError, did_you_mean, nearest

KEYS = ("id", "title", "source", "notes", "findings", "variants")
LARGEST_FILE = 2_000_000
"""Bytes; a case is a page of text."""


@dataclass(frozen=True)
class Case:
    """One patient's lesion as stated, not yet matched to a network.

    Parameters
    ----------
    findings
        Name as written -> state, number or uncertain finding, as written.
    variants
        Gene alterations as written.
    where
        File (and position in it) for error messages.
    """

    findings: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[Mapping[str, Any]] = ()
    id: str = ""
    title: str = ""
    source: str = ""
    notes: str = ""
    where: str = "case"

    @property
    def name(self) -> str:
        """What to call the case."""
        return self.title or self.id or self.where

    def to_dict(self) -> dict[str, Any]:
        """Return the case as stated, ready for JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "source": self.source,
            "notes": self.notes,
            "findings": dict(self.findings),
            "variants": [dict(v) for v in self.variants],
        }


def read_cases(path: str | os.PathLike[str]) -> list[Case]:
    """Read every case of a file; ``-`` reads standard input.

    Raises
    ------
    CaseError
        One sentence that names the file and the key.
    """
    if str(path) == "-":
        return parse_cases(sys.stdin.read(), "standard input")
    file = Path(path)
    if not file.exists():
        raise CaseError(f"{file}: there is no such file")
    if file.is_dir():
        raise CaseError(f"{file}: this is a folder, not a case")
    if file.stat().st_size > LARGEST_FILE:
        raise CaseError(f"{file}: {file.stat().st_size} bytes are too many for a case file")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaseError(f"{file}: this is not a text file in UTF-8") from None
    except OSError as error:
        raise CaseError(f"{file}: cannot be read ({error.strerror})") from None
    return parse_cases(text, str(file))


def parse_cases(text: str, where: str) -> list[Case]:
    """Parse the text of a case file.

    Raises
    ------
    CaseError
        If it is not YAML or JSON, or not a case.
    """
    if not text.strip():
        raise CaseError(f"{where}: the file is empty")
    document = _parse(text, where)
    if isinstance(document, list):
        if not document:
            raise CaseError(f"{where}: the list of cases is empty")
        return [as_case(item, f"{where} (case {i})") for i, item in enumerate(document, 1)]
    return [as_case(document, where)]


def as_case(document: Any, where: str = "case") -> Case:
    """Turn a mapping into a case. A mapping without ``findings`` or ``variants`` whose keys are
    none of the case's own is taken as the findings themselves."""
    if isinstance(document, Case):
        return document
    if not isinstance(document, Mapping):
        raise CaseError(f"{where}: a case is a mapping with 'findings', not {_kind(document)}")
    keys = [str(key) for key in document]
    if not {"findings", "variants"} & set(keys):
        if where != "case" or set(keys) & set(KEYS):
            raise CaseError(f"{where}: there is no 'findings' in the case")
        return Case(findings=_findings(document, where), where=where)
    for key in keys:
        if key not in KEYS:
            raise CaseError(f"{where}: unknown key '{key}'{did_you_mean(nearest(key, KEYS))}")
    variants = document.get("variants") or []
    if not isinstance(variants, list | tuple):
        raise CaseError(f"{where}: 'variants' is a list, not {_kind(variants)}")
    for entry in variants:
        if not isinstance(entry, Mapping) or "gene" not in entry:
            raise CaseError(f"{where}: each of 'variants' is a mapping with a 'gene'")
    return Case(
        findings=_findings(document.get("findings") or {}, where),
        variants=tuple({str(k): v for k, v in entry.items()} for entry in variants),
        where=where,
        **{key: _text(document, key, where) for key in ("id", "title", "source", "notes")},
    )


def _findings(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CaseError(f"{where}: 'findings' is a mapping of finding to state, not {_kind(value)}")
    return {str(key): state for key, state in value.items()}


def _text(document: Mapping[str, Any], key: str, where: str) -> str:
    value = document.get(key)
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        raise CaseError(f"{where}: '{key}' is a text, not {_kind(value)}")
    return str(value)


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "a mapping", str: "a text", type(None): "nothing"}
    return names.get(type(value), f"'{value}'")


def _parse(text: str, where: str) -> Any:
    if text.lstrip()[0] in "{[":
        try:
            return json.loads(text, object_pairs_hook=_no_twice)
        except json.JSONDecodeError as error:
            if where.endswith(".json"):
                raise CaseError(
                    f"{where}: not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
                ) from None
        except CaseError as error:
            raise CaseError(f"{where}: {error}") from None
        except RecursionError:
            raise CaseError(f"{where}: nested too deeply for a case") from None
    return _parse_yaml(text, where)


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise CaseError(f"'{key}' is stated twice")
        result[key] = value
    return result


def _parse_yaml(text: str, where: str) -> Any:
    """Parse YAML 1.2, in which ``no`` is a word. Aliases are refused: a case has no use for
    them, and a few lines of them unfold to gigabytes."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import AliasEvent

    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, AliasEvent):
                raise CaseError(
                    f"{where}: line {event.start_mark.line + 1} uses a YAML alias "
                    f"(*{event.anchor}); write the value out"
                )
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        key = str(error.problem).split('"')[1] if '"' in str(error.problem) else "a key"
        raise CaseError(f"{where}: '{key}' is stated twice") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise CaseError(f"{where}: broken YAML{place}: {problem}") from None
    except RecursionError:
        raise CaseError(f"{where}: nested too deeply for a case") from None
    except ValueError as error:
        raise CaseError(f"{where}: {error}") from None
