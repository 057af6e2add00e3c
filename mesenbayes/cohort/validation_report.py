"""One page about how a network did, with its tables beside it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.cohort.sink import write_whole
from mesenbayes.cohort.validation import SCORES, Validation

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = (
    "Concordance of published models, to compare by: MSKCC nomogram for GIST 0.76 to 0.80, "
    "Sarculator 0.65 to 0.69, PATHFx in Taiwan 0.65 to 0.71."
)
_STYLE = """
body { font: 11px/1.4 'DejaVu Sans', sans-serif; max-width: 190mm; margin: 8mm auto; color: #222 }
h1 { font-size: 16px; margin: 0 0 2mm } h2 { font-size: 12px; margin: 3mm 0 1mm }
table { border-collapse: collapse; margin-right: 4mm }
td, th { padding: 0 2mm; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
.row { display: flex; gap: 5mm; align-items: flex-start } svg { width: 88mm; height: auto }
@page { size: A4; margin: 10mm }
"""


def write_validation(
    result: Validation, folder: Path, comparison: pd.DataFrame | None = None
) -> Path:
    """Write ``report.html`` and the tables behind it; return the page."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "scores": result.to_frame(),
        "calibration": result.calibration_frame(),
        "calibration_bins": pd.concat([c.to_frame() for c in result.calibration]),
        "confusion": result.confusion_frame(),
        "decision_curves": pd.concat([c.to_frame() for c in result.curves]),
    }
    if result.coverage is not None:
        tables["coverage"] = result.coverage.to_frame()
    if comparison is not None:
        tables["comparison"] = comparison
    for name, table in tables.items():
        named = table.index.name is not None
        write_whole(folder / f"{name}.csv", table.to_csv(index=named, lineterminator="\n").encode())
    page = folder / "report.html"
    write_whole(page, validation_page(result, comparison).encode())
    return page


def verdict(result: Validation) -> str:
    """Return in a sentence whether forecasts and outcomes go together."""
    s = result.surprise
    numbers = f"{s.observed:.3f} against {s.expected:.3f} nats expected, z = {s.z:.1f}"
    if s.is_consistent:
        return f"The cases surprise the network as much as it expects ({numbers})."
    if s.z > 0:
        return f"The network is surer than it should be on these cases ({numbers})."
    return f"The network is less sure than it could be on these cases ({numbers})."


def validation_page(result: Validation, comparison: pd.DataFrame | None = None) -> str:
    """Return the report as one HTML page without anything from outside."""
    from mesenbayes.plots.calibration import plot_calibration, plot_coverage
    from mesenbayes.plots.decision_curve import plot_decision_curve
    from mesenbayes.plots.export import svg_of

    calibration = svg_of(lambda ax: plot_calibration(result.calibration, ax), (5, 4.4), "a")
    largest = max(result.curves, key=lambda c: float(c.model[0]))
    curve = svg_of(lambda ax: plot_decision_curve(largest, ax), (5, 4.4), "b")
    parts = [
        f"<h1>Validation of {escape(result.network)}</h1>",
        f"<p>{len(result.y)} cases with a known diagnosis"
        + (f", {len(result.rejected)} left out (unreadable or impossible)" if result.rejected
           else "")
        + (", weighted to a declared prevalence" if np.ptp(result.w) > 0 else "")
        + f". {escape(verdict(result))} For research and teaching, not for the care of "
        "patients.</p>",
        "<div class=row><div>", "<h2>Scores (95 % bootstrap interval)</h2>", _scores(result),
        f"<p>Brier = reliability {result.brier.reliability:.4f} - resolution "
        f"{result.brier.resolution:.4f} + uncertainty {result.brier.uncertainty:.4f} "
        f"+ within bins {result.brier.within_bins:.4f}</p>",
        "</div><div>", "<h2>Calibration by class</h2>", _calibration(result), "</div></div>",
        "<div class=row>", calibration, curve, "</div>",
        "<h2>True management (rows) by management called</h2>", _confusion(result),
    ]  # fmt: skip
    if result.benefit is not None:
        b = result.benefit
        parts.append(
            f"<p>Treated by posterior: {b.chosen:.2f} {escape(result.management.unit)} a patient; "
            f"the best treatment for all alike: {max(b.same_for_all.values()):.2f}; with the "
            f"diagnosis known: {b.perfect:.2f}.</p>"
        )
    if result.coverage is not None:
        c = result.coverage
        parts += [
            f"<h2>Credible intervals</h2><p>In {c.compatible:.0%} of {len(c.count)} bins the "
            "observed share is compatible with the mean credible interval; in "
            f"{c.inside:.0%} it lies within.</p>",
            svg_of(lambda ax: plot_coverage(c, ax), (6, 2.6), "c"),
        ]
    if comparison is not None:
        parts += ["<h2>Difference to the other network (paired bootstrap)</h2>",
                  str(comparison.round(4).to_html(border=0))]  # fmt: skip
    parts.append(f"<p>{escape(PUBLISHED)}</p>")
    body = "\n".join(parts)
    return (f"<!doctype html><html lang=en><meta charset=utf-8><title>Validation</title>"
            f"<style>{_STYLE}</style><body>{body}</body></html>\n")  # fmt: skip


def _scores(result: Validation) -> str:
    rows = [
        (name, f"{value:.3f}", f"{low:.3f} to {high:.3f}")
        for name, value, (low, high) in zip(SCORES, result.values, result.intervals, strict=True)
    ]
    return _table(("", "", "interval"), rows)


def _calibration(result: Validation) -> str:
    shown = sorted(result.calibration, key=lambda c: -c.n)[:8]
    rows = [(c.name, c.n, f"{c.slope:.2f}", f"{c.intercept:.2f}", f"{c.error:.3f}") for c in shown]
    return _table(("class", "cases", "slope", "intercept", "error"), rows)


def _confusion(result: Validation) -> str:
    used = result.confusion.sum(axis=1) + result.confusion.sum(axis=0) > 0
    groups = [g for g, u in zip(result.management.groups, used, strict=True) if u]
    counts = result.confusion[used][:, used]
    rows = [(g, *(f"{n:.0f}" for n in row)) for g, row in zip(groups, counts, strict=True)]
    return _table(("", *groups), rows)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    heading = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{heading}</tr>{body}</table>"
