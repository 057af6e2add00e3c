"""Coverage and single cells: what rests on counts, who was left out and why."""

import matplotlib as mpl
import numpy as np
import pytest

from mesenbayes.errors import CaseError, NetworkError, UnknownFinding, UnknownState, UnknownTumour
from mesenbayes.network.coverage import ORIGINS
from mesenbayes.testing import random_network

mpl.use("Agg")


# ------------------------------------------------------------------ coverage


def test_coverage_of_the_tiny_network_cell_by_cell(tiny) -> None:
    frame = tiny.coverage().to_frame()
    assert frame.loc[("GIST", "CD117")].tolist() == ["counts", 160, 3]
    assert frame.loc[("LM", "S100")].tolist() == ["borrowed", 0, 0]
    assert frame.loc[("SCHW", "bleeding")].tolist() == ["definition", 0, 0]
    counted = (frame["origin"] == "counts").sum()
    assert tiny.coverage().share == pytest.approx(counted / len(frame))
    assert "OTHER" not in frame.index.get_level_values("tumour")


def test_a_small_network_has_one_core(tiny) -> None:
    (core,) = tiny.coverage().cores
    assert set(core.tumours) == {"GIST", "LM", "SCHW"}


def test_a_cell_split_by_genotype_is_judged_as_a_whole(tiny) -> None:
    # 60 cases of all GIST; the 10 of one genotype have a row of their own
    assert tiny.coverage().to_frame().loc[("GIST", "calcified"), "n"] == 60


def test_holes_are_ranked_by_what_the_finding_says(tiny) -> None:
    coverage = tiny.coverage()
    holes = coverage.holes
    assert {(h.tumour, h.finding) for h in holes} >= {("LM", "S100"), ("SCHW", "CD117")}
    origins = coverage.to_frame()["origin"]
    assert {origins[h.tumour, h.finding] for h in holes} <= {"borrowed", "prior"}
    bits = [h.bits for h in holes if h.is_core]
    assert bits == sorted(bits, reverse=True)
    uninformative = coverage.bits[coverage.findings.index("size_cm")]
    assert uninformative == pytest.approx(0, abs=1e-12)  # nobody studied it: all types alike


def test_coverage_of_the_flagship_adds_up(flagship) -> None:
    coverage = flagship.coverage()
    assert coverage.origin.shape == (len(coverage.tumours), len(coverage.findings))
    assert sum(coverage.by_origin.values()) == coverage.origin.size
    assert set(coverage.by_origin) == set(ORIGINS)
    assert (coverage.n[coverage.origin == "counts"] >= 5).all()
    assert (coverage.n[coverage.origin == "borrowed"] == 0).all()
    commonest, most_studied = coverage.cores
    for core in coverage.cores:
        assert (len(core.tumours), len(core.findings)) == (12, 20)
        assert "GIST" in core.tumours
        assert coverage.share_of(core) > coverage.share
    assert "ULM" in commonest.tumours  # the commonest of all, and little written about
    assert "SFT" in most_studied.tumours
    assert "CD117" in coverage.findings  # by the table of its expression
    assert "CD117_expression" not in coverage.findings
    assert coverage.sentence in coverage._repr_html_()
    data = coverage.to_dict()
    assert len(data["worst_holes"]) == min(12, len(coverage.holes))


def test_the_heat_map_has_a_line_for_every_tumour(tiny) -> None:
    import matplotlib.pyplot as plt

    ax = tiny.coverage().plot()
    assert {t.get_text() for t in ax.get_yticklabels()} == {"GIST", "LM", "SCHW"}
    plt.close(ax.figure)


# ------------------------------------------------------------------ one cell


def test_a_cell_shows_each_study_and_the_excluded_with_their_reasons(tiny) -> None:
    cell = tiny.cell("gist", "c-kit")
    assert [(s.source_id, s.k, s.n) for s in cell.studies] == [
        ("LARGE2001", 95, 100), ("SMALL2002", 17, 20), ("NEW2005", 28, 40),
    ]  # fmt: skip
    assert {s.source_id: s.exclude for s in cell.excluded} == {
        "PICKED2003": "selected by the stain",
        "OLD1999": "same cases as a larger series (archive)",
    }
    assert cell.studies[0].where == "evidence/counts/all.csv:2"
    assert cell.studies[0].interval == pytest.approx((0.888, 0.978), abs=2e-3)
    assert all(s.effective_n == 0 for s in cell.excluded)


def test_the_pooled_rate_is_that_of_the_table_and_inside_its_intervals(tiny) -> None:
    cell = tiny.cell("GIST", "CD117")
    assert cell.rate == pytest.approx(tiny.tables["CD117_expression"].probability[0, 1])
    assert cell.prediction[0] < cell.interval[0] < cell.rate < cell.interval[1]
    assert cell.interval[1] <= cell.prediction[1] + 1e-9
    assert cell.rho == tiny.builder.families["stain"].between.rho(cell.row.mean)


def test_without_its_own_studies_a_cell_is_borrowed(tiny) -> None:
    cell = tiny.cell("GIST", "CD117")
    assert cell.borrowed.origin == "borrowed"
    assert cell.borrowed_rate < 0.5 < cell.rate
    hole = tiny.cell("LM", "S100")
    assert hole.studies == ()
    assert hole.rate == pytest.approx(hole.borrowed_rate)
    assert "no study (borrowed)" in hole.sentence


def test_genotypes_are_listed_apart(tiny) -> None:
    cell = tiny.cell("GIST", "calcified")
    assert [(s.source_id, s.k, s.n) for s in cell.by_genotype] == [("RARE2010", 9, 10)]
    assert [s.source_id for s in cell.studies] == ["LARGE2001"]


def test_a_finding_with_several_states_shows_the_one_asked_for(tiny) -> None:
    assert tiny.cell("GIST", "shape").state == "spindle"
    assert tiny.cell("GIST", "shape", "mixed").studies[0].k == 10
    assert tiny.cell("GIST", "CD117", "negative").studies[0].k == 5


def test_a_cell_of_the_flagship_with_ages_and_sites(flagship) -> None:
    for finding in ("DOG1", "age", "site", "morphology"):
        cell = flagship.cell("GIST", finding)
        assert cell.studies, finding
        assert 0 < cell.rate < 1
        assert len(cell.to_frame()) == (
            len(cell.studies) + len(cell.excluded) + len(cell.by_genotype)
        )
        assert cell.sentence in cell._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("GITS", "DOG1"), UnknownTumour, "unknown tumour 'GITS'; did you mean GIST"),
        (("GIST", "DOGG1"), UnknownFinding, "unknown finding 'DOGG1'; did you mean DOG1"),
        (("GIST", "DOG1", "purple"), UnknownState, "DOG1 cannot be 'purple'"),
        (("OTHER", "DOG1"), CaseError, "OTHER has no cells of its own"),
        (("GIST", "sampling"), CaseError, "sampling has no cells"),
    ],
)
def test_an_unknown_cell_names_the_nearest(flagship, arguments, error, words) -> None:
    with pytest.raises(error, match=words):
        flagship.cell(*arguments)


def test_a_network_without_counts_says_so() -> None:
    from mesenbayes.facade import Network

    plain = random_network(np.random.default_rng(1))
    network = Network(plain.name, plain.version, plain.variables, plain.tables)
    for ask in (network.coverage, network.sources, lambda: network.cell("A", "B")):
        with pytest.raises(NetworkError, match="came without counts"):
            ask()


def test_the_forest_has_a_line_for_every_study_and_three_below(tiny) -> None:
    import matplotlib.pyplot as plt

    cell = tiny.cell("GIST", "CD117")
    ax = cell.plot()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert len(labels) == len(cell.studies) + len(cell.excluded) + 3
    assert labels[-2:] == ["one more laboratory", "without its own studies"]
    plt.close(ax.figure)
