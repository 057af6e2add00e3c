"""The structure of a network: which tumours, which findings, how they hang together.

Read from a ``network.toml``. No probability stands there: counts come from the evidence
folder and declared priors from a table beside it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mesenbayes.errors import NetworkError
from mesenbayes.evidence.records import Trust
from mesenbayes.network.variable import Role, Variable

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
RESERVED = {
    "type", "variable", "network", "probability", "table", "default", "property", "discrete",
}  # fmt: skip
"""Keywords of the BIF format, in which a network must be able to travel."""

_EXPRESSION, _TRUE = "_expression", "_true"
_READ_ON = dict.fromkeys(("stain", "loss", "test", "driver", "fusion", "choice_test"), "cells")
"""Kinds of finding whose result depends on the specimen, and on what of it."""

TUMOUR, GENOTYPE, SITE, ASCERTAINMENT = "tumour", "genotype", "site", "ascertainment"
OTHER = "OTHER"
"""None of the modelled diagnoses."""
NOT_APPLICABLE = "not_applicable"
"""State of the genotype in a tumour that has none."""

KINDS = {
    "root": "a variable without parents, with a declared prior",
    "specimen": "how the sample was taken and whether it holds tumour cells",
    "reading": "what the specimen lets one see of a hidden finding",
    "hidden": "a property of the tumour that several stains share and no test shows",
    "stain": "a stain: hidden expression, read on a slide",
    "loss": "a stain that is normally retained",
    "test": "a mutation or deletion that many types share",
    "driver": "an amplification or mutation that drives a few types and turns up in others",
    "fusion": "a rearrangement that defines a few types and is hardly seen in others",
    "choice_test": "a gene test with several results",
    "feature": "a finding that is absent or present",
    "choice": "a finding with several forms",
    "measure": "a measured number in bands",
}

_STAIN_STATES = ("negative", "focal", "positive")
_ABSENT_PRESENT = ("absent", "present")
_STATE_ALIASES: dict[str, dict[str, str]] = {
    "stain": {
        "neg": "negative", "-": "negative", "absent": "negative", "no": "negative",
        "not expressed": "negative", "lost": "negative",
        "weak": "focal", "patchy": "focal", "equivocal": "focal", "focally positive": "focal",
        "weakly positive": "focal", "focal positive": "focal", "weak positive": "focal",
        "partial": "focal", "+/-": "focal", "scattered": "focal", "1+": "focal", "(+)": "focal",
        "focal weak": "focal", "weak focal": "focal", "focally weak": "focal",
        "weak and focal": "focal", "focal and weak": "focal",
        "weakly and focally positive": "focal",
        "focal positivity": "focal", "positive (focal)": "focal", "positive (weak)": "focal",
        "partially positive": "focal", "scattered cells": "focal", "rare cells": "focal",
        "pos": "positive", "+": "positive", "++": "positive", "+++": "positive",
        "diffuse": "positive", "strong": "positive", "present": "positive", "yes": "positive",
        "expressed": "positive", "diffusely positive": "positive",
        "strongly positive": "positive", "strong positive": "positive",
        "diffuse positive": "positive", "diffuse strong": "positive", "strong diffuse": "positive",
        "diffuse and strong": "positive", "strong and diffuse": "positive",
        "diffusely and strongly positive": "positive",
        "strongly and diffusely positive": "positive", "nuclear positive": "positive",
        "2+": "positive", "3+": "positive", "moderate": "positive",
        "moderately positive": "positive",
    },
    "loss": {"preserved": "retained", "normal": "retained", "kept": "retained"},
    "choice_test": {
        "none": "wild_type", "no mutation": "wild_type", "not mutated": "wild_type",
        "unmutated": "wild_type", "not detected": "wild_type", "exon 18 D842V": "D842V",
        "D842V mutation": "D842V", "exon 18 D842V mutation": "D842V",
    },
    "absent_present": {
        "no": "absent", "negative": "absent", "neg": "absent", "-": "absent", "none": "absent",
        "wild type": "absent", "wild-type": "absent", "wild_type": "absent", "wt": "absent",
        "not detected": "absent", "not amplified": "absent", "intact": "absent",
        "not rearranged": "absent", "false": "absent", "no mutation": "absent",
        "not mutated": "absent", "no fusion": "absent", "fusion negative": "absent",
        "no rearrangement": "absent", "no amplification": "absent", "fish negative": "absent",
        "unmutated": "absent",
        "yes": "present", "positive": "present", "pos": "present", "+": "present",
        "detected": "present", "amplified": "present", "rearranged": "present",
        "mutated": "present", "mutant": "present", "true": "present", "deleted": "present",
        "mutation": "present", "activating mutation": "present", "mutation detected": "present",
        "fusion": "present", "fusion positive": "present", "fusion detected": "present",
        "rearrangement": "present", "fish positive": "present", "fish rearranged": "present",
        "break-apart positive": "present", "amplification": "present", "loss": "present",
        "deletion": "present", "lost": "present",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Tumour:
    """A tumour type: one state of the tumour variable."""

    code: str
    name: str
    lineage: str
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The numbers of the pooling model; see the ``[pooling]`` table of ``network.toml``."""

    trust_weight: Mapping[Trust, float]
    rho_floor: float
    share_found: float
    borrowed_strength: float
    off_home_strength: float
    subgroup_strength: float
    conditional_weight: float
    elsewhere_weight: float
    prior_strength: float
    prior_floor: float
    other_share: float
    age_sd: float


@dataclass(frozen=True)
class Specification:
    """A variable with what the builder must know of it.

    ``surrogate_of`` names what stands between the tumour and a stain: a gene alteration (the
    amplification makes the protein, the protein takes the stain) or a hidden property, such as
    the loss of muscle markers. Stains that share it are not independent witnesses.
    """

    variable: Variable
    kind: str
    parents: tuple[str, ...]
    by_genotype: bool = False
    surrogate_of: str | None = None


@dataclass(frozen=True, eq=False)
class Structure:
    """Everything that ``network.toml`` says.

    ``pooled_specifications`` are all findings of the network that this one is based on: what
    they say of disagreement between studies holds for the findings that are kept.
    """

    name: str
    version: str
    title: str
    folder: Path
    evidence_folder: Path
    priors_file: Path
    treatment_folder: Path
    variants_file: Path
    tumours: tuple[Tumour, ...]
    relatives: tuple[Tumour, ...]
    every_site: tuple[str, ...]
    genotype_tumour: str
    genotype_states: tuple[str, ...]
    genotype_groups: Mapping[str, tuple[str, ...]]
    specifications: tuple[Specification, ...]
    pooled_specifications: tuple[Specification, ...]
    fit_file: Path
    settings: Settings
    digest: str

    @cached_property
    def tumour_codes(self) -> tuple[str, ...]:
        """Codes of the modelled tumours, `OTHER` last."""
        return tuple(t.code for t in self.tumours)

    @cached_property
    def lineage_of(self) -> dict[str, str]:
        """Lineage of every tumour of the evidence base, modelled here or not."""
        return {t.code: t.lineage for t in self.relatives}

    def tumour(self, code: str) -> Tumour:
        """Return the tumour called `code`."""
        return next(t for t in self.tumours if t.code == code)

    def groups_of(self, genotype: str) -> tuple[str, ...]:
        """Return the groups that a genotype belongs to."""
        return tuple(n for n, states in self.genotype_groups.items() if genotype in states)

    def specification(self, name: str) -> Specification:
        """Return the specification of the variable called `name`."""
        return next(s for s in self.specifications if s.variable.name == name)


def read_structure(folder: Path) -> Structure:
    """Read ``network.toml`` of a network folder.

    A network may be ``based_on`` another folder: it then takes that one's evidence, priors
    and definitions, and names the tumours, sites, ways of finding and variables that it keeps.

    Raises
    ------
    NetworkError
        If the file is missing, is not TOML, or names something that does not exist.
    """
    document, raw = _read_toml(folder)
    own = document.get("network", {})
    base_folder = folder
    if "based_on" in own:
        base_folder = (folder / own["based_on"]).resolve()
        base, base_raw = _read_toml(base_folder)
        raw += base_raw
        merged_pooling = {**base.get("pooling", {}), **document.get("pooling", {})}
        document = {
            **base,
            "network": {**base["network"], **own},
            "pooling": merged_pooling,
        }
    where = folder / "network.toml"
    try:
        return _assemble(document, folder, base_folder, own, hashlib.sha256(raw).hexdigest()[:16])
    except KeyError as error:
        raise NetworkError(f"{where}: {error.args[0]} is missing") from None
    except TypeError as error:
        raise NetworkError(f"{where}: {error}") from None


def _read_toml(folder: Path) -> tuple[dict[str, Any], bytes]:
    path = folder / "network.toml"
    if not path.is_file():
        raise NetworkError(f"{folder}: there is no network.toml in this folder")
    raw = path.read_bytes()
    try:
        return tomllib.loads(raw.decode("utf-8")), raw
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError(f"{path}: {error}") from None


def _assemble(
    document: dict[str, Any], folder: Path, base: Path, own: dict[str, Any], digest: str
) -> Structure:
    head = document["network"]
    everyone = tuple(_tumour(entry) for entry in document["tumour"])
    keep = own.get("tumours", [t.code for t in everyone])
    tumours = tuple(t for t in everyone if t.code in keep)
    _all_known(folder, "tumour", keep, [t.code for t in everyone])
    if OTHER not in {t.code for t in tumours}:
        raise NetworkError(f"{folder}: the tumours must include {OTHER}, none of the others")
    genotype = document["genotype"]
    entries = document["variable"]
    names = own.get("variables", [entry["name"] for entry in entries])
    _all_known(folder, "variable", names, [entry["name"] for entry in entries])
    for key, variable in (("sites", SITE), ("ways", ASCERTAINMENT)):
        known: list[str] = next((e["states"] for e in entries if e["name"] == variable), [])
        _all_known(folder, f"state of {variable}", own.get(key, []), known)
    hidden = _hidden_names(entries, names)
    all_hidden = _hidden_names(entries, [entry["name"] for entry in entries])
    specifications = [
        spec for entry in entries if entry["name"] in names for spec in _specify(entry, own, hidden)
    ]
    for spec in specifications:
        _check_identifiers(folder, spec.variable)
    return Structure(
        name=head["name"],
        version=head["version"],
        title=head["title"],
        folder=folder,
        evidence_folder=base / head["evidence"],
        priors_file=base / head["priors"],
        treatment_folder=base / head["treatment"],
        variants_file=base / head["variants"],
        tumours=tuple(sorted(tumours, key=lambda t: t.code == OTHER)),
        relatives=everyone,
        every_site=tuple(next(e["states"] for e in entries if e["name"] == SITE)),
        genotype_tumour=genotype["tumour"],
        genotype_states=tuple(genotype["states"]),
        genotype_groups={name: tuple(states) for name, states in genotype["groups"].items()},
        specifications=(
            _tumour_specification(tumours),
            _genotype_specification(genotype),
            *specifications,
        ),
        pooled_specifications=tuple(
            spec for entry in entries for spec in _specify(entry, {}, all_hidden)
        ),
        fit_file=base / "fit.json",
        settings=Settings(**document["pooling"]),
        digest=digest,
    )


def _tumour(entry: dict[str, str]) -> Tumour:
    systems = {"oncotree": "OncoTree", "icdo3": "ICD-O-3"}
    codes = {label: entry[key] for key, label in systems.items() if key in entry}
    return Tumour(entry["code"], entry["name"], entry["lineage"], codes)


def _tumour_specification(tumours: tuple[Tumour, ...]) -> Specification:
    ordered = sorted(tumours, key=lambda t: t.code == OTHER)
    variable = Variable(
        TUMOUR,
        tuple(t.code for t in ordered),
        label="Tumour type",
        role="tumour",
        group="diagnosis",
        aliases=("diagnosis", "tumor"),
        state_aliases={t.name: t.code for t in ordered},
        state_labels={t.code: t.name for t in ordered},
    )
    return Specification(variable, "tumour", (SITE, ASCERTAINMENT))


def _genotype_specification(entry: dict[str, Any]) -> Specification:
    variable = Variable(
        GENOTYPE,
        (NOT_APPLICABLE, *entry["states"]),
        label="Genotype of GIST",
        role="genotype",
        group="diagnosis",
        aliases=("gist_genotype", "GIST genotype"),
        state_aliases=entry.get("aliases", {}),
        state_labels={NOT_APPLICABLE: "not a GIST"},
    )
    return Specification(variable, "genotype", (TUMOUR, SITE))


def counted_name(variable: str) -> str:
    """Return the finding that counts speak of: a stain's for its hidden expression, a test's
    for what is hidden behind its result, and otherwise the variable itself."""
    for suffix in (_EXPRESSION, _TRUE):
        if variable.endswith(suffix):
            return variable.removesuffix(suffix)
    return variable


def biology_of(finding: str, names: Collection[str]) -> str:
    """Return the variable among `names` that holds the biology of a finding: the hidden one
    where the specimen stands between, and otherwise the finding itself."""
    for suffix in (_EXPRESSION, _TRUE):
        if finding + suffix in names:
            return finding + suffix
    return finding


def _hidden_names(entries: list[dict[str, Any]], kept: list[str]) -> dict[str, str]:
    """Return finding -> hidden variable, where the specimen stands between biology and result."""
    found = {}
    for entry in entries:
        specimen = entry.get("read_on", _READ_ON.get(entry["kind"]))
        # A stain is never without its expression: what reads it must be kept.
        if entry["name"] in kept and (specimen in kept or entry["kind"] == "stain"):
            suffix = _EXPRESSION if entry["kind"] == "stain" else _TRUE
            found[entry["name"]] = entry["name"] + suffix
    return found


def _specify(
    entry: dict[str, Any], own: dict[str, Any], hidden: Mapping[str, str]
) -> list[Specification]:
    """Return the specification of one entry, and before it the hidden biology that the entry
    reads through the specimen, if it does."""
    kind = entry["kind"]
    if kind not in KINDS:
        raise NetworkError(
            f"variable {entry['name']}: kind '{kind}' is not one of {', '.join(KINDS)}"
        )
    by_genotype = bool(entry.get("genotype", False))
    biology: tuple[str, ...] = (TUMOUR, GENOTYPE) if by_genotype else (TUMOUR,)
    surrogate_of = entry.get("surrogate_of")
    if surrogate_of is not None and surrogate_of not in own.get("variables", [surrogate_of]):
        surrogate_of = None  # the network leaves the alteration out: the stain stands alone
    if surrogate_of is not None:
        surrogate_of = hidden.get(surrogate_of, surrogate_of)
        biology = (TUMOUR, surrogate_of)
    states = tuple(entry["states"] if "states" in entry else _default_states(kind))
    for name, key in ((SITE, "sites"), (ASCERTAINMENT, "ways")):
        if entry["name"] == name and key in own:
            states = tuple(s for s in states if s in own[key])
    variable = Variable(
        name=entry["name"],
        states=states,
        label=entry.get("label", entry["name"]),
        role=_role(entry),
        group=entry.get("group", ""),
        aliases=tuple(entry.get("aliases", ())),
        state_aliases={**_default_aliases(kind, states), **entry.get("state_aliases", {})},
        state_labels=entry.get("state_labels", {}),
        unit=entry.get("unit"),
        cuts=tuple(float(c) for c in entry.get("cuts", ())),
        limits=_limits(entry),
        right_open=bool(entry.get("right_open", False)),
        conversions=entry.get("conversions", {}),
        codes=entry.get("codes", {}),
        description=entry.get("description", ""),
    )
    if variable.name not in hidden:
        parents = tuple(entry.get("parents", () if kind == "root" else biology))
        return [Specification(variable, kind, parents, by_genotype, surrogate_of)]
    is_stain = kind == "stain"
    behind = Variable(
        hidden[variable.name],
        _ABSENT_PRESENT if is_stain else states,
        label=f"{variable.label}: {'antigen expressed' if is_stain else 'in the tumour itself'}",
        role="latent",
        group="biology",
        codes=variable.codes,
        state_labels={} if is_stain else variable.state_labels,
    )
    specimen = str(entry.get("read_on", _READ_ON.get(kind)))
    return [
        Specification(
            behind, "expression" if is_stain else kind, biology, by_genotype, surrogate_of
        ),
        Specification(variable, "stain" if is_stain else "reading", (behind.name, specimen)),
    ]


def _limits(entry: dict[str, Any]) -> tuple[float, float] | None:
    if "limits" not in entry:
        return None
    low, high = entry["limits"]
    return float(low), float(high)


def _role(entry: dict[str, Any]) -> Role:
    role: Role = entry.get("role", "latent" if entry["kind"] == "hidden" else "finding")
    return role


def _default_states(kind: str) -> tuple[str, ...]:
    if kind == "stain":
        return _STAIN_STATES
    if kind in {"test", "driver", "fusion", "feature", "hidden"}:
        return _ABSENT_PRESENT
    raise KeyError(f"states of a variable of kind {kind}")


def _default_aliases(kind: str, states: tuple[str, ...]) -> dict[str, str]:
    aliases = _STATE_ALIASES.get(kind, {})
    if kind not in ("stain", "choice_test"):
        aliases = {**_STATE_ALIASES["absent_present"], **aliases}
    if "nuclear" in states:  # such a stain is positive where its nuclei are
        aliases = {a: "nuclear" if s == "positive" else s for a, s in aliases.items()}
    return {alias: state for alias, state in aliases.items() if state in states}


def _check_identifiers(folder: Path, variable: Variable) -> None:
    for word in (variable.name, *variable.states):
        if not IDENTIFIER.match(word) or word.lower() in RESERVED:
            raise NetworkError(
                f"{folder}: '{word}' of {variable.name} cannot be a name: letters, figures and "
                "underscores only, and no keyword of the BIF format"
            )


def _all_known(folder: Path, what: str, names: list[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise NetworkError(
                f"{folder}: there is no {what} '{name}' in the network it is based on"
            )


def with_tumours(structure: Structure, codes: tuple[str, ...]) -> Structure:
    """Return the structure with only the tumours `codes` (`OTHER` always stays)."""
    tumours = tuple(t for t in structure.tumours if t.code in codes or t.code == OTHER)
    specifications = tuple(
        _tumour_specification(tumours) if s.variable.name == TUMOUR else s
        for s in structure.specifications
    )
    return replace(structure, tumours=tumours, specifications=specifications)
