"""A row knows what it may say."""

import pytest
from pydantic import ValidationError

from mesenbayes.evidence.records import Count, Source, parse_conditions, quote_has_numbers

ROW = {
    "tumour": "GIST", "finding": "DOG1", "state": "positive", "k": "9", "n": "10",
    "source_id": "A", "trust": "primary", "quote": "9 of 10 were positive",
}  # fmt: skip


def test_a_plain_row_is_read_from_text() -> None:
    row = Count.model_validate(ROW | {"given": "site=stomach; genotype=KIT_ex11"})
    assert (row.k, row.n) == (9, 10)
    assert row.conditions == (("site", "stomach"), ("genotype", "KIT_ex11"))
    assert row.is_pooled


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"k": "11"}, "k = 11 is more than n = 10"),
        ({"k": "-1"}, "greater than or equal to 0"),
        ({"n": "4", "k": "4"}, "greater than or equal to 5"),  # a series, not a case report
        ({"k": "90%"}, "valid integer"),
        ({"trust": "hearsay"}, "'primary', 'derived', 'secondary' or 'tertiary'"),
        ({"source_id": ""}, "at least 1 character"),
        ({"quote": "word " * 26}, "26 words, at most 25"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_broken_row_says_why(change: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Count.model_validate(ROW | change)


@pytest.mark.parametrize("text", ["site", "=stomach", "site=", "a=b;c"])
def test_a_condition_without_both_sides_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form variable=state"):
        parse_conditions(text)


@pytest.mark.parametrize(
    ("k", "n", "quote", "holds"),
    [
        (9, 10, "9 of 10 were positive", True),
        (9, 10, "nine were positive", True),
        (0, 12, "none stained", True),
        (12, 12, "all cases stained", True),
        (1234, 2000, "1,234 cases", True),
        (9, 10, "most were positive", False),
        (3, 10, "none stained", False),
    ],
)
def test_the_quote_must_hold_the_numbers(k: int, n: int, quote: str, holds: bool) -> None:
    row = Count.model_validate(ROW | {"k": k, "n": n, "quote": quote})
    assert quote_has_numbers(row) is holds


def test_a_citation_says_what_is_not_known() -> None:
    assert Source(source_id="A").citation().startswith("author not shown (year not shown)")
