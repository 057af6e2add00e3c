"""Variants as reports write them: HGVS at the protein or the coding DNA, an exon, or a word.

The Human Genome Variation Society writes ``NP_006197.1:p.(Asp842Val)``, a report ``D842V``,
another ``c.2525A>T`` or "exon 11 deletion". All become the entry of a case's ``variants``;
which finding that is, the network's own ``variants.toml`` decides. The text is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mesenbayes.diagnosis.variants import one_letter
from mesenbayes.errors import CaseError

_ACCESSION = re.compile(r"^(?P<accession>[A-Z]{2}_\d+(?:\.\d+)?|ENS[A-Z]\d+(?:\.\d+)?)"
                        r"(?:\([A-Za-z0-9-]+\))?:")  # fmt: skip
_AMINO = "ACDEFGHIKLMNPQRSTVWY*X"
_PROTEIN = re.compile(
    rf"^(?P<from>[{_AMINO}])(?P<codon>[1-9]\d*)"
    rf"(?:_(?P<to>[{_AMINO}])(?P<last>[1-9]\d*))?"
    rf"(?P<change>delins[{_AMINO}]+|del|dup|ins[{_AMINO}]+|fs(?:[{_AMINO}])?(?:\*\d+|\*\?)?"
    rf"|[{_AMINO}]fs(?:\*\d+|\*\?)?|[{_AMINO}]|=|\?|>[{_AMINO}]+|_splice|del[{_AMINO}]+)$"
)
_CODING = re.compile(
    r"^c\.(?P<first>[1-9]\d*)(?P<offset>[+-]\d+)?(?:_(?P<last>[1-9]\d*)(?:[+-]\d+)?)?"
    r"(?P<change>[ACGT]>[ACGT]|del[ACGT]*(?:ins[ACGT]+)?|dup[ACGT]*|ins[ACGT]+|inv|=)$"
)
KNOWN_CODING = {
    ("PDGFRA", "c.2525A>T"): "D842V",  # GAC -> GTC, transcript NM_006206
    ("BRAF", "c.1799T>A"): "V600E",  # GTG -> GAG, transcript NM_004333
}
"""Coding changes whose protein change a network may tell apart. Any other is placed by its codon:
what it does to the protein needs the reference sequence, which we do not carry."""
_EXON = re.compile(r"\bex(?:on)?\.?\s*(?P<exon>\d+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Hgvs:
    """One parsed variant.

    Parameters
    ----------
    level
        ``p`` or ``c``.
    codon, last_codon
        First and last codon that it touches.
    change
        What happens there, one-letter.
    accession
        Reference sequence, as written; empty where the text has none.
    text
        As written.
    """

    level: str
    codon: int
    last_codon: int
    change: str
    accession: str
    text: str

    @property
    def protein(self) -> str:
        """Return the protein change in the short form, ``D842V``; empty for coding DNA."""
        return self.change if self.level == "p" else ""


def parse_hgvs(text: str) -> Hgvs:
    """Parse a protein or coding change, with or without accession, ``p.`` and parentheses.

    Raises
    ------
    CaseError
        If it is neither; the sentence shows what is.
    """
    written = text.strip()
    accession = _ACCESSION.match(written)
    core = written[accession.end() :] if accession else written
    name = accession["accession"] if accession else ""
    if core.startswith("c."):
        coding = _CODING.match(core)
        if coding is None:
            raise _not_hgvs(text)
        if coding["offset"]:
            raise CaseError(
                f"'{text}' lies in an intron; what it does to the protein is not known from it"
            )
        codon = (int(coding["first"]) + 2) // 3
        last = (int(coding["last"]) + 2) // 3 if coding["last"] else codon
        return Hgvs("c", codon, last, coding["change"], name, text)
    if re.match(r"^[gmnor]\.", core):
        raise CaseError(
            f"'{text}' is a {core[:2]} description; give the protein change, such as p.D842V"
        )
    short = one_letter(core)
    protein = _PROTEIN.match(short)
    if protein is None:
        raise _not_hgvs(text)
    codon = int(protein["codon"])
    last = int(protein["last"] or codon)
    if last < codon:
        raise CaseError(f"'{text}' ends (codon {last}) before it begins (codon {codon})")
    return Hgvs("p", codon, last, short, name, text)


def as_variant(gene: str, text: str) -> dict[str, str]:
    """Return the entry of a case's ``variants`` for a variant of `gene` as reported.

    Raises
    ------
    CaseError
        If the text is no variant at all.
    """
    word = text.strip()
    if re.match(r"^([A-Z]{2}_|ENS|[pcgmnor]\.)", word) or _PROTEIN.match(one_letter(word)):
        parsed = parse_hgvs(word)
        if parsed.level == "c":
            known = KNOWN_CODING.get((gene.upper(), word[word.find("c.") :]))
            if known is not None:
                return {"gene": gene, "protein": known, "cdna": word}
            # The finding depends on the codon; X stands for amino acids that c. does not name.
            return {"gene": gene, "protein": f"X{parsed.codon}{_kind(parsed.change)}",
                    "cdna": word}  # fmt: skip
        return {"gene": gene, "protein": parsed.change}
    exon = _EXON.search(word)
    if exon:
        return {"gene": gene, "exon": exon["exon"]}
    if not re.search(r"[A-Za-z]", word):
        raise _not_hgvs(text)
    return {"gene": gene, "alteration": word}


def _kind(change: str) -> str:
    for kind in ("delins", "del", "dup", "ins", "inv"):
        if kind in change:
            return kind
    return "X"


def _not_hgvs(text: str) -> CaseError:
    return CaseError(
        f"'{text}' is not a variant in the notation of the HGVS, such as p.D842V, "
        "p.(Asp842Val), p.W557_K558del or c.2525A>T"
    )
