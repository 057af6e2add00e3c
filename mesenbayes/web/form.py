"""The form as plain data: what the fields say becomes a case, and errors go to their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesenbayes.diagnosis.case import Case, parse_cases, read_cases
from mesenbayes.errors import CaseError, ImpossibleEvidence
from mesenbayes.network.structure import GENOTYPE, TUMOUR

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.network.variable import Variable
    from mesenbayes.report.diagnosis import Diagnosis

GROUPS = {
    "patient": "Patient and site",
    "specimen": "Sample",
    "gross": "The lesion",
    "imaging": "Imaging and endoscopy",
    "histology": "Histology",
    "immunohistochemistry": "Stains",
    "molecular": "Gene tests",
}
"""Headings in the order of the clinic; other groups follow under their own name."""


@dataclass(frozen=True)
class Answer:
    """What the app shows for one state of the form.

    Parameters
    ----------
    diagnosis
        None if the findings cannot be answered together.
    errors
        Field -> what is wrong with it.
    message
        What is wrong with the case as a whole; empty if nothing.
    """

    diagnosis: Diagnosis | None
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str = ""


def fields(network: Network) -> dict[str, list[Variable]]:
    """Return the variables that a person states, by heading."""
    shown = [
        v for v in network.variables if v.role != "latent" and v.name not in (TUMOUR, GENOTYPE)
    ]
    headings: dict[str, list[Variable]] = {title: [] for title in GROUPS.values()}
    for variable in shown:
        title = GROUPS.get(variable.group, variable.group.replace("_", " ").capitalize())
        headings.setdefault(title, []).append(variable)
    return {title: variables for title, variables in headings.items() if variables}


def answer(
    network: Network, values: Mapping[str, str], extra: Mapping[str, Any] | None = None
) -> Answer:
    """Answer the form.

    Parameters
    ----------
    values
        Variable -> text of its field; blank is not stated.
    extra
        Findings that the form has no field for, as a case states them.

    A field that cannot be read is left out of the answer and named; the others count.
    """
    findings: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, text in values.items():
        value = text.strip()
        if not value:
            continue
        variable = network.variable(name)
        if variable.unit is not None and value not in variable.states:
            value = value.replace(",", ".")
        try:
            network.vocabulary.match(Case(findings={name: value}, where="field"))
        except CaseError as error:
            errors[name] = plain(str(error), variable)
            continue
        findings[name] = value
    findings |= dict(extra or {})
    try:
        return Answer(network.diagnose(Case(findings=findings, where="case")), errors)
    except ImpossibleEvidence as error:
        names = [finding.partition("=")[0].split(" ")[0] for finding in error.findings]
        known = {v.name for v in network.variables}
        errors |= {n: "cannot be true together with the others" for n in names if n in known}
        return Answer(None, errors, sentence(str(error)))
    except CaseError as error:
        return Answer(None, errors, sentence(str(error)))


def plain(message: str, variable: Variable) -> str:
    """Return an error as it stands beside its field."""
    text = message.removeprefix("field: ")
    if variable.unit is not None and "cannot be" in text:
        text = f"not a number in {variable.unit}"
        if variable.limits:
            text += f" between {variable.limits[0]:g} and {variable.limits[1]:g}"
    return text


def sentence(message: str) -> str:
    """Return an error without its place, with a capital and a full stop."""
    text = re.sub(r"^(case|pasted case|row \d+)( \(case \d+\))?: ", "", message).rstrip(".")
    return text[:1].upper() + text[1:] + "."


@dataclass(frozen=True)
class Loaded:
    """A case file as the form takes it."""

    title: str
    values: dict[str, str]
    extra: dict[str, Any]
    note: str = ""


def load(network: Network, case: Case) -> Loaded:
    """Turn a case into field texts; what has no field is kept aside in `extra`.

    Raises
    ------
    CaseError
        If the case cannot be read.
    """
    matched = network.vocabulary.match(case, ignore_unknown=True)
    shown = {variable.name for group in fields(network).values() for variable in group}
    values: dict[str, str] = {}
    extra: dict[str, Any] = {}
    for finding in matched.findings:
        if finding.state is None:
            extra[finding.variable] = {finding.kind: dict(finding.weights)}
        elif finding.variable not in shown:
            extra[finding.variable] = finding.state
        elif finding.value is not None:
            values[finding.variable] = f"{finding.value:g}"
        else:
            values[finding.variable] = finding.state
    note = "; ".join(matched.set_aside)
    return Loaded(case.title or case.name, values, extra, note and f"Set aside: {note}")


def paste(network: Network, text: str) -> Loaded:
    """Read a case file pasted as text.

    Raises
    ------
    CaseError
        If it is not one case in YAML or JSON.
    """
    cases = parse_cases(text, "pasted case")
    if len(cases) != 1:
        raise CaseError(f"pasted case: holds {len(cases)} cases; paste one")
    return load(network, cases[0])


def example_cases(network: Network) -> dict[str, Case]:
    """Return the published cases that come with a network, by a title to choose from."""
    if network.structure is None:
        return {}
    found: dict[str, Case] = {}
    folders = {network.structure.folder, network.structure.evidence_folder.parent}
    for path in sorted({p for f in folders for p in Path(f, "cases").glob("*.yaml")}):
        for case in read_cases(path):
            try:
                network.diagnose(case, ignore_unknown=True)
            except CaseError:
                continue  # a case of a site or tumour that this network leaves out
            found.setdefault(case.title or case.name, case)
    return found
