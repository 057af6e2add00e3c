"""GA4GH Phenopackets, version 2, in JSON: a case in, a case with its differential out.

Names and states are matched by their labels through the network's vocabulary. Tissue and
primary site give the site, measurements the stains and sizes, phenotypic features what is
present or excluded, genomic interpretations the variants, the disease the diagnosis.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesenbayes import __version__
from mesenbayes.diagnosis.case import Case
from mesenbayes.errors import CaseError, MesenbayesError
from mesenbayes.interop.hgvs import as_variant
from mesenbayes.interop.records import Aside, Record, measured, tumour_of_oncotree

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.report.diagnosis import Diagnosis

_LISTS = frozenset({
    "biosamples", "diseases", "measurements", "phenotypicFeatures", "interpretations",
    "genomicInterpretations", "expressions",
})  # fmt: skip
"""Fields of version 2 that we read and that are lists of objects."""
_OBJECTS = frozenset({
    "metaData", "subject", "timeAtLastEncounter", "age", "procedure", "quantity", "diagnosis",
    "variantInterpretation", "variationDescriptor", "geneContext", "term",
})  # fmt: skip
"""Fields of version 2 that we read and that are objects."""
_AGE = re.compile(r"^P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?")
_VERSION_1 = ("genes", "variants", "hpoFiles", "htsFiles")
_METHOD = re.compile(r"\s*(?:\((?:IHC|immunohistochemistry)\)|by immunohistochemistry)\s*$", re.I)
_SHOWN = 10


def read_phenopacket(
    path: str | os.PathLike[str] | Mapping[str, Any], network: Network
) -> tuple[Record, list[Aside]]:
    """Read one phenopacket.

    Raises
    ------
    CaseError
        If it is not a phenopacket, or one of version 1.
    """
    where, packet = _load(path)
    if not isinstance(packet, Mapping) or "metaData" not in packet:
        raise CaseError(f"{where}: not a phenopacket, it has no metaData")
    packet = _shaped(packet, where)
    version = str(packet.get("metaData", {}).get("phenopacketSchemaVersion", ""))
    if version.startswith("1") or (not version and any(k in packet for k in _VERSION_1)):
        raise CaseError(f"{where}: a phenopacket of version 1 ({version or 'unmarked'}); "
                        "convert it to version 2 first")  # fmt: skip
    findings: dict[str, Any] = {}
    aside: list[Aside] = []
    name = str(packet.get("id") or where)
    for known_as, value in _statements(packet, network, name, aside):
        try:
            ((variable, state),) = _matched(network, known_as, value)
        except MesenbayesError as error:
            aside.append(Aside(name, str(error).removeprefix(": ")))
            continue
        if findings.get(variable, state) != state:
            aside.append(Aside(name, f"{variable} is stated twice: {findings[variable]}, {state}"))
            continue
        findings[variable] = state
    variants = tuple(_variants(packet, network, name, aside))
    return Record(name, findings, variants, _tumour(packet, network)), aside


def _load(path: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[str, Any]:
    if isinstance(path, Mapping):
        return "phenopacket", path
    file = Path(path)
    try:
        return str(file), json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CaseError(f"{file}: there is no such file") from None
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{file}: not JSON: {error}") from None


def _shaped(node: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return an object without its nulls; refuse a list or an object that is something else."""
    found: dict[str, Any] = {}
    for key, inner in node.items():
        if inner is None:
            continue
        if key in _LISTS:
            if not isinstance(inner, list) or not all(isinstance(e, Mapping) for e in inner):
                raise CaseError(f"{where}: {key} is not a list of objects")
            found[key] = [_shaped(element, where) for element in inner]
        elif isinstance(inner, Mapping):
            found[key] = _shaped(inner, where)
        elif key in _OBJECTS:
            raise CaseError(f"{where}: {key} is not an object")
        else:
            found[key] = inner
    return found


def _matched(network: Network, name: str, value: Any) -> list[tuple[str, Any]]:
    found = network.vocabulary.match(Case(findings={name: value}, where="")).findings
    return [(f.variable, f.value if f.value is not None else f.state) for f in found]


def _label(term: Any) -> str:
    return str(term.get("label", "")).strip() if isinstance(term, Mapping) else ""


def _statements(
    packet: Mapping[str, Any], network: Network, name: str, aside: list[Aside]
) -> Iterator[tuple[str, Any]]:
    subject = packet.get("subject") or {}
    age = (subject.get("timeAtLastEncounter") or {}).get("age") or {}
    duration = _AGE.match(str(age.get("iso8601duration", "")))
    if duration and duration[1]:
        yield "age", float(duration[1])
    elif age:
        aside.append(Aside(name, f"age '{age.get('iso8601duration')}' is not like P58Y"))
    if subject.get("sex") in ("FEMALE", "MALE"):
        yield "sex", subject["sex"].lower()
    places = [_label(sample.get("sampledTissue")) for sample in packet.get("biosamples", ())]
    places += [_label(disease.get("primarySite")) for disease in packet.get("diseases", ())]
    for place in dict.fromkeys(p for p in places if p):
        yield "site", place
    for sample in packet.get("biosamples", ()):
        taken = _label((sample.get("procedure") or {}).get("code"))
        if taken:
            yield "sampling", taken
    samples = (s.get("measurements", ()) for s in packet.get("biosamples", ()))
    for measurement in (*packet.get("measurements", ()), *(m for some in samples for m in some)):
        yield from _measurement(measurement, network, name, aside)
    features = (s.get("phenotypicFeatures", ()) for s in packet.get("biosamples", ()))
    everything = (*packet.get("phenotypicFeatures", ()), *(f for some in features for f in some))
    for feature in everything:
        if _label(feature.get("type")):
            yield _label(feature["type"]), "absent" if feature.get("excluded") else "present"


def _measurement(
    measurement: Mapping[str, Any], network: Network, name: str, aside: list[Aside]
) -> Iterator[tuple[str, Any]]:
    assay = _METHOD.sub("", _label(measurement.get("assay")))
    value = measurement.get("value")
    if not isinstance(value, Mapping):
        value = {}  # a complex value, or none: set aside below
    word = _label(value.get("ontologyClass"))
    if word:
        yield assay, word
        return
    quantity = value.get("quantity") or {}
    try:
        yield measured(network.vocabulary, assay, float(quantity["value"]),
                       _label(quantity.get("unit")))  # fmt: skip
    except KeyError:
        aside.append(Aside(name, f"measurement '{assay}' has no value"))
    except (MesenbayesError, TypeError, ValueError) as error:
        aside.append(Aside(name, str(error)))


def _variants(
    packet: Mapping[str, Any], network: Network, name: str, aside: list[Aside]
) -> Iterator[Mapping[str, Any]]:
    for interpretation in packet.get("interpretations", ()):
        diagnosis = interpretation.get("diagnosis") or {}
        for genomic in diagnosis.get("genomicInterpretations", ()):
            described = (genomic.get("variantInterpretation") or {}).get("variationDescriptor", {})
            gene = str((described.get("geneContext") or {}).get("symbol", ""))
            texts = sorted(
                (e for e in described.get("expressions", ()) if "hgvs" in str(e.get("syntax"))),
                key=lambda e: e["syntax"] != "hgvs.p",
            )
            text = texts[0].get("value", "") if texts else described.get("label", "")
            if not gene or not text:
                continue
            try:
                entry = as_variant(gene, str(text))
                network.vocabulary.match(Case(variants=(entry,), where=""))
                yield entry
            except MesenbayesError as error:
                aside.append(Aside(name, str(error).removeprefix(": ")))


def _tumour(packet: Mapping[str, Any], network: Network) -> str:
    """Return the diagnosis of the packet: an OncoTree code, or a name that the network has."""
    for disease in packet.get("diseases", ()):
        term = disease.get("term") or {}
        if disease.get("excluded"):
            continue
        system, _, code = str(term.get("id", "")).partition(":")
        if system.lower() == "oncotree":
            return tumour_of_oncotree(network.structure, code)
        try:
            return network.vocabulary.state(network.variable("tumour"), _label(term))
        except (MesenbayesError, KeyError):
            continue
    return ""


def write_phenopacket(diagnosis: Diagnosis, created: str) -> dict[str, Any]:
    """Return a case with its differential as a phenopacket of version 2.

    Parameters
    ----------
    created
        Time stamp in ISO 8601, ``2026-01-31T12:00:00Z``.
    """
    network = diagnosis.network
    case = diagnosis.case
    name = case.case.id or "case"
    subject: dict[str, Any] = {"id": name}
    sample: dict[str, Any] = {"id": f"{name}-sample", "individualId": name}
    measurements, features = [], []
    for finding in case.findings:
        variable = network.variable(finding.variable)
        if finding.state is None:
            continue  # a phenopacket has no place for a likelihood
        if variable.name == "age" and finding.value is not None:
            subject["timeAtLastEncounter"] = {
                "age": {"iso8601duration": f"P{finding.value:g}Y"}
            }
        elif variable.name == "sex":
            subject["sex"] = finding.state.upper()
        elif variable.name == "site":
            sample["sampledTissue"] = _term(f"mesenbayes:{finding.state}", finding.state)
        elif finding.value is not None:
            unit = _term(f"UCUM:{variable.unit}", variable.unit or "")
            quantity = {"unit": unit, "value": finding.value}
            measurements.append({"assay": _of(variable.name), "value": {"quantity": quantity}})
        elif set(variable.states) == {"absent", "present"}:
            entry: dict[str, Any] = {"type": _of(variable.name)}
            features.append(entry | ({"excluded": True} if finding.state == "absent" else {}))
        else:
            measurements.append(
                {"assay": _of(variable.name),
                 "value": {"ontologyClass": _of(finding.state)}}
            )  # fmt: skip
    return {
        "id": name,
        "subject": subject,
        "phenotypicFeatures": features,
        "measurements": measurements,
        "biosamples": [sample],
        "interpretations": list(_differential(diagnosis, name)),
        "metaData": {
            "created": created,
            "createdBy": f"mesenbayes {__version__}, {network.name} {network.version} "
            f"({network.digest})",
            "resources": [
                {"id": "oncotree", "name": "OncoTree", "url": "https://oncotree.mskcc.org",
                 "version": "oncotree_2025_10_03", "namespacePrefix": "OncoTree",
                 "iriPrefix": "https://oncotree.mskcc.org/?search="},
                {"id": "mesenbayes", "name": "mesenbayes vocabulary",
                 "url": "https://w3id.org/mesenbayes", "version": network.version,
                 "namespacePrefix": "mesenbayes", "iriPrefix": "https://w3id.org/mesenbayes#"},
            ],
            "phenopacketSchemaVersion": "2.0",
        },
    }  # fmt: skip


def _differential(diagnosis: Diagnosis, name: str) -> Iterator[dict[str, Any]]:
    structure = diagnosis.network.structure
    codes = {} if structure is None else {t.code: t.codes for t in structure.tumours}
    for rank, c in enumerate(diagnosis.posterior[:_SHOWN], 1):
        oncotree = codes.get(c.code, {}).get("OncoTree")
        term = _term(f"OncoTree:{oncotree}" if oncotree else f"mesenbayes:{c.code}", c.name)
        yield {
            "id": f"{name}-differential-{rank}",
            "progressStatus": "IN_PROGRESS",
            "diagnosis": {"disease": term},
            "summary": f"probability {c.probability:.4f}, 95 % credible interval "
            f"{c.interval[0]:.4f} to {c.interval[1]:.4f}",
        }


def _term(identifier: str, label: str) -> dict[str, str]:
    return {"id": identifier, "label": label}


def _of(name: str) -> dict[str, str]:
    return _term(f"mesenbayes:{name}", name)
