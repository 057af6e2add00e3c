"""A report before it has a form: blocks that HTML and Markdown both know how to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

_MARK = re.compile("⟦([0-9, ]+)⟧")


@dataclass(frozen=True)
class Heading:
    """A section heading."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few; `kind` is ``plain``, ``lead``, ``warning`` or ``small``."""

    text: str
    kind: str = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: str = "plain"


@dataclass(frozen=True)
class Table:
    """A table of words; columns whose index is in `numbers` stand at the right."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A picture as SVG, with the sentence that replaces it for who cannot see it."""

    svg: str
    alternative: str


@dataclass(frozen=True)
class ReferenceList:
    """Everything cited, in the order of citation."""

    entries: tuple[tuple[str, str], ...]
    """(citation, address or empty)."""


Block = Heading | Paragraph | Bullets | Table | Figure | ReferenceList


@dataclass(frozen=True)
class Document:
    """A titled sequence of blocks."""

    title: str
    blocks: tuple[Block, ...]


@dataclass
class Citations:
    """Numbers sources in the order in which they are first cited.

    Parameters
    ----------
    known
        Source id -> (citation, address). An id that is not known is cited by itself.
    """

    known: Mapping[str, tuple[str, str]]
    _numbers: dict[str, int] = field(default_factory=dict)

    def cite(self, *source_ids: str) -> str:
        """Return the mark of some sources, such as ``⟦2, 5⟧``; empty without sources."""
        wanted = [one.strip() for ids in source_ids for one in ids.split(";") if one.strip()]
        numbers = sorted({self._numbers.setdefault(i, len(self._numbers) + 1) for i in wanted})
        return f"⟦{', '.join(map(str, numbers))}⟧" if numbers else ""

    def references(self) -> ReferenceList:
        """Return the list of what was cited so far."""
        return ReferenceList(tuple(self.known.get(i, (i, "")) for i in self._numbers))


def render_marks(text: str, one: Callable[[str], str]) -> str:
    """Replace every citation mark in `text`; `one` renders a single number."""
    return _MARK.sub(
        lambda m: "[" + ", ".join(one(n.strip()) for n in m.group(1).split(",")) + "]", text
    )


def without_marks(text: str) -> str:
    """Return `text` with the brackets of marks taken out, so that input cannot forge them."""
    return text.replace("⟦", "[").replace("⟧", "]")


def percent(p: float) -> str:
    """Return a probability as a person reads it: 3 %, 0.4 %, under 0.1 %."""
    if p < 0.001:
        return "< 0.1 %"
    if p > 0.999:
        return "> 99.9 %"
    return f"{100 * p:.1f} %" if p < 0.1 or p > 0.9 else f"{100 * p:.0f} %"


def join_words(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
