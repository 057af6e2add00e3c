"""What an outside record becomes: a case, its diagnosis if known, and what was set aside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mesenbayes.diagnosis.findings import Vocabulary, squeeze
from mesenbayes.errors import CaseError
from mesenbayes.network.structure import OTHER, Structure


@dataclass(frozen=True)
class Record:
    """A case from another system.

    Parameters
    ----------
    findings, variants
        As a case file has them.
    tumour
        The diagnosis as a code of the network; empty where it has none.
    """

    id: str
    findings: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Mapping[str, Any], ...] = ()
    tumour: str = ""
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return a line of a cohort in JSON: a case with its answer beside it."""
        entry: dict[str, Any] = {"id": self.id, "findings": dict(self.findings)}
        if self.variants:
            entry["variants"] = [dict(v) for v in self.variants]
        if self.source:
            entry["source"] = self.source
        if self.tumour:
            entry["true_tumour"] = self.tumour
        return entry


@dataclass(frozen=True)
class Aside:
    """Something of another system that could not be read as meant."""

    where: str
    reason: str


def to_lines(records: Iterable[Record]) -> str:
    """Return records as JSON lines, which ``mesenbayes cohort`` reads."""
    return "".join(json.dumps(r.to_dict(), ensure_ascii=False) + "\n" for r in records)


def tumour_of_oncotree(structure: Structure | None, code: str) -> str:
    """Return our code of an OncoTree code; OTHER for one that is not modelled.

    Never by spelling: OncoTree's LIPO is liposarcoma and its CHS chondrosarcoma of bone.
    """
    word = code.strip().upper()
    if structure is None or not word:
        return ""
    known = {t.codes["OncoTree"]: t.code for t in structure.tumours if "OncoTree" in t.codes}
    return known.get(word, OTHER)


def measured(vocabulary: Vocabulary, name: str, value: float, unit: str) -> tuple[str, float]:
    """Return variable and number in its own unit.

    Raises
    ------
    CaseError
        For an unknown name, or a unit that cannot be converted.
    """
    variable, factor = vocabulary.find(name)
    if variable.unit is None:
        raise CaseError(f"{variable.name} is not a number")
    if not unit or squeeze(unit) == squeeze(variable.unit):
        return variable.name, value * (factor if not unit else 1.0)
    for other, rate in variable.conversions.items():
        # The unit is the end of the key after "_": "mm" of size_mm, "50hpf" of mitoses_per_50hpf.
        if squeeze(unit).removeprefix("per") == squeeze(other.rsplit("_", 1)[-1]):
            return variable.name, value * rate
    raise CaseError(f"{variable.name} is in {variable.unit}; no conversion from '{unit}'")
