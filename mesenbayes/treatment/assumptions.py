"""Every number and rule that nobody has published, with the reason it stands there."""

from __future__ import annotations

from dataclasses import dataclass

from mesenbayes.treatment.folder import TreatmentFolder
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result

_ABOUT = (
    "name", "regimen", "scheme", "alert_id", "schedule", "tumour", "genotype", "setting", "site",
)  # fmt: skip
_VALUE = ("value", "pfs_months", "percent", "column", "examination")


@dataclass(frozen=True)
class Assumption(Result):
    """One number or rule without a source of its own.

    `source_id` names the source it was derived from or borrowed from, if there is one.
    """

    table: str
    line: int
    what: str
    value: str
    low: str
    high: str
    unit: str
    reason: str
    source_id: str


def listed_assumptions(folder: TreatmentFolder) -> tuple[Assumption, ...]:
    """Return the assumptions of a folder in the order of its tables."""
    found = [
        _assumption(row, row.text("note"), "")
        for rows in folder.tables.values()
        for row in rows
        if row.text("trust") == "assumption"
    ]
    # a sourced value may still be varied within bounds that nobody printed
    found += [
        _assumption(row, f"only the interval: {row.text('note')}", " (interval)")
        for row in folder.tables["parameters"]
        if row.text("interval") == "assumed" and row.text("trust") != "assumption"
    ]
    rules = "; ".join(
        f"{extent}: {condition}"
        for extent, conditions in folder.strategies.major_when.items()
        for condition in conditions
    )
    found.append(
        Assumption(
            "strategies.toml", 0, "an operation becomes a major one", rules, "", "", "",
            folder.strategies.note, "",
        )
    )  # fmt: skip
    return tuple(found)


def _assumption(row: Record, reason: str, suffix: str) -> Assumption:
    return Assumption(
        table=row.file,
        line=row.line,
        what=" ".join(row.text(c) for c in _ABOUT if row.text(c) not in ("", "any")) + suffix,
        value=next((row.text(c) for c in _VALUE if row.text(c)), ""),
        low=row.text("low"),
        high=row.text("high"),
        unit=row.text("unit"),
        reason=reason,
        source_id=row.text("source_id"),
    )
