"""The kinds of row that an evidence folder may hold, one class a table.

A row is one fact of one source: "of n cases, k had this". What makes it checkable stands
in the row itself: the words of the source, what counted as positive, how it was read.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Trust = Literal["primary", "derived", "secondary", "tertiary"]
"""primary: k and n stand in the text that was read. derived: one of them was computed from
a rounded percentage, or n is the size of the series. secondary: read in a digest or a
review. tertiary: read on a web page or in news."""

QUOTE_WORDS = 25


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


OptionalInt = Annotated[int | None, BeforeValidator(_blank_is_none)]
OptionalFloat = Annotated[float | None, BeforeValidator(_blank_is_none)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Source(_Record):
    """Where facts come from."""

    source_id: str = Field(min_length=1)
    first_author: str = ""
    year: str = ""
    title: str = ""
    journal: str = ""
    identifier: str = ""
    url: str = ""
    n_cases: str = ""
    design: str = ""
    notes: str = ""

    def citation(self) -> str:
        """Return one line that names the source as far as it is known."""
        parts = [self.first_author or "author not shown", self.year or "year not shown"]
        tail = ". ".join(p for p in (self.title, self.journal, self.identifier or self.url) if p)
        return f"{parts[0]} ({parts[1]}). {tail}"


class _Sourced(_Record):
    source_id: str = Field(min_length=1)
    trust: Trust
    exclude: str = ""
    quote: str = ""

    @property
    def is_pooled(self) -> bool:
        """Whether the row may enter an estimate."""
        return not self.exclude

    @model_validator(mode="after")
    def _quote_is_short(self) -> _Sourced:
        words = re.sub(r"\[[^\]]*\]", " ", self.quote).split()
        if len(words) > QUOTE_WORDS:
            raise ValueError(f"quote has {len(words)} words, at most {QUOTE_WORDS} are allowed")
        return self


class Count(_Sourced):
    """`k` of `n` cases of `tumour` had `finding` in `state`."""

    tumour: str = ""
    finding: str = Field(min_length=1)
    state: str = Field(min_length=1)
    k: int = Field(ge=0)
    n: int = Field(ge=5)
    given: str = ""
    subgroup: str = ""
    definition: str = ""
    overlap: str = ""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Count:
        if self.k > self.n:
            raise ValueError(f"k = {self.k} is more than n = {self.n}")
        return self

    @cached_property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The `given` column as (variable, state) pairs."""
        return parse_conditions(self.given)


class JointPattern(_Sourced):
    """`k` of `n` cases of `tumour` showed several findings together."""

    tumour: str = Field(min_length=1)
    pattern: str = Field(min_length=3)
    k: int = Field(ge=0)
    n: int = Field(ge=5)
    given: str = ""
    subgroup: str = ""
    overlap: str = ""

    @cached_property
    def findings(self) -> tuple[tuple[str, str], ...]:
        """The `pattern` column as (variable, state) pairs."""
        return parse_conditions(self.pattern)

    @cached_property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The `given` column as (variable, state) pairs."""
        return parse_conditions(self.given)


class AgeSummary(_Sourced):
    """A mean or median age, where a source prints no age bands."""

    tumour: str = Field(min_length=1)
    statistic: Literal["mean", "median"]
    years: float = Field(ge=0, le=110)
    sd: OptionalFloat = None
    range_low: OptionalFloat = None
    range_high: OptionalFloat = None
    n: int = Field(ge=5)
    subgroup: str = ""
    given: str = ""
    overlap: str = ""


class Incidence(_Sourced):
    """New cases per million people and year."""

    tumour: str = Field(min_length=1)
    per_million_per_year: float = Field(gt=0)
    population: str = ""
    years: str = ""
    n_cases: OptionalInt = None


def parse_conditions(text: str) -> tuple[tuple[str, str], ...]:
    """Return the (variable, state) pairs of ``a=b;c=d``.

    Raises
    ------
    ValueError
        If a part has no ``=``.
    """
    pairs = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, equals, state = part.partition("=")
        if not equals or not name.strip() or not state.strip():
            raise ValueError(f"'{part}' is not of the form variable=state")
        pairs.append((name.strip(), state.strip()))
    return tuple(pairs)


def quote_has_numbers(row: Count) -> bool:
    """Whether the quote contains k or n in figures or as a number word.

    ``0 of n`` is often printed as "none" or "negative"; those words count as the zero, and
    "all" counts as k = n.
    """
    text = row.quote.lower().replace(",", "")
    figures = set(re.findall(r"\d+", text))
    if str(row.k) in figures or str(row.n) in figures:
        return True
    words = set(re.findall(r"[a-z]+", text))
    if row.k == 0 and words & {"none", "no", "negative", "not", "absent", "never", "lacked"}:
        return True
    if row.k == row.n and words & {"all", "every", "each", "both", "uniformly", "always"}:
        return True
    return any(_NUMBER_WORDS.get(w) in {row.k, row.n} for w in words)


_NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
}  # fmt: skip
