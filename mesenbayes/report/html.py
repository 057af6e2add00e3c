"""The report as one HTML file that needs nothing else and prints well."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from mesenbayes.report.content import report_document
from mesenbayes.report.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Paragraph,
    ReferenceList,
    Table,
    render_marks,
)

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis

SHORT = 14
"""Tables up to this many rows are not broken across pages."""

STYLE = """
:root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --warn: #7a3e00; --warn-bg: #fff4e5; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line); break-after: avoid; }
p { margin: .5rem 0; } ul { margin: .5rem 0; padding-left: 1.25rem; } li { margin: .2rem 0; }
.lead { font-size: 1.1rem; } .small { color: var(--soft); font-size: .875rem; }
.warning { color: var(--warn); background: var(--warn-bg); border-left: 4px solid #b35900;
  padding: .5rem .75rem; } ul.warning { padding-left: 2rem; }
figure { margin: .75rem 0; break-inside: avoid; } figure svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; break-after: avoid; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
th { font-weight: 600; border-bottom: 2px solid var(--ink); }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr, .short { break-inside: avoid; } ol.references { font-size: .875rem; overflow-wrap: anywhere; }
a { color: #0550ae; } a:focus-visible { outline: 3px solid #0550ae; outline-offset: 2px; }
@page { size: A4; margin: 16mm 15mm; }
@media print {
  body { font-size: 10pt; } main { max-width: none; padding: 0; } h1 { font-size: 16pt; }
  h2 { font-size: 12pt; margin-top: 1.1rem; } .wide { overflow: visible; }
  table, .small, ol.references { font-size: 8.5pt; } a { color: inherit; text-decoration: none; }
  thead { display: table-header-group; } .warning { border: 1px solid #b35900; }
}
"""


def html_report(*diagnoses: Diagnosis) -> str:
    """Return one HTML page with the report of each case. The page names no other host's file."""
    documents = [report_document(diagnosis) for diagnosis in diagnoses]
    title = documents[0].title if len(documents) == 1 else f"{len(documents)} cases"
    body = "\n".join(
        _document(document, f"c{i}-" if len(documents) > 1 else "")
        for i, document in enumerate(documents, 1)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · mesenbayes report</title>\n<style>{STYLE}</style>\n"
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _document(document: Document, prefix: str) -> str:
    lines = [f"<article>\n<h1>{escape(document.title)}</h1>"]
    for block in document.blocks:
        lines.extend(_block(block, prefix))
    return "\n".join([*lines, "</article>"])


def _block(block: Block, prefix: str) -> Iterator[str]:
    def text(words: str) -> str:
        return render_marks(escape(words), lambda n: f'<a href="#{prefix}ref-{n}">{n}</a>')

    match block:
        case Heading(words):
            yield f"<h2>{escape(words)}</h2>"
        case Paragraph(words, kind):
            yield f'<p class="{kind}">{text(words)}</p>'
        case Bullets(items, kind):
            inner = "".join(f"<li>{text(item)}</li>" for item in items)
            yield f'<ul class="{kind}">{inner}</ul>'
        case Figure(svg, alternative):
            label = escape(alternative, quote=True)
            if prefix:
                svg = svg.replace('id="', f'id="{prefix}').replace("url(#", f"url(#{prefix}")
                svg = svg.replace('href="#', f'href="#{prefix}')
            svg = svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
            yield f"<figure>{svg}</figure>"
        case Table():
            yield from _table(block, text)
        case ReferenceList(entries):
            yield '<ol class="references">'
            for n, (citation, address) in enumerate(entries, 1):
                link = _link(address)
                yield f'<li id="{prefix}ref-{n}">{escape(citation)}{link}</li>'
            yield "</ol>"


def _table(table: Table, text: object) -> Iterator[str]:
    assert callable(text)

    def side(column: int) -> str:
        return ' class="n"' if column in table.numbers else ""

    # The region can be scrolled by keyboard where it is wider than a phone.
    caption = escape(table.caption, quote=True)
    short = " short" if len(table.rows) <= SHORT else ""  # stays on one page in print
    yield f'<div class="wide{short}" role="region" aria-label="{caption}" tabindex="0"><table>'
    yield f"<caption>{text(table.caption)}</caption>"
    heads = "".join(
        f'<th scope="col"{side(i)}>{escape(h)}</th>' for i, h in enumerate(table.headers)
    )
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for row in table.rows:
        cells = "".join(f"<td{side(i)}>{text(cell)}</td>" for i, cell in enumerate(row))
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"


def _link(address: str) -> str:
    if not address.startswith(("https://", "http://")):
        return f" {escape(address)}" if address else ""
    safe = escape(address, quote=True)
    return f' <a href="{safe}" rel="noreferrer">{safe}</a>'
