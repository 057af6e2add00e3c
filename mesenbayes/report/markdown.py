"""The report as Markdown (CommonMark with pipe tables), for a repository or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mesenbayes.report.content import report_document
from mesenbayes.report.document import (
    Block,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    ReferenceList,
    Table,
    render_marks,
)

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")


def markdown_report(*diagnoses: Diagnosis) -> str:
    """Return the report of each case as Markdown. Pictures are told in words."""
    parts = []
    for diagnosis in diagnoses:
        document = report_document(diagnosis)
        lines = [f"# {_text(document.title)}", ""]
        for block in document.blocks:
            lines += [*_block(block), ""]
        parts.append("\n".join(lines))
    return "\n".join(parts).rstrip() + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(words):
            yield f"## {_text(words)}"
        case Paragraph(words, kind):
            yield f"> {_text(words)}" if kind == "warning" else _text(words)
        case Bullets(items, _):
            yield from (f"- {_text(item)}" for item in items)
        case Figure(_, alternative):
            yield f"*{_text(alternative)}*"
        case Table():
            yield f"**{_text(block.caption)}**"
            yield ""
            yield _row(block.headers)
            marks = ["---:" if i in block.numbers else "---" for i in range(len(block.headers))]
            yield f"| {' | '.join(marks)} |"
            yield from (_row(row) for row in block.rows)
        case ReferenceList(entries):
            for n, (citation, address) in enumerate(entries, 1):
                is_web = address.startswith(("https://", "http://"))
                link = f" <{address}>" if is_web and not re.search(r"[<>\s]", address) else ""
                yield f"{n}. {_text(citation)}{link}"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(words: str) -> str:
    """Escape what Markdown would read as its own, and put the citations in brackets."""
    plain = _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", words).strip())
    return render_marks(plain, lambda n: n).replace("[", r"\[").replace(r"\\[", r"\[")
