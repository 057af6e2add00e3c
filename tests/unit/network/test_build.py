"""From a folder to tables: the textbook fraction, provenance, sharing, and honest failure."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mesenbayes.errors import EvidenceError, NetworkError
from mesenbayes.facade import load_network
from mesenbayes.network.folder import builder_of

ORIGINS = {"counts", "borrowed", "prior", "definition"}


def test_the_textbook_fraction(tiny) -> None:
    """P(GIST | bleeding) by hand: incidence 6 : 3 : 1, none of these 2 % on top, and bleeding
    in 8, 4 and 1 of 10; 'none of these' bleeds as the average of the three."""
    incidence = [Fraction(6, 10), Fraction(3, 10), Fraction(1, 10), Fraction(2, 100)]
    bleeds = [Fraction(8, 10), Fraction(4, 10), Fraction(1, 10), Fraction(13, 30)]
    joint = [p * q for p, q in zip(incidence, bleeds, strict=True)]
    expected = [float(p / sum(joint)) for p in joint]
    found = tiny.posterior(pd.DataFrame({"bleeding": ["present"]})).loc[0]
    assert list(found.index) == ["GIST", "LM", "SCHW", "OTHER"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert Fraction(float(found["GIST"])).limit_denominator(1000) == joint[0] / sum(joint)


def test_every_row_says_who(tiny, flagship) -> None:
    for network in (tiny, flagship):
        for table in network.tables.values():
            for row in table.rows:
                assert row.origin in ORIGINS
                assert row.reason, table.variable
                assert row.mean.sum() == pytest.approx(1, abs=1e-12)
                assert (row.alpha >= 0).all()


def test_no_zero_and_no_one_without_a_definition(flagship) -> None:
    for table in flagship.tables.values():
        for row in table.rows:
            certain = ((row.mean == 0) | (row.mean == 1)).any()
            if certain and row.origin != "definition":
                # Sites and tumours that a definition excludes stay excluded in counted rows.
                assert table.variable in ("tumour", "genotype", "site"), (table.variable, row)


def test_studies_behind_a_row_are_the_pooled_ones(tiny) -> None:
    row = tiny.tables["CD117_expression"].rows[0]
    assert [s.source_id for s in row.studies] == ["LARGE2001", "SMALL2002", "NEW2005"]
    family = tiny.builder.families["stain"]
    rho = family.between.rho_of(family.findings["CD117_expression"].by_tumour["GIST"])
    assert row.studies[0].effective_n == pytest.approx(100 / (1 + 99 * rho))
    assert row.studies[2].effective_n == pytest.approx(0.5 * 40 / (1 + 39 * rho))


def test_a_cell_between_its_studies_and_its_relatives(tiny) -> None:
    p = tiny.tables["CD117_expression"].probability
    gist, lm = p[0, 1], p[1, 1]
    assert 0.8 < gist < 0.96  # 95, 85 and 70 %
    assert lm < 0.05


def test_an_unstudied_cell_is_borrowed_and_wide(tiny) -> None:
    builder = tiny.builder
    spec = builder.structure.specification("S100_expression")
    row = builder.tumour_row(spec, "LM")
    assert row.origin == "borrowed"
    assert row.studies == ()
    assert row.strength == pytest.approx(builder.structure.settings.borrowed_strength)
    assert row.mean[1] < 0.5  # markers are studied where they are positive


def test_a_genotype_has_a_row_of_its_own_only_where_it_was_studied(tiny) -> None:
    table = tiny.tables["calcified"]
    genotypes = tiny.variable("genotype").states
    whole, kit, other = (table.row_index[0, genotypes.index(g)]
                         for g in ("not_applicable", "KIT", "other"))  # fmt: skip
    assert whole == kit
    assert other != whole
    assert table.probability[0, genotypes.index("other"), 1] > 0.5
    lm = table.row_index[1]
    assert len(set(lm.tolist())) == 1


def test_only_a_gist_has_a_genotype(tiny) -> None:
    p = tiny.tables["genotype"].probability
    assert (p[1:, :, 0] == 1).all()
    assert (p[0, :, 0] == 0).all()
    assert p[0, 0, 1] == pytest.approx(0.8, abs=0.03)


def test_ages_become_bands_of_a_normal_curve(tiny) -> None:
    p = tiny.tables["age"].probability[0]
    # mean 60, SD 12: half are under 60, and P(< 40) = Phi(-5/3) = 0.048
    assert p[:2].sum() == pytest.approx(0.5, abs=0.06)
    assert p[0] == pytest.approx(0.05, abs=0.05)


def test_tables_of_a_few_variables_bring_their_ancestors_and_nothing_else(tiny) -> None:
    names = [spec.variable.name for spec, _ in tiny.builder.tables(["CD117"])]
    assert names[-1] == "CD117"
    assert set(names) == {
        "site", "ascertainment", "tumour", "CD117_expression", "sampling", "cells", "CD117",
    }  # fmt: skip


def test_leaving_a_source_out_leaves_the_others(tiny) -> None:
    from mesenbayes.network.build import NetworkBuilder

    builder = tiny.builder
    rest = NetworkBuilder(
        builder.structure, builder.evidence.without_source("LARGE2001"), builder.priors
    )
    studies = rest.families["stain"].findings["CD117_expression"].by_tumour["GIST"]
    assert [s.source_id for s in studies] == ["SMALL2002", "NEW2005"]


# ------------------------------------------------------------------ bad input


def test_a_broken_row_stops_the_build_and_the_network_in_hand_still_answers(
    tiny_folder: Path,
) -> None:
    network = load_network(tiny_folder)
    before = network.diagnose({"bleeding": "present"}).probabilities
    table = tiny_folder / "evidence" / "counts" / "all.csv"
    table.write_text(table.read_text() + "GIST,DOG1,positive,11,10,,,,LARGE2001,primary,,,x\n")
    builder_of.cache_clear()
    with pytest.raises(EvidenceError, match=r"all\.csv:18 column row: k = 11 is more than n = 10"):
        load_network(tiny_folder)
    np.testing.assert_array_equal(
        network.diagnose({"bleeding": "present"}).probabilities, before
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('kind = "choice"', 'kind = "guess"', "shape: kind 'guess' is not one of"),
        ('name = "shape"', 'name = "type"', "'type' of type cannot be a name"),
        ('name = "shape"', 'name = "two words"', "cannot be a name"),
        ('code = "OTHER"', 'code = "REST"', "must include OTHER"),
        ("rho_floor = 0.05", "", "rho_floor"),
        ('[network]\nname = "tiny"', "[network]", "name is missing"),
        ("[network]", "[network", "network.toml: "),
        ('states = ["stomach"]', 'states = ["rectum"]', "gives stomach a weight, but none of"),
        ('states = ["stomach"]', 'states = ["stomach", "rectum"]', "no tumour .* sits at rectum"),
    ],
)
def test_a_broken_structure_is_one_sentence(
    tiny_folder: Path, old: str, new: str, reason: str
) -> None:
    file = tiny_folder / "network.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    if new == 'states = ["rectum"]':
        priors = tiny_folder / "priors.csv"
        priors.write_text(priors.read_text().replace("site,,stomach", "site,,rectum"))
    with pytest.raises(NetworkError, match=reason):
        load_network(tiny_folder)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("site,,stomach,1,100,stated", "site,,stomach,1,100,", "priors.csv:2 column reason"),
        ("site,,stomach,1,", "site,,stomach,much,", "priors.csv:2 column weight"),
        ("site,,stomach,1,100", "site,,stomach,1,-3", "priors.csv:2 column weight"),
        ("cells,sampling=core,adequate", "cells,core,adequate", "column given"),
        ("cells,sampling=core,scant,1,10", "cells,sampling=core,scant,1,11", "share a strength"),
        ("site,,stomach,1,", "site,,stomach,0,", "must not all be 0"),
        ("variable,given", "variable,if", "priors.csv:1 must have the columns"),
    ],
)
def test_a_broken_prior_names_file_line_and_column(
    tiny_folder: Path, old: str, new: str, reason: str
) -> None:
    file = tiny_folder / "priors.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(EvidenceError, match=reason):
        load_network(tiny_folder)


def test_a_prior_that_is_missing_is_named(tiny_folder: Path) -> None:
    file = tiny_folder / "priors.csv"
    lines = [x for x in file.read_text().splitlines() if not x.startswith("ascertainment")]
    file.write_text("\n".join(lines))
    with pytest.raises(NetworkError, match="ascertainment given nothing needs a line"):
        load_network(tiny_folder)


def test_an_unknown_network_names_the_nearest() -> None:
    with pytest.raises(NetworkError, match="did you mean mesenchymal"):
        load_network("mesenchimal")


def test_the_smaller_networks_take_everything_from_the_flagship(flagship) -> None:
    small = load_network("gist-basics")
    assert small.variable("tumour").states[-1] == "OTHER"
    assert small.digest != flagship.digest
    i = flagship.variable("tumour").index("GIST")
    j = small.variable("tumour").index("GIST")
    table, same = (n.tables["S100_expression"] for n in (small, flagship))
    ours, theirs = (t.rows[t.row_index[k].flat[0]] for t, k in ((table, j), (same, i)))
    assert [(s.source_id, s.counts) for s in ours.studies] == [
        (s.source_id, s.counts) for s in theirs.studies
    ]


# ------------------------------------------------------------------ hidden properties


def test_muscle_markers_are_lost_together_and_each_keeps_its_own_rate(flagship) -> None:
    tumour = flagship.tables["tumour"]
    codes = flagship.variable("tumour").states
    lost = flagship.tables["muscle_markers_lost"].probability  # (tumours, 2)
    stains = [flagship.tables[f"{n}_expression"].probability for n in ("SMA", "desmin")]
    assert tumour.variable == "tumour"
    for code in ("LMS", "GIST"):
        i = codes.index(code)
        rates = [lost[i] @ p[i] for p in stains]  # (states,) over lost or not
        for name, rate in zip(("SMA", "desmin"), rates, strict=True):
            row = flagship.builder.tumour_row(
                flagship.builder.structure.specification(f"{name}_expression"), code
            )
            np.testing.assert_allclose(rate, row.mean, atol=2e-3)
        both_negative = float(lost[i] @ (stains[0][i, :, 0] * stains[1][i, :, 0]))
        ratio = both_negative / (rates[0][0] * rates[1][0])
        assert (ratio > 1.4) if code == "LMS" else ratio == pytest.approx(1, abs=0.02)
