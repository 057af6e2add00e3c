"""The order of the clinic: imaging by place, needle, stains, genes, expert review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mesenbayes.errors import EvidenceError, NetworkError
from mesenbayes.workup.conditions import Condition, parse_condition
from mesenbayes.workup.table import read_rows

COLUMNS = (
    "step", "stage", "text", "when", "done_if", "strength", "source_id", "trust", "quote"
)  # fmt: skip
STAGES = ("imaging", "biopsy", "stains", "genes", "review")


@dataclass(frozen=True)
class Step:
    """One step of the clinic, in its order.

    Parameters
    ----------
    done
        Whether the case shows that it has been taken.
    """

    stage: str
    text: str
    strength: str
    source_id: str
    trust: str
    quote: str
    done: bool


@dataclass(frozen=True)
class StepRule:
    """A step with the conditions under which it applies and is done."""

    step: Step
    when: Condition
    done_if: Condition


def read_steps(folder: Path) -> tuple[StepRule, ...]:
    """Read ``steps.csv``.

    Raises
    ------
    EvidenceError
        With every broken row.
    """
    rules: list[StepRule] = []
    problems: list[str] = []
    for line, row in read_rows(folder / "steps.csv", COLUMNS):
        where = f"steps.csv:{line}"
        if row["stage"] not in STAGES:
            problems.append(f"{where}: stage '{row['stage']}' is not one of {', '.join(STAGES)}")
        if not row["source_id"] and row["trust"] != "assumption":
            problems.append(f"{where}: neither a source nor marked as assumption")
        try:
            when, done_if = parse_condition(row["when"]), parse_condition(row["done_if"])
        except NetworkError as error:
            problems.append(f"{where}: {error}")
            continue
        step = Step(
            row["stage"], row["text"], row["strength"], row["source_id"], row["trust"],
            row["quote"], False,
        )  # fmt: skip
        rules.append(StepRule(step, when, done_if))
    if problems:
        raise EvidenceError(problems)
    return tuple(rules)


def steps_for(
    rules: tuple[StepRule, ...], known: Mapping[str, str], probability: Mapping[str, float]
) -> tuple[Step, ...]:
    """Return the steps that apply to a case, in the order of the clinic.

    Parameters
    ----------
    known
        Variable -> its state, or '' for an uncertain finding.
    probability
        Diagnosis -> probability.
    """
    found = []
    for rule in rules:
        if rule.when.holds(known, probability):
            done = bool(rule.done_if.parts) and rule.done_if.holds(known, probability)
            step = rule.step
            found.append(
                Step(step.stage, step.text, step.strength, step.source_id, step.trust,
                     step.quote, done)
            )  # fmt: skip
    return tuple(sorted(found, key=lambda s: STAGES.index(s.stage)))
