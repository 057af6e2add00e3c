"""cBioPortal study files: clinical tables and mutations become cases.

Clinical tables have four lines of ``#`` before their header. A gene without a line in the
mutation file was perhaps not sequenced: it stays not observed unless it is named as profiled.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesenbayes.diagnosis.case import Case
from mesenbayes.errors import CaseError, MesenbayesError
from mesenbayes.interop.hgvs import as_variant, parse_hgvs
from mesenbayes.interop.records import Aside, Record, tumour_of_oncotree

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

MAF_COLUMNS = ("Hugo_Symbol", "Tumor_Sample_Barcode", "HGVSp_Short")
_SILENT = {"Silent", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR", "RNA"}
_CLINICAL = {"AGE": "age", "SEX": "sex", "PRIMARY_SITE": "site", "TUMOR_SITE": "site",
             "TUMOR_SIZE": "size_cm", "MITOTIC_RATE": "mitoses_per_50hpf"}  # fmt: skip
"""Column -> finding. TUMOR_SIZE is in centimetres in the studies that have it."""
_UNKNOWN = {"", "NA", "[NOT AVAILABLE]", "[NOT APPLICABLE]", "UNKNOWN", "NOT AVAILABLE"}


def read_study(
    network: Network,
    samples: str | os.PathLike[str],
    patients: str | os.PathLike[str] | None = None,
    mutations: str | os.PathLike[str] | None = None,
    *,
    profiled: Collection[str] = (),
    columns: Mapping[str, str] | None = None,
) -> tuple[list[Record], list[Aside]]:
    """Read a study.

    Parameters
    ----------
    samples, patients, mutations
        ``data_clinical_sample.txt``, ``data_clinical_patient.txt``, ``data_mutations.txt``.
    profiled
        Genes that were sequenced in every sample: without a mutation they are wild type.
    columns
        Further clinical column -> finding.

    Raises
    ------
    CaseError
        If a file lacks the columns that its kind must have.
    """
    table = _table(samples, ("SAMPLE_ID", "PATIENT_ID"))
    aside: list[Aside] = []
    twice = table["SAMPLE_ID"].duplicated()
    for row in table.index[twice]:
        aside.append(Aside(f"{samples}:{row}", f"sample {table.SAMPLE_ID[row]} stands twice"))
    table = table[~twice]
    if patients is not None:
        more = _table(patients, ("PATIENT_ID",)).drop_duplicates("PATIENT_ID")
        new = ["PATIENT_ID", *(c for c in more.columns if c not in table.columns)]
        index = table.index
        table = table.merge(more[new], on="PATIENT_ID", how="left").fillna("").set_index(index)
    found, unread = ({}, set()) if mutations is None else _mutations(network, mutations, aside)
    used = {**_CLINICAL, **(columns or {})}
    records = []
    for row, line in table.iterrows():
        name = str(line["SAMPLE_ID"])
        findings = dict(_findings(network, line, used, f"{samples}:{row}", aside))
        states = found.get(name, {})
        # A gene whose line could not be read is altered in an unknown way: it is not wild type.
        altered = {*states, *(gene for sample, gene in unread if sample == name)}
        wild = _wild(network, [g for g in profiled if g.upper() not in altered])
        records.append(
            Record(
                name,
                findings,
                tuple([entry for _, entry in states.values()] + wild),
                tumour_of_oncotree(network.structure, str(line.get("ONCOTREE_CODE", ""))),
                f"cBioPortal {Path(samples).parent.name}",
            )
        )
    return records, aside


def _table(path: str | os.PathLike[str], needed: Sequence[str]) -> pd.DataFrame:
    """Read a table of tabs; its index is the number of the line in the file."""
    import pandas as pd

    file = Path(path)
    if not file.is_file():
        raise CaseError(f"{file}: there is no such file")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise CaseError(f"{file}: this is not a text file in UTF-8") from None
    kept = [(i, ln) for i, ln in enumerate(lines, 1) if ln.strip() and not ln.startswith("#")]
    if not kept:
        raise CaseError(f"{file}: the file is empty")
    header = kept[0][1].split("\t")
    missing = [name for name in needed if name not in header]
    if missing:
        raise CaseError(f"{file}: there is no column {', '.join(missing)}")
    width = len(header)
    cells = [(ln.split("\t") + [""] * width)[:width] for _, ln in kept[1:]]
    return pd.DataFrame(cells, columns=header, index=[i for i, _ in kept[1:]], dtype=object)


def _findings(
    network: Network, line: Any, columns: Mapping[str, str], where: str, aside: list[Aside]
) -> Iterator[tuple[str, Any]]:
    stated: dict[str, str] = {}
    for column, finding in columns.items():
        value = str(line.get(column, "")).strip()
        if value.upper() not in _UNKNOWN:
            stated.setdefault(finding, value)
    kind = str(line.get("SAMPLE_TYPE", "")).strip().lower()
    if kind.startswith("metasta"):
        stated["metastasis"] = "present"
        stated.pop("site", None)  # where the sample lay is not where the tumour began
    for finding, value in stated.items():
        try:
            network.vocabulary.match(Case(findings={finding: value}, where=""))
            yield finding, value
        except MesenbayesError as error:
            aside.append(Aside(where, str(error).removeprefix(": ")))


def _mutations(
    network: Network, path: str | os.PathLike[str], aside: list[Aside]
) -> tuple[dict[str, dict[str, tuple[tuple[str, str], Mapping[str, Any]]]], set[tuple[str, str]]]:
    """Return sample -> gene -> (finding and state, entry), and the (sample, gene) not read."""
    if network.vocabulary.variants is None:
        raise CaseError(f"{path}: the network has no map from gene variants to findings")
    table = _table(path, MAF_COLUMNS)
    wanted = table[table["Hugo_Symbol"].str.upper().isin(network.vocabulary.variants.rules)]
    found: dict[str, dict[str, tuple[tuple[str, str], Mapping[str, Any]]]] = {}
    unread: set[tuple[str, str]] = set()
    for row, line in wanted.iterrows():
        if line.get("Variant_Classification", "") in _SILENT:
            continue
        gene, text = line["Hugo_Symbol"].strip().upper(), line["HGVSp_Short"].strip()
        try:
            parse_hgvs(text)
            entry = as_variant(gene, text)
            state = network.vocabulary.variants.finding(entry)
            network.vocabulary.find(state[0])
        except MesenbayesError as error:
            aside.append(Aside(f"{path}:{row}", f"{gene}: {error}"))
            unread.add((line["Tumor_Sample_Barcode"].strip(), gene))
            continue
        here = found.setdefault(line["Tumor_Sample_Barcode"].strip(), {})
        if gene in here and here[gene][0] != state:
            aside.append(
                Aside(f"{path}:{row}", f"{gene} {text}: a second alteration of {gene} in the "
                      "sample; the first one counts")
            )  # fmt: skip
            continue
        here[gene] = (state, entry)
    return found, unread


def _wild(network: Network, genes: Sequence[str]) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = []
    for gene in genes:
        entry = {"gene": gene.upper(), "alteration": "wild type"}
        network.vocabulary.match(Case(variants=(entry,), where="--profiled"))
        entries.append(entry)
    return entries
