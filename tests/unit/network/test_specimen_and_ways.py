"""The specimen before every result, and the mix of cases that is sent in."""

from pathlib import Path

import numpy as np
import pytest

from mesenbayes.errors import NetworkError
from mesenbayes.facade import load_network
from mesenbayes.network.build import NetworkBuilder
from mesenbayes.network.folder import find_network


def p_of(network, tumour, **findings):
    return next(c.probability for c in network.diagnose(findings).posterior if c.code == tumour)


# ------------------------------------------------------------------ specimen


def test_a_negative_gene_test_counts_for_less_on_few_cells(flagship) -> None:
    case = {"site": "extremity", "keratin": "positive", "TLE1": "positive"}
    before = p_of(flagship, "SYNS", **case)
    scant, good = (
        p_of(flagship, "SYNS", **case, SS18_rearrangement="absent", cells=cells)
        for cells in ("scant", "adequate")
    )
    assert good < scant < before


def test_a_lost_stain_and_an_exon_are_read_through_the_cells(flagship) -> None:
    for name in ("SDHB", "KIT_mutation", "NAB2_STAT6_fusion"):
        assert flagship.tables[name].parents == (f"{name}_true", "cells")
    states = flagship.variable("KIT_mutation").states
    table = flagship.tables["KIT_mutation"].probability  # (true, cells, read)
    adequate, scant = (flagship.variable("cells").index(s) for s in ("adequate", "scant"))
    np.testing.assert_array_equal(table[:, adequate], np.eye(len(states)))
    exon_11, wild_type = states.index("exon_11"), states.index("wild_type")
    assert table[exon_11, scant, wild_type] > 0.1
    assert table[wild_type, scant, wild_type] == 1


def test_a_needle_under_reads_the_grade_and_never_a_resection(flagship) -> None:
    table = flagship.tables["grade"].probability  # (true, sampling, read)
    resection, core = (flagship.variable("sampling").index(s) for s in ("resection", "core"))
    np.testing.assert_array_equal(table[:, resection], np.eye(3))
    assert 0.2 < table[2, core, 1] < 0.6  # grade 3 read as 2: four series, half to all agree
    assert 0 < table[2, core, 0] < 0.01
    row = next(r for r in flagship.tables["grade"].rows if r.studies)
    assert {s.source_id for s in row.studies} >= {"almond2019", "USCNB20"}


# ------------------------------------------------------------------ ways of finding


def test_what_is_rare_is_sent_in_more_often_than_it_is_found(flagship) -> None:
    b = flagship.builder.prevalence.attention
    assert 0.05 < b < 0.6
    sent, resected = (
        {"site": "uterus", "ascertainment": way} for way in ("consultation", "resection")
    )
    assert p_of(flagship, "LGESS", **sent) > 3 * p_of(flagship, "LGESS", **resected)
    assert p_of(flagship, "ULM", **sent) < p_of(flagship, "ULM", **resected)
    # What a definition excludes stays excluded.
    assert p_of(flagship, "ULMS", site="stomach", ascertainment="consultation") == 0


def test_with_few_tumours_no_exponent_can_be_told(tiny) -> None:
    assert tiny.builder.prevalence.attention == 1.0


@pytest.mark.parametrize("name", ["gi-mesenchymal", "gist-basics"])
def test_a_network_names_the_ways_that_it_keeps(name: str) -> None:
    states = load_network(name).variable("ascertainment").states
    assert states == ("incidental_endoscopy", "biopsy", "resection")


def test_an_incidence_that_nobody_counts_is_borrowed_from_its_lineage(flagship) -> None:
    base = flagship.builder
    rest = NetworkBuilder(
        base.structure, base.evidence.without_source("BIELIAUSKIENE2020"), base.priors
    )
    rate, who = rest.prevalence.incidence("KS")
    assert "borrowed from registries of vascular tumours" in who
    assert rate == pytest.approx(rest.prevalence.incidence("ANGS")[0], rel=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"biopsy", "resection"]', '"biopsy", "resecttion"]'), "no state of ascertainment 'resec"),
        (('"sampling", "cells", ', '"sampling", '), "needs cells, which the network leaves out"),
    ],
)
def test_a_network_that_names_or_lacks_the_wrong_thing_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    folder = find_network("gist-basics")
    text = (folder / "network.toml").read_text()
    assert change[0] in text
    text = text.replace(*change).replace("../mesenchymal", str(find_network("mesenchymal")))
    (tmp_path / "network.toml").write_text(text)
    with pytest.raises(NetworkError, match=message):
        load_network(tmp_path)
