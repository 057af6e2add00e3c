"""From a gene variant as a report states it to a finding of the network.

``{gene: PDGFRA, protein: p.D842V}``, ``{gene: KIT, exon: 11}`` and ``{gene: MDM2,
alteration: amplification}`` are the three ways. The map from gene and codon to finding is
data (``variants.toml``), so that a network brings its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesenbayes.errors import CaseError, NetworkError, UnknownFinding, nearest

# One-letter and three-letter amino acids; HGVS writes three, pathologists write one.
_PROTEIN = re.compile(
    r"^(?:[A-Z]{2}_\d+(?:\.\d+)?:)?(?:p\.)?\(?(?P<first>[A-Za-z]{1,3})(?P<codon>\d+)(?P<rest>.*?)\)?$"
)
_THREE = {
    "ala": "A", "arg": "R", "asn": "N", "asp": "D", "cys": "C", "gln": "Q", "glu": "E",
    "gly": "G", "his": "H", "ile": "I", "leu": "L", "lys": "K", "met": "M", "phe": "F",
    "pro": "P", "ser": "S", "thr": "T", "trp": "W", "tyr": "Y", "val": "V", "ter": "*",
}  # fmt: skip
_WILD = {"wild type", "wild-type", "wild_type", "wt", "none", "absent", "not detected", "negative"}


@dataclass(frozen=True)
class GeneRule:
    """How the variants of one gene become states of one finding."""

    gene: str
    finding: str
    wild: str
    altered: str | None
    exons: Mapping[str, str]
    codons: tuple[tuple[int, int, str], ...]
    proteins: Mapping[str, str]
    alterations: Mapping[str, str]


@dataclass(frozen=True)
class VariantMap:
    """The rules of all genes of a network."""

    rules: Mapping[str, tuple[GeneRule, ...]]

    def finding(self, entry: Mapping[str, Any], where: str = "") -> tuple[str, str]:
        """Return (finding, state) of one variant.

        Raises
        ------
        UnknownFinding
            If the gene is not one of the network's.
        CaseError
            If the variant cannot be read or does not fit the gene.
        """
        gene = str(entry["gene"]).strip().upper()
        strange = set(entry) - {"gene", "protein", "exon", "alteration", "cdna", "notes"}
        if strange:
            raise CaseError(f"{where}variant of {gene}: unknown key '{sorted(strange)[0]}'")
        if gene not in self.rules:
            raise UnknownFinding(f"gene {gene}", nearest(gene, self.rules), where)
        problems = []
        for rule in self.rules[gene]:
            try:
                return rule.finding, _state(rule, entry)
            except CaseError as error:
                problems.append(str(error))
        raise CaseError(f"{where}variant of {gene}: {problems[0]}")


def _state(rule: GeneRule, entry: Mapping[str, Any]) -> str:
    if entry.get("protein") is not None:
        return _from_protein(rule, str(entry["protein"]))
    if entry.get("exon") is not None:
        exon = str(entry["exon"]).lower().replace("exon", "").strip()
        if exon not in rule.exons:
            raise CaseError(f"exon {exon} is not one that this network tells apart")
        return rule.exons[exon]
    if entry.get("alteration") is None:
        raise CaseError("say what is altered: protein, exon or alteration")
    word = str(entry["alteration"]).strip().lower()
    if word in _WILD:
        return rule.wild
    for name, state in rule.alterations.items():
        if word == name.lower():
            return state
    if _PROTEIN.match(str(entry["alteration"]).strip()) and (rule.codons or rule.proteins):
        return _from_protein(rule, str(entry["alteration"]))
    named = re.search(r"exon\s*(\d+)", word)
    if named and named[1] in rule.exons:
        return rule.exons[named[1]]
    if rule.altered is not None and not rule.alterations:
        return rule.altered
    raise CaseError(f"alteration '{entry['alteration']}' is not one that this network knows")


def _from_protein(rule: GeneRule, text: str) -> str:
    if text.strip().lower() in _WILD:
        return rule.wild
    matched = _PROTEIN.match(text.strip())
    if matched is None or (
        len(matched["first"]) == 3 and matched["first"].lower() not in _THREE
    ) or len(matched["first"]) == 2:
        raise CaseError(f"'{text}' is not a protein change such as p.D842V or p.W557_K558del")
    short = one_letter(text)
    for name, state in rule.proteins.items():
        if short == name:
            return state
    codon = int(matched["codon"])
    for first, last, state in rule.codons:
        if first <= codon <= last:
            return state
    if rule.altered is not None:
        return rule.altered
    raise CaseError(f"codon {codon} lies in none of the exons that this network tells apart")


def one_letter(text: str) -> str:
    """Return a protein change in one-letter form without ``p.``: p.Asp842Val -> D842V."""
    core = re.sub(r"^(?:[A-Z]{2}_\d+(?:\.\d+)?:)?(?:p\.)?\(?|\)$", "", text.strip())
    return re.sub(
        r"[A-Z][a-z]{2}", lambda m: _THREE.get(m[0].lower(), m[0]), core
    )


def read_variants(path: Path) -> VariantMap:
    """Read ``variants.toml``; a missing file is an empty map."""
    if not path.is_file():
        return VariantMap({})
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise NetworkError(f"{path}: {error}") from None
    rules: dict[str, list[GeneRule]] = {}
    for entry in document.get("gene", ()):
        for name in (entry["name"], *entry.get("aliases", ())):
            rules.setdefault(name.upper(), []).append(
                GeneRule(
                    entry["name"],
                    entry["finding"],
                    entry.get("wild", "absent"),
                    entry.get("altered"),
                    entry.get("exons", {}),
                    tuple((a, b, s) for a, b, s in entry.get("codons", ())),
                    entry.get("proteins", {}),
                    entry.get("alterations", {}),
                )
            )
    return VariantMap({gene: tuple(found) for gene, found in rules.items()})
