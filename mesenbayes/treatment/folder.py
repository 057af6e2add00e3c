"""A treatment folder read once: its tables, and what is computed from them alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mesenbayes.treatment.parameters import Parameters
from mesenbayes.treatment.records import Record, read_table
from mesenbayes.treatment.risk import RiskTables
from mesenbayes.treatment.strategy import (
    Regimen,
    StrategyBook,
    read_regimens,
    read_strategies,
)
from mesenbayes.treatment.survival import AdjuvantFit, TrialPoint, fit_adjuvant


@dataclass(frozen=True, eq=False)
class TreatmentFolder:
    """The tables of a treatment folder.

    Parameters
    ----------
    path
        Where it was read from.
    digest
        Hash of every file; equal digests decide alike.
    tables
        Name of the table -> its rows.
    strategies
        What can be done for a localised tumour.
    """

    path: Path
    digest: str
    tables: Mapping[str, tuple[Record, ...]] = field(repr=False)
    strategies: StrategyBook = field(repr=False)

    @cached_property
    def groups(self) -> dict[str, str]:
        """Tumour code -> treatment group."""
        return {row.text("tumour"): row.text("group") for row in self.tables["classes"]}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Tumour code -> what a person reads."""
        return {row.text("tumour"): row.text("label") for row in self.tables["classes"]}

    @cached_property
    def regimens(self) -> tuple[Regimen, ...]:
        """Systemic lines by type and genotype."""
        return read_regimens(self.tables["regimens"])

    @cached_property
    def risk_tables(self) -> RiskTables:
        """The printed risk tables."""
        return RiskTables(
            self.tables["risk_tables"], self.tables["risk_sites"], self.tables["risk_fill"]
        )

    @cached_property
    def parameters(self) -> Parameters:
        """The numbers of the model at their stated values."""
        return Parameters.means(self.tables["parameters"], self.groups)

    @cached_property
    def adjuvant_fit(self) -> AdjuvantFit:
        """Fit of the adjuvant imatinib trials, made on first use."""
        points = [
            TrialPoint(row.text("trial"), *(float(row.text(column)) for column in _POINT))
            for row in self.tables["adjuvant_fit"]
        ]
        return fit_adjuvant(points, float(self.parameters.get("imatinib_rate_ratio", "GIST")[0]))


_POINT = ("years_on_imatinib", "years", "value", "n")


def read_folder(path: str | Path) -> TreatmentFolder:
    """Read a treatment folder.

    Raises
    ------
    NetworkError
        If a file or column is missing.
    EvidenceError
        With every broken cell.
    """
    folder = Path(path)
    tables = {
        name: read_table(folder / f"{name}.csv", required, numeric)
        for name, (required, numeric) in _TABLES.items()
    }
    digest = hashlib.sha256()
    for file in sorted(p for p in folder.iterdir() if p.suffix in (".csv", ".toml")):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    strategies = read_strategies(folder / "strategies.toml")
    return TreatmentFolder(folder, digest.hexdigest()[:16], tables, strategies)


_SOURCE = ("source_id", "trust")
_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "parameters": (
        (
            "name",
            "tumour",
            "genotype",
            "setting",
            "value",
            "interval",
            "distribution",
            *_SOURCE,
            "quote",
            "note",
        ),
        ("value", "low", "high", "n"),
    ),
    "risk_tables": (
        ("scheme", "site", "size_over", "mitoses_over", "class", "percent", *_SOURCE, "quote"),
        ("size_over", "size_up_to", "mitoses_over", "mitoses_up_to", "percent"),
    ),
    "risk_sites": (("scheme", "site", "column", *_SOURCE), ()),
    "risk_fill": (
        ("scheme", "site", "percent", *_SOURCE),
        ("size_over", "size_up_to", "mitoses_over", "mitoses_up_to", "percent"),
    ),
    "fnclcc": (("component", "tumour", "score", *_SOURCE), ("over", "up_to", "score")),
    "classes": (("tumour", "group", "label", *_SOURCE), ()),
    "life_table": (("age", "male_qx", "female_qx", *_SOURCE), ("age", "male_qx", "female_qx")),
    "regimens": (
        ("regimen", "label", "tumour", "line", *_SOURCE, "quote"),
        ("line", "pfs_months", "os_months", "orr"),
    ),
    "adjuvant_fit": (
        ("trial", "outcome_id", "years_on_imatinib", "years", "value", "n", *_SOURCE),
        ("years_on_imatinib", "years", "value", "n"),
    ),
    "outcomes": (
        ("outcome_id", "tumour", "treatment", "endpoint", "statistic", "value", *_SOURCE, "quote"),
        ("timepoint_months", "value", "ci_low", "ci_high"),
    ),
    "guidelines": (("guideline_id", "condition", "recommendation", "strength", *_SOURCE), ()),
    "alerts": (("alert_id", "condition", "severity", "message", *_SOURCE), ()),
    "follow_up": (
        ("schedule", "condition", "from_month", "to_month", "every_months", *_SOURCE),
        ("from_month", "to_month", "every_months", "every_months_at_most"),
    ),
    "published_models": (("quantity", "item", "value", *_SOURCE), ("value", "low", "high")),
    "sources": (("source_id", "first_author", "year", "title", "identifier", "url"), ()),
}
