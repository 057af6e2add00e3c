"""Each series taken for one case."""

import pytest

from mesenbayes.cohort import series
from mesenbayes.cohort.series import series_as_cases
from mesenbayes.errors import CaseError
from mesenbayes.evidence.records import Count
from mesenbayes.facade import of_tables


def count(state: str, k: int, n: int = 20) -> Count:
    return Count(
        tumour="GIST", finding="CD117", state=state, k=k, n=n, source_id="A", trust="primary"
    )


STAIN = ("negative", "focal", "positive")


@pytest.mark.parametrize(
    ("rows", "states", "expected"),
    [
        ([count("positive", 15)], STAIN, "positive"),
        ([count("positive", 5)], STAIN, "negative"),  # the other fifteen
        ([count("focal", 12), count("positive", 4)], STAIN, "focal"),
        ([count("exon_11", 6)], ("wild_type", "exon_9", "exon_11"), None),  # the rest unsplit
        ([count("exon_11", 14)], ("wild_type", "exon_9", "exon_11"), "exon_11"),
        ([count("present", 2)], ("absent", "present"), "absent"),
    ],
)
def test_the_commonest_state_of_a_series(rows, states, expected) -> None:
    assert series._commonest(rows, states) == expected


def test_a_profile_is_answered_without_its_source(gut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "FEWEST", 7)  # the largest profiles
    seen: list[tuple[int, int]] = []
    result = series_as_cases(gut, lambda *step: seen.append(step))
    frame = result.to_frame()
    assert len(frame) >= 3
    assert seen[-1][0] == seen[-1][1] >= len(frame)
    assert frame["findings"].str.contains("site=").all()
    assert ((frame["p"] <= frame["p_first"]) & (frame["rank"] >= 1)).all()
    assert ((frame["rank"] == 1) == (frame["first"] == frame["tumour"])).all()
    assert 0 <= result.share_within(1) <= result.share_within(3) <= 1
    assert result.expected == pytest.approx(result.to_frame()["p_first"].mean())
    assert f"{result.expected:.0%}" in result.sentence
    assert f"{len(frame)} series" in result.sentence


def test_what_has_no_series_is_refused(gut, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaseError, match="came without its evidence"):
        series_as_cases(of_tables(gut))
    monkeypatch.setattr(series, "FEWEST", 99)
    with pytest.raises(CaseError, match="no source of gi-mesenchymal has 99 findings"):
        series_as_cases(gut)
