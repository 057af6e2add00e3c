"""What can be done: strategies for a localised tumour, regimens for an advanced one."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mesenbayes.errors import NetworkError
from mesenbayes.treatment.conditions import Facts
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result


@dataclass(frozen=True)
class Strategy(Result):
    """One option for a localised tumour: the parts it is made of.

    Parameters
    ----------
    name, label
        Identifier, and what a person reads.
    extent
        ``""`` (no operation), ``endoscopic``, ``limited`` or ``wide``.
    baseline
        The strategy it is compared with in the breakdown over diagnoses.
    needs_tumour
        Codes or groups, one of which must be possible for the option to be offered.
    when
        Condition under which the option exists.
    """

    name: str
    label: str
    extent: str = ""
    baseline: str = ""
    imatinib_years: float = 0.0
    neoadjuvant: bool = False
    radiotherapy: bool = False
    chemotherapy: bool = False
    hormone: bool = False
    desmoid_systemic: bool = False
    needs_tumour: str = ""
    when: str = ""


@dataclass(frozen=True)
class StrategyBook:
    """All strategies, and the rules that make an operation a major one."""

    strategies: tuple[Strategy, ...]
    major_when: dict[str, tuple[str, ...]]
    note: str
    version: str

    def strategy(self, name: str) -> Strategy:
        """Return a strategy by name (KeyError if there is none)."""
        return {strategy.name: strategy for strategy in self.strategies}[name]

    def offered(self, facts: Facts, least: float) -> tuple[list[Strategy], dict[str, str]]:
        """Return the options for a case, and why the others are not offered.

        `least` is the probability below which a tumour type opens no options of its own.
        """
        offered, left_out = [], {}
        for strategy in self.strategies:
            if strategy.needs_tumour:
                p = facts.evaluate(f"tumour={strategy.needs_tumour}").probability
                if p < least:
                    left_out[strategy.name] = f"only for {strategy.needs_tumour} ({p:.3f})"
                    continue
            if strategy.when:
                truth = facts.evaluate(strategy.when)
                if truth.open_atoms:
                    left_out[strategy.name] = f"only if {'; '.join(truth.open_atoms)}, not stated"
                    continue
                if truth.probability < 0.5:
                    left_out[strategy.name] = f"only if {strategy.when}"
                    continue
            offered.append(strategy)
        return offered, left_out

    def major_probability(self, extent: str, facts: Facts) -> float:
        """Return the probability that an operation of this extent becomes a major one."""
        p_not = 1.0
        for condition in self.major_when.get(extent, ()):
            truth = facts.evaluate(condition)
            if not truth.open_atoms:
                p_not *= 1 - truth.probability
        return 1 - p_not


def read_strategies(path: Path) -> StrategyBook:
    """Read ``strategies.toml``.

    Raises
    ------
    NetworkError
        If the file is missing, broken, or a strategy has an unknown key or baseline.
    """
    if not path.is_file():
        raise NetworkError(f"{path.parent}: no {path.name} in this treatment folder")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        strategies = tuple(Strategy(**entry) for entry in data["strategy"])
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise NetworkError(f"{path}: {error}") from error
    names = {strategy.name for strategy in strategies}
    for strategy in strategies:
        if strategy.baseline and strategy.baseline not in names:
            raise NetworkError(f"{path}: {strategy.name} has unknown baseline {strategy.baseline}")
    surgery = data.get("surgery", {})
    major = {
        extent: tuple(surgery.get(f"{extent}_becomes_major", ())) for extent in ("limited", "wide")
    }
    return StrategyBook(strategies, major, surgery.get("note", ""), str(data.get("version", "")))


BEST_SUPPORTIVE_CARE = "best_supportive_care"


@dataclass(frozen=True)
class Regimen(Result):
    """A systemic treatment of one tumour class in one line, with its printed outcomes."""

    regimen: str
    label: str
    tumour: tuple[str, ...]
    genotype: tuple[str, ...]
    needs: str
    line: int
    pfs_months: float | None
    pfs_interval: tuple[float, float] | None
    os_months: float | None
    response: float | None
    toxicity: str
    source_id: str
    trust: str
    quote: str
    note: str

    def fits(self, tumour: str, group: str, genotype: str) -> bool:
        """Whether the row speaks about this class."""
        kind = tumour in self.tumour or group in self.tumour or "any" in self.tumour
        return kind and (not self.genotype or genotype in self.genotype)


def read_regimens(records: Sequence[Record]) -> tuple[Regimen, ...]:
    """Turn rows of ``regimens.csv`` into regimens."""
    return tuple(
        Regimen(
            regimen=record.text("regimen"),
            label=record.text("label"),
            tumour=record.options("tumour"),
            genotype=record.options("genotype"),
            needs=record.text("needs"),
            line=int(record.text("line")),
            pfs_months=record.number("pfs_months"),
            pfs_interval=_interval(record),
            os_months=record.number("os_months"),
            response=record.number("orr"),
            toxicity=record.text("toxicity"),
            source_id=record.text("source_id"),
            trust=record.text("trust"),
            quote=record.text("quote"),
            note=record.text("note"),
        )
        for record in records
    )


def _interval(record: Record) -> tuple[float, float] | None:
    low, high = record.number("pfs_low"), record.number("pfs_high")
    return None if low is None or high is None else (low, high)


@dataclass(frozen=True)
class Systemic:
    """Systemic treatment of one class: which regimen is standard, and what follows it."""

    tumour: str
    genotype: str
    standard: Regimen | None
    by_name: dict[str, Regimen]

    def post_progression_months(self, regimen: str) -> float | None:
        """Return mean survival after progression, (OS - PFS) / ln 2, of this or the standard."""
        for row in (self.by_name.get(regimen), self.standard):
            if row is not None and row.os_months is not None and row.pfs_months is not None:
                return (row.os_months - row.pfs_months) / math.log(2)
        return None


def systemic_for(
    regimens: Sequence[Regimen], tumour: str, group: str, genotype: str, facts: Facts
) -> Systemic:
    """Return the first-line regimens of a class; the standard has the longest PFS.

    A row for the type itself comes before a row for its group. A regimen that needs a
    marker counts only where the case has it.
    """
    by_name: dict[str, Regimen] = {}
    for row in regimens:
        if row.line != 1 or not row.fits(tumour, group, genotype):
            continue
        if row.needs:
            truth = facts.evaluate(row.needs)
            if truth.open_atoms or truth.probability < 0.5:
                continue
        known = by_name.get(row.regimen)
        if known is None or (tumour in row.tumour and tumour not in known.tumour):
            by_name[row.regimen] = row
    candidates = [
        row
        for row in by_name.values()
        if row.pfs_months is not None
        and (tumour in row.tumour or not any(tumour in other.tumour for other in by_name.values()))
    ]
    # a doubled dose is not what survival after relapse was published for
    usual = [row for row in candidates if row.regimen != "imatinib_800"]
    standard = max(usual, key=lambda row: row.pfs_months or 0.0, default=None)
    return Systemic(tumour, genotype, standard, by_name)
