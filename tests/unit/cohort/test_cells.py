import numpy as np
import pandas as pd
import pytest

from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.mapping import ColumnMapping, read_mapping
from mesenbayes.errors import CaseError, UnknownFinding


def posterior(network, frame, **settings):
    return network.diagnose_frame(pd.DataFrame(frame), **settings)


def same(a, b):
    np.testing.assert_allclose(a.to_numpy(), b.to_numpy(), rtol=1e-12)


def test_a_frame_answers_as_case_by_case(network):
    frame = pd.DataFrame(
        {"site": ["stomach", "colon"], "CD117": ["positive", "negative"], "size_mm": [45, None]},
        index=["a", "b"],
    )
    together = network.diagnose_frame(frame)
    assert list(together.index) == ["a", "b"]
    assert list(together.columns) == list(network.variable("tumour").states)
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-12)
    first = network.diagnose({"site": "stomach", "CD117": "positive", "size_mm": 45})
    second = network.diagnose({"site": "colon", "CD117": "negative"})
    np.testing.assert_allclose(together.loc["a"], first.probabilities, rtol=1e-10)
    np.testing.assert_allclose(together.loc["b"], second.probabilities, rtol=1e-10)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "", "NA", "n/a"])
def test_not_observed_is_not_negative(network, missing):
    frame = pd.DataFrame({"site": ["stomach"], "CD117": pd.Series([missing], dtype=object)})
    same(network.diagnose_frame(frame), posterior(network, {"site": ["stomach"]}))


def test_aliases_units_and_categories_say_the_same(network):
    plain = posterior(network, {"size_cm": ["gt_2_to_5"], "site": ["stomach"]})
    same(posterior(network, {"Size": [4.5], "Location": ["gastric"]}), plain)
    same(posterior(network, {"size_mm": ["45 mm"], "site": ["stomach"]}), plain)
    categories = {"size_cm": [4.5], "site": pd.Categorical(["stomach"], ["colon", "stomach"])}
    same(posterior(network, categories), plain)


def test_a_column_of_answers_is_never_evidence(network):
    with_answer = {"site": ["stomach"], "diagnosis": ["LM"], "true_tumour": ["GIST"]}
    same(posterior(network, with_answer), posterior(network, {"site": ["stomach"]}))


def test_mixed_units_are_refused_by_row(network):
    with pytest.raises(CaseError, match=r"row 1: column size_cm: '45 mm' is not in cm"):
        posterior(network, {"site": ["stomach"] * 2, "size_cm": ["4.5 cm", "45 mm"]})


def test_an_unknown_column_is_refused_with_the_nearest_or_set_aside(network):
    with pytest.raises(CaseError, match=r"column 'CD11': unknown finding.*CD117"):
        posterior(network, {"site": ["stomach"], "CD11": ["positive"]})
    same(
        posterior(network, {"site": ["stomach"], "CD11": ["x"]}, ignore_unknown=True),
        posterior(network, {"site": ["stomach"]}),
    )


def test_two_columns_that_contradict_each_other_set_the_row_aside(network):
    frame = {"size_cm": [1.0, 4.5], "size_mm": [45, 45]}
    answered = posterior(network, frame, errors="set_aside")
    assert answered.loc[0].isna().all()
    assert answered.loc[1].notna().all()
    assert "contradicts" in answered.attrs["rejected"][0]


def test_the_question_must_exist(network):
    with pytest.raises(UnknownFinding, match="tumor"):
        posterior(network, {"site": ["stomach"]}, target="tumor")


def test_an_empty_frame_has_an_empty_answer(network):
    assert posterior(network, {"site": []}).shape == (0, network.variable("tumour").cardinality)


def test_a_mapping_file_speaks_for_a_laboratory(network, tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text(
        'id = "Accession"\nmissing = ["not done"]\nignore = ["Pathologist"]\n'
        '[columns]\n"c-kit (IHC)" = "CD117"\n"Diameter" = "size_cm"\n'
        '[units]\n"Diameter" = "mm"\n'
        '[states."c-kit (IHC)"]\n"3+" = "positive"\n"?" = ""\n'
        '[variants]\n"PDGFRA result" = "PDGFRA"\n',
        encoding="utf-8",
    )
    frame = {
        "Accession": ["S1", "S2", "S3"],
        "Pathologist": ["x", "y", "z"],
        "c-kit (IHC)": ["3+", "not done", "?"],
        "Diameter": ["45", "30", "not done"],
        "PDGFRA result": ["p.(Asp842Val)", "c.2525A>T", "not done"],
        "site": ["stomach"] * 3,
    }
    plain = {
        "CD117": ["positive", None, None],
        "size_cm": [4.5, 3.0, None],
        "PDGFRA_mutation": ["D842V", "D842V", None],
        "site": ["stomach"] * 3,
    }
    same(posterior(network, frame, mapping=read_mapping(path)), posterior(network, plain))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[colums]\n", "unknown key 'colums'; did you mean columns"),
        ("[columns]\na = 3\n", r"\[columns\] is a table of words"),
        ("missing = 3\n", "'missing' is a list"),
        ("[columns\n", "not a mapping file in TOML"),
    ],
)
def test_a_broken_mapping_is_refused(tmp_path, text, reason):
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CaseError, match=reason):
        read_mapping(path)


def test_a_mapping_of_another_file_is_refused(network):
    mapping = ColumnMapping(columns={"c-kit": "CD117"}, units={"Diameter": "inch"})
    with pytest.raises(CaseError, match="names a column 'c-kit', which the file lacks"):
        CellReader(network, mapping).match_header(["site"])
    mapping = ColumnMapping(columns={"Diameter": "size_cm"}, units={"Diameter": "inch"})
    with pytest.raises(CaseError, match="no conversion from 'inch'"):
        CellReader(network, mapping).match_header(["site", "Diameter"])
