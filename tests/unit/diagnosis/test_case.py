"""A case file as people write it, and every way in which it can be wrong."""

import json
from pathlib import Path

import pytest

from mesenbayes.diagnosis.case import Case, as_case, parse_cases, read_cases
from mesenbayes.errors import CaseError

GOOD = "id: a\nfindings:\n  site: stomach\n  CD117: no\n  age: 61\n"


def test_yaml_and_json_say_the_same_and_no_is_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    content = {"id": "a", "findings": {"site": "stomach", "CD117": "no", "age": 61}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (yaml,), (js,) = read_cases(tmp_path / "a.yaml"), read_cases(tmp_path / "a.json")
    assert dict(yaml.findings) == dict(js.findings) == content["findings"]
    assert yaml.findings["CD117"] == "no"  # YAML 1.1 would make it False


def test_a_list_of_cases_numbers_them() -> None:
    cases = parse_cases("- findings: {site: stomach}\n- findings: {site: colon}\n", "f.yaml")
    assert [c.where for c in cases] == ["f.yaml (case 1)", "f.yaml (case 2)"]


def test_a_bare_mapping_is_the_findings_and_a_case_stays_itself() -> None:
    case = as_case({"site": "stomach"})
    assert dict(case.findings) == {"site": "stomach"}
    assert as_case(case) is case
    assert Case(findings={"a": 1}).to_dict()["findings"] == {"a": 1}


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("  \n\n", "the file is empty"),
        (BOMB, r"line 2 uses a YAML alias \(\*a\); write the value out"),
        ("findings:\n  site: stomach\n  site: colon\n", "'site' is stated twice"),
        ('{"findings": {"age": 1, "age": 2}}', "'age' is stated twice"),
        ("findings: [a, b]", "'findings' is a mapping of finding to state, not a list"),
        ("just words", "a case is a mapping with 'findings', not a text"),
        ("[]", "the list of cases is empty"),
        ("title: x\n", "there is no 'findings'"),
        ("findings: {}\nfindigs: {}\n", "unknown key 'findigs'; did you mean findings"),
        ("findings: {a: 1}\nvariants: {}\n{", "broken YAML at line 3"),
        ("findings:\n\tsite: stomach\n", "broken YAML at line 2"),
        ("findings: {}\nvariants: KIT\n", "'variants' is a list, not a text"),
        ("findings: {}\nvariants: [{exon: 11}]\n", "is a mapping with a 'gene'"),
        ("findings: {}\ntitle: [a]\n", "'title' is a text, not a list"),
        ("[" * 20_000, "nested too deeply|broken YAML"),
    ],
)
def test_what_is_no_case_is_one_sentence_with_the_file(text: str, reason: str) -> None:
    with pytest.raises(CaseError, match=reason) as caught:
        parse_cases(text, "f.yaml")
    assert str(caught.value).startswith("f.yaml")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(256)))
    large = tmp_path / "large.yaml"
    large.write_text("x" * 2_000_001)
    for path, reason in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "this is a folder"),
        (binary, "not a text file in UTF-8"),
        (large, "2000001 bytes are too many"),
    ):
        with pytest.raises(CaseError, match=reason):
            read_cases(path)
