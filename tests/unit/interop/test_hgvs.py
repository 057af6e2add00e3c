import pytest

from mesenbayes.errors import CaseError
from mesenbayes.facade import load_network
from mesenbayes.interop.hgvs import as_variant, parse_hgvs


@pytest.mark.parametrize(
    ("text", "codon", "last", "change"),
    [
        ("p.D842V", 842, 842, "D842V"),
        ("D842V", 842, 842, "D842V"),
        ("p.Asp842Val", 842, 842, "D842V"),
        ("p.(Asp842Val)", 842, 842, "D842V"),
        ("NP_006197.1:p.Asp842Val", 842, 842, "D842V"),
        ("NP_006197.1:p.(Asp842Val)", 842, 842, "D842V"),
        ("p.W557_K558del", 557, 558, "W557_K558del"),
        ("p.Trp557_Lys558del", 557, 558, "W557_K558del"),
        ("p.A502_Y503dup", 502, 503, "A502_Y503dup"),
        ("p.V559_V560delinsD", 559, 560, "V559_V560delinsD"),
        ("p.R27Gfs*12", 27, 27, "R27Gfs*12"),
        ("p.Q61*", 61, 61, "Q61*"),
    ],
)
def test_protein_changes(text, codon, last, change):
    parsed = parse_hgvs(text)
    assert (parsed.level, parsed.codon, parsed.last_codon, parsed.protein) == (
        "p", codon, last, change
    )  # fmt: skip
    assert parsed.text == text


def test_coding_changes_give_the_codon():
    # Codon = ceil(position / 3): 2525 / 3 = 841.67; 1669 to 1674 are codons 557 and 558.
    assert parse_hgvs("c.2525A>T").codon == 842
    deletion = parse_hgvs("NM_000222.3(KIT):c.1669_1674del")
    assert (deletion.codon, deletion.last_codon) == (557, 558)
    assert deletion.accession == "NM_000222.3"


@pytest.mark.parametrize(
    "text",
    ["", "?", "p.", "p.842", "p.B842V", "p.D842", "D842V!", "c.A2525T", "842", "p.W558_W557x"],
)
def test_what_is_no_hgvs_is_refused(text):
    with pytest.raises(CaseError, match="not a variant in the notation"):
        parse_hgvs(text)


def test_what_cannot_be_placed_is_refused_with_the_reason():
    with pytest.raises(CaseError, match=r"ends \(codon 557\) before it begins"):
        parse_hgvs("p.K558_W557del")
    with pytest.raises(CaseError, match="intron"):
        parse_hgvs("c.1648-3T>G")
    with pytest.raises(CaseError, match="give the protein change"):
        parse_hgvs("g.55141055A>T")


@pytest.mark.parametrize(
    ("gene", "text", "finding", "state"),
    [
        ("PDGFRA", "p.(Asp842Val)", "PDGFRA_mutation", "D842V"),
        ("PDGFRA", "c.2525A>T", "PDGFRA_mutation", "D842V"),
        ("PDGFRA", "p.I843del", "PDGFRA_mutation", "exon_18_other"),
        ("KIT", "NM_000222.3:c.1669_1674del", "KIT_mutation", "exon_11"),
        ("KIT", "exon 11 deletion", "KIT_mutation", "exon_11"),
        ("KIT", "ex9", "KIT_mutation", "exon_9"),
        ("KIT", "p.A502_Y503dup", "KIT_mutation", "exon_9"),
        ("KIT", "wild type", "KIT_mutation", "wild_type"),
        ("BRAF", "c.1799T>A", "BRAF_V600E", "present"),
    ],
)
def test_reports_become_findings(gene, text, finding, state):
    rules = load_network("gi-mesenchymal").vocabulary.variants
    assert rules is not None
    assert rules.finding(as_variant(gene, text)) == (finding, state)
