"""Writes a report to a file, in the form that the name of the file asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis


def write_report(path: Path, diagnoses: Sequence[Diagnosis]) -> None:
    """Write the report of some cases as HTML or Markdown.

    Raises
    ------
    CaseError
        If the name ends in neither ``.html`` nor ``.md``, or the file cannot be written.
    """
    match path.suffix.lower():
        case ".html" | ".htm":
            from mesenbayes.report.html import html_report as written
        case ".md" | ".markdown":
            from mesenbayes.report.markdown import markdown_report as written
        case _:
            raise CaseError(f"{path}: a report file ends in .html or .md")
    text = written(*diagnoses)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CaseError(f"{path}: cannot be written ({error.strerror})") from None
