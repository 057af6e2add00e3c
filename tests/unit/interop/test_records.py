import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mesenbayes.cli import main
from mesenbayes.errors import CaseError
from mesenbayes.facade import load_network
from mesenbayes.interop.cbioportal import read_study
from mesenbayes.interop.phenopackets import read_phenopacket, write_phenopacket
from mesenbayes.interop.records import measured, tumour_of_oncotree


@pytest.fixture(scope="module")
def network(gut):
    return gut


CASE = {
    "id": "p1",
    "findings": {"site": "stomach", "age": 58, "sex": "female", "size_cm": 4.5,
                 "CD117": "positive", "DOG1": "positive", "necrosis": "absent"},
    "variants": [],
}  # fmt: skip
CREATED = "2026-01-31T12:00:00Z"


def term(label, identifier="X:1"):
    return {"id": identifier, "label": label}


def packet(**more):
    return {
        "id": "p2",
        "subject": {"id": "s", "sex": "MALE",
                    "timeAtLastEncounter": {"age": {"iso8601duration": "P71Y6M"}}},
        "biosamples": [{"id": "b", "sampledTissue": term("stomach", "UBERON:0000945"),
                        "procedure": {"code": term("core needle biopsy")},
                        "measurements": [
                            {"assay": term("CD117 (IHC)"), "value": {"ontologyClass": term("+")}},
                            {"assay": term("size"),
                             "value": {"quantity": {"unit": term("mm"), "value": 45}}}]}],
        "phenotypicFeatures": [{"type": term("Tumour necrosis"), "excluded": True}],
        "diseases": [{"term": term("GIST", "OncoTree:GIST")}],
        "interpretations": [{"id": "i", "progressStatus": "SOLVED", "diagnosis": {
            "disease": term("GIST"),
            "genomicInterpretations": [{"subjectOrBiosampleId": "b",
                "interpretationStatus": "CAUSATIVE", "variantInterpretation": {
                    "variationDescriptor": {"id": "v", "geneContext": {"symbol": "PDGFRA"},
                        "expressions": [{"syntax": "hgvs.c", "value": "NM_006206.6:c.2525A>T"},
                            {"syntax": "hgvs.p", "value": "NP_006197.1:p.Asp842Val"}]}}}]}}],
        "metaData": {"created": CREATED, "createdBy": "x", "phenopacketSchemaVersion": "2.0"},
        **more,
    }  # fmt: skip


def test_a_phenopacket_becomes_the_case(network):
    record, aside = read_phenopacket(packet(), network)
    assert not aside
    assert record.findings == {
        "age": 71.0, "sex": "male", "site": "stomach", "sampling": "core", "CD117": "positive",
        "size_cm": 4.5, "necrosis": "absent",
    }  # fmt: skip
    assert record.variants == ({"gene": "PDGFRA", "protein": "D842V"},)
    assert record.tumour == "GIST"
    answer = network.diagnose({"findings": record.findings, "variants": list(record.variants)})
    assert answer.case.by_variable["PDGFRA_mutation"].state == "D842V"


def test_what_a_packet_says_beyond_the_network_is_set_aside(network):
    more = packet(phenotypicFeatures=[{"type": term("Purple hair")}, {"type": term("necrosis")}])
    (genomic,) = more["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    described = genomic["variantInterpretation"]["variationDescriptor"]
    described["expressions"] = [{"syntax": "hgvs.p", "value": "p.What"}]
    record, aside = read_phenopacket(more, network)
    assert record.findings["necrosis"] == "present"
    assert record.variants == ()
    assert [a.where for a in aside] == ["p2", "p2"]
    assert "Purple hair" in aside[0].reason
    assert "p.What" in aside[1].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"id": "x", "metaData": {"phenopacketSchemaVersion": "1.0.0"}}', "version 1"),
        ('{"id": "x", "genes": [], "metaData": {}}', "version 1"),
        ('{"id": "x"}', "no metaData"),
        ("{", "not JSON"),
        ('{"id": "x", "metaData": []}', "metaData is not an object"),
        ('{"metaData": {}, "biosamples": {}}', "biosamples is not a list of objects"),
        ('{"metaData": {}, "diseases": ["GIST"]}', "diseases is not a list of objects"),
        ('{"metaData": {}, "subject": "a woman"}', "subject is not an object"),
    ],
)
def test_another_version_is_refused_by_name(network, tmp_path, text, reason):
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(CaseError, match=reason):
        read_phenopacket(path, network)


def test_a_case_survives_the_round_trip_with_its_differential(network):
    answer = network.diagnose(CASE)
    written = write_phenopacket(answer, CREATED)
    record, aside = read_phenopacket(json.loads(json.dumps(written)), network)
    assert not aside
    back = network.diagnose({"findings": record.findings})
    np.testing.assert_allclose(back.probabilities, answer.probabilities, rtol=1e-12)
    first = written["interpretations"][0]
    assert f"probability {answer.leading.probability:.4f}" in first["summary"]
    assert first["diagnosis"]["disease"]["label"] == answer.leading.name


def test_the_schema_of_ga4gh_accepts_what_we_write(network):
    schema = pytest.importorskip("phenopackets", reason="judge of the Phenopackets schema")
    from google.protobuf.json_format import Parse

    for text in (json.dumps(write_phenopacket(network.diagnose(CASE), CREATED)),
                 json.dumps(packet())):  # fmt: skip
        parsed = Parse(text, schema.Phenopacket())
        assert parsed.meta_data.phenopacket_schema_version == "2.0"


@pytest.mark.parametrize(
    ("name", "unit", "value"),
    [("size_cm", "mm", 4.5), ("size_cm", "cm", 45.0), ("mitoses_per_5mm2", "per 50 HPF", 45.0)],
)
def test_a_number_is_taken_in_its_unit(network, name, unit, value):
    assert measured(network.vocabulary, name, 45, unit) == (name, pytest.approx(value))


@pytest.mark.parametrize(("name", "unit"), [("size_cm", "m"), ("mitoses_per_5mm2", "HPF")])
def test_a_unit_that_only_ends_alike_is_refused(network, name, unit):
    with pytest.raises(CaseError, match="no conversion from"):
        measured(network.vocabulary, name, 45, unit)


def test_a_null_is_not_stated_and_an_odd_value_is_set_aside(network):
    record, aside = read_phenopacket(
        {"id": "x", "metaData": {}, "biosamples": None, "subject": None,
         "measurements": [{"assay": {"label": "CD117"}, "value": 5}]}, network,
    )  # fmt: skip
    assert record.findings == {}
    assert [a.reason for a in aside] == ["measurement 'CD117' has no value"]


def test_oncotree_codes_are_never_matched_by_spelling():
    structure = load_network("mesenchymal").structure
    assert tumour_of_oncotree(structure, "gist") == "GIST"
    assert tumour_of_oncotree(structure, "MFH") == "UPS"
    assert tumour_of_oncotree(structure, "LIPO") == "OTHER"  # liposarcoma there, not lipoma
    assert tumour_of_oncotree(structure, "CHS") == "OTHER"  # chondrosarcoma of bone


SAMPLES = """#Sample Identifier\tPatient Identifier\tCode\tSite\tType
#x\tx\tx\tx\tx
#STRING\tSTRING\tSTRING\tSTRING\tSTRING
#1\t1\t1\t1\t1
SAMPLE_ID\tPATIENT_ID\tONCOTREE_CODE\tPRIMARY_SITE\tSAMPLE_TYPE
S1\tP1\tGIST\tStomach\tPrimary
S2\tP2\tLMS\tColon\tMetastasis
S3\tP3\tMFH\tMoon\tPrimary
S1\tP1\tGIST\tStomach\tPrimary
"""
PATIENTS = "#a\n#a\n#a\n#a\nPATIENT_ID\tSEX\tAGE\nP1\tFemale\t58\nP2\tMale\tNA\nP3\tMale\t300\n"
MAF = """#version 2.4
Hugo_Symbol\tTumor_Sample_Barcode\tHGVSp_Short\tVariant_Classification
KIT\tS1\tp.W557_K558del\tIn_Frame_Del
KIT\tS1\tp.D816V\tMissense_Mutation
TP53\tS2\tp.R175H\tMissense_Mutation
PDGFRA\tS2\tnonsense\tMissense_Mutation
KIT\tS2\tp.L541L\tSilent
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for name, text in (("data_clinical_sample.txt", SAMPLES), ("data_mutations.txt", MAF),
                       ("data_clinical_patient.txt", PATIENTS)):  # fmt: skip
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_study_of_cbioportal_becomes_a_cohort(network, study):
    records, aside = read_study(
        network, study / "data_clinical_sample.txt", study / "data_clinical_patient.txt",
        study / "data_mutations.txt",
    )  # fmt: skip
    one, two, three = records
    assert one.findings == {"age": "58", "sex": "Female", "site": "Stomach"}
    assert one.variants == ({"gene": "KIT", "protein": "W557_K558del"},)
    assert [r.tumour for r in records] == ["GIST", "LMS", "OTHER"]
    assert two.findings == {"sex": "Male", "metastasis": "present"}  # not where the sample lay
    assert two.variants == ()  # no line is not wild type
    assert three.findings == {"sex": "Male"}
    reasons = {a.where.rpartition("/")[2]: a.reason for a in aside}
    assert "S1 stands twice" in reasons["data_clinical_sample.txt:9"]
    assert "a second alteration of KIT" in reasons["data_mutations.txt:4"]
    assert "'nonsense' is not a variant" in reasons["data_mutations.txt:6"]
    rest = [a.reason for a in aside if a.where.endswith("sample.txt:8")]
    assert any("Moon" in r for r in rest)
    assert any("300" in r for r in rest)


def test_a_gene_that_was_sequenced_is_wild_type_without_a_line(network, study):
    records, _ = read_study(network, study / "data_clinical_sample.txt",
                            mutations=study / "data_mutations.txt", profiled=["KIT"])  # fmt: skip
    assert {"gene": "KIT", "alteration": "wild type"} in records[1].variants
    assert {"gene": "KIT", "alteration": "wild type"} not in records[0].variants


def test_a_gene_whose_line_cannot_be_read_is_not_wild_type(network, study):
    records, aside = read_study(network, study / "data_clinical_sample.txt",
                                mutations=study / "data_mutations.txt",
                                profiled=["KIT", "PDGFRA"])  # fmt: skip
    assert any("'nonsense' is not a variant" in a.reason for a in aside)
    assert records[1].variants == ({"gene": "KIT", "alteration": "wild type"},)
    assert {"gene": "PDGFRA", "alteration": "wild type"} in records[0].variants


def test_a_maf_without_its_columns_is_refused_by_name(network, study):
    (study / "data_mutations.txt").write_text("Hugo_Symbol\tprotein\nKIT\tD816V\n")
    with pytest.raises(CaseError, match="no column Tumor_Sample_Barcode, HGVSp_Short"):
        read_study(network, study / "data_clinical_sample.txt",
                   mutations=study / "data_mutations.txt")  # fmt: skip


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["mesenbayes", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_the_commands_lead_from_a_study_to_posteriors(study, tmp_path, monkeypatch, capsys):
    out = tmp_path / "cases.jsonl"
    assert run(monkeypatch, "convert", "from-cbioportal", study / "data_clinical_sample.txt",
               "--out", out, "--mutations", study / "data_mutations.txt",
               "--network", "gi-mesenchymal") == 1  # fmt: skip
    assert "set aside: " in capsys.readouterr().err
    assert run(monkeypatch, "cohort", out, "--out", tmp_path / "p.csv") == 0
    results = pd.read_csv(tmp_path / "p.csv")
    assert list(results["id"]) == ["S1", "S2", "S3"]
    assert results["true_tumour"][0] == results["leading"][0] == "GIST"


def test_the_commands_lead_through_phenopackets(tmp_path, monkeypatch, capsys):
    case = tmp_path / "case.json"
    case.write_text(json.dumps(CASE))
    old = tmp_path / "old.json"
    old.write_text('{"id": "x", "metaData": {"phenopacketSchemaVersion": "1.0.0"}}')
    assert run(monkeypatch, "convert", "phenopacket", case, tmp_path / "new.json") == 0
    out = tmp_path / "c.jsonl"
    assert run(monkeypatch, "convert", "from-phenopackets", tmp_path / "new.json", old,
               "--out", out) == 1  # fmt: skip
    assert "old.json: a phenopacket of version 1" in capsys.readouterr().err
    (line,) = [json.loads(text) for text in out.read_text().splitlines()]
    assert line["findings"]["CD117"] == "positive"
