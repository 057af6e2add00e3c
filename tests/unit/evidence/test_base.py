"""Reading an evidence folder: everything that is wrong at once, with file, line and column."""

from pathlib import Path

import pytest

from mesenbayes.errors import EvidenceError
from mesenbayes.evidence import read_evidence
from mesenbayes.evidence.check import check_evidence
from mesenbayes.evidence.sources import rows_of_source, sample_rows, sources_of

HEADER = "tumour,finding,state,k,n,given,subgroup,definition,source_id,trust,overlap,exclude,quote"
GOOD = "GIST,DOG1,positive,9,10,,all,,A2000,primary,,,9 of 10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evidence" / "counts").mkdir(parents=True)
    write(tmp_path / "evidence", [GOOD])
    (tmp_path / "evidence" / "sources.csv").write_text(
        "source_id,first_author,year,title\nA2000,Author A,2000,Stains\nB2001,Author B,2001,None\n"
    )
    return tmp_path / "evidence"


def write(folder: Path, rows: list[str], name: str = "stains.csv", header: str = HEADER) -> None:
    (folder / "counts" / name).write_text("\n".join([header, *rows]) + "\n")


def test_a_good_folder_is_read_with_the_place_of_every_row(folder: Path) -> None:
    base = read_evidence(folder)
    (row,) = base.counts
    assert base.location(row) == "evidence/counts/stains.csv:2"
    assert base.by_cell == {("GIST", "DOG1"): (row,)}
    assert read_evidence(folder).digest == base.digest


def test_every_broken_row_of_every_file_is_listed_at_once(folder: Path) -> None:
    write(folder, [GOOD, GOOD.replace(",9,10,", ",11,10,"), GOOD.replace("primary", "gossip")])
    write(folder, [GOOD.replace(",9,10,", ",x,10,")], "more.csv")
    with pytest.raises(EvidenceError) as caught:
        read_evidence(folder)
    assert len(caught.value.problems) == 3
    text = "\n".join(caught.value.problems)
    assert "more.csv:2 column k: Input should be a valid integer" in text
    assert "stains.csv:3 column row: k = 11 is more than n = 10" in text
    assert "stains.csv:4 column trust" in text
    assert "gossip" in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"tumour,colour\nGIST,red\n", "stains.csv:1 column colour: not a column"),
        (HEADER.encode() + b"\n" + GOOD.encode() + b",one,two\n", "2 has more cells"),
        (b"\xff\xfe\x00binary", "is not UTF-8 text"),
        (HEADER.encode() + b'\nGIST,"DOG1,positive\n', "not a CSV table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / "counts" / "stains.csv").write_bytes(content)
    with pytest.raises(EvidenceError, match=reason):
        read_evidence(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no such evidence folder"):
        read_evidence(tmp_path / "nowhere")


def test_without_a_source_its_rows_are_gone_and_the_digest_differs(folder: Path) -> None:
    base = read_evidence(folder)
    rest = base.without_source("A2000")
    assert rest.counts == ()
    assert rest.digest != base.digest
    assert base.without_source("B2001").counts == base.counts


# ------------------------------------------------------------------ checks across rows


def check(folder: Path, rows: list[str]) -> list[str]:
    write(folder, rows)
    states = {"DOG1": ("negative", "focal", "positive")}
    report = check_evidence(read_evidence(folder), ["GIST", "LMS"], states)
    return [*report.problems, *report.remarks]


def test_a_clean_table_has_no_problems(folder: Path) -> None:
    assert check(folder, [GOOD]) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("GIST", "GITS"), "unknown code 'GITS'; did you mean GIST"),
        (GOOD.replace("A2000", "A2001"), "unknown source 'A2001'; did you mean"),
        (GOOD.replace("positive", "bright"), "DOG1 cannot be 'bright'"),
        (GOOD.replace(",10,,all", ",10,site,all"), "column given: 'site' is not of the form"),
        (GOOD.replace("9 of 10", "many"), "holds neither k = 9 nor n = 10"),
    ],
)
def test_each_kind_of_mistake_is_found(folder: Path, row: str, reason: str) -> None:
    (found,) = check(folder, [row])
    assert found.startswith("evidence/counts/stains.csv:2 column ")
    assert reason in found


def test_a_source_that_speaks_twice_is_found(folder: Path) -> None:
    twice = check(folder, [GOOD, GOOD.replace(",9,10,", ",9,12,")])
    assert "speaks twice of DOG1=positive" in twice[0]
    same = check(folder, [GOOD, GOOD])
    assert "is the same row as evidence/counts/stains.csv:2" in same[0]


def test_one_paper_under_two_names_is_remarked(folder: Path) -> None:
    address = "source_id,identifier,url\nA2000,,http://a.org/1\nB2001,,http://a.org/1/\n"
    (folder / "sources.csv").write_text(address)
    (remark,) = check(folder, [GOOD])
    assert "sources A2000 and B2001 have one address (http://a.org/1)" in remark


# ------------------------------------------------------------------ sources and samples


def test_sources_are_listed_by_use_and_a_silent_one_comes_last(folder: Path) -> None:
    write(folder, [GOOD, GOOD.replace("DOG1", "CD34")])
    first, last = sources_of(read_evidence(folder))
    assert (first.source.source_id, first.rows, first.pooled, first.cells) == ("A2000", 2, 2, 2)
    assert (last.source.source_id, last.rows) == ("B2001", 0)
    assert "2 sources with 2 rows" in sources_of(read_evidence(folder)).sentence


def test_rows_of_a_source_come_with_place_and_quote(folder: Path) -> None:
    (line,) = rows_of_source(read_evidence(folder), "a2000")
    assert line.where == "evidence/counts/stains.csv:2"
    assert line.statement == "GIST: DOG1 = positive in 9 of 10 [all]"
    assert line.quote == "9 of 10"
    with pytest.raises(EvidenceError, match="unknown source 'A200'; did you mean A2000"):
        rows_of_source(read_evidence(folder), "A200")


def test_a_sample_is_the_same_for_the_same_seed_and_never_repeats(folder: Path) -> None:
    write(folder, [GOOD.replace(",all,", f",group {i},") for i in range(40)])
    base = read_evidence(folder)
    first = sample_rows(base, 10, rng=1)
    assert first == sample_rows(base, 10, rng=1)
    assert first != sample_rows(base, 10, rng=2)
    assert len({line.where for line in first}) == 10
    assert len(sample_rows(base, 1000, rng=1)) == 40
    with pytest.raises(EvidenceError, match="cannot draw -1 rows"):
        sample_rows(base, -1)
