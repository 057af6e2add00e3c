"""Which study stands behind which row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesenbayes.network.table import Row, Study
from mesenbayes.sensitivity.entries import Entries, FloatArray


def source_names(row: Row, most: int = 3) -> tuple[str, ...]:
    """Return the sources of a row by weight, the weightiest first, at most `most`."""
    weight: dict[str, float] = {}
    for study in row.studies:
        weight[study.source_id] = weight.get(study.source_id, 0.0) + study.effective_n
    ranked = sorted(weight, key=lambda s: -weight[s])
    return (*ranked[:most], *(("...",) if len(ranked) > most else ()))


def study_name(study: Study, by: str = "source") -> str:
    """Return what a study is known by: its source, or its source and what it counted there."""
    return study.source_id if by == "source" else f"{study.source_id}: {study.note or study.n}"


def rows_by_source(entries: Entries, by: str = "source") -> dict[str, dict[int, float]]:
    """Return source -> {row: share of the row's strength that the source holds}.

    Parameters
    ----------
    by
        ``source``, or ``study`` for each series of a source by itself.
    """
    found: dict[str, dict[int, float]] = {}
    for r in range(len(entries.row_start)):
        if np.isinf(entries.strength[r]):
            continue
        for study in entries.source_row(r).studies:
            rows = found.setdefault(study_name(study, by), {})
            rows[r] = rows.get(r, 0.0) + study.effective_n / entries.strength[r]
    return {source: {r: min(w, 1.0) for r, w in rows.items()} for source, rows in found.items()}


def study_counts(study: Study, states: tuple[str, ...], theta: FloatArray) -> FloatArray:
    """Return the effective cases of a study by state, (states,).

    Cases that the study did not name (it counted one state of several) are spread over the
    other states as the row has them.
    """
    counts = np.zeros(len(states))
    for state, k in study.counts:
        if state in states:
            counts[states.index(state)] += k
    scale = study.effective_n / study.n if study.n else 0.0
    left = max(study.n - counts.sum(), 0.0)
    unnamed = np.where(counts == 0, theta, 0.0)
    if left > 0 and unnamed.sum() > 0:
        counts = counts + left * unnamed / unnamed.sum()
    return np.asarray(counts * scale)


def reweighted(
    row: Row, states: tuple[str, ...], reweight: Mapping[str, float], by: str = "source"
) -> FloatArray:
    """Return the Dirichlet parameters of a row with its sources counted `reweight` times.

    alpha' = alpha + sum over studies (w - 1) effective counts. The pooling of the other
    studies stays as it is; a full rebuild without a source is
    :func:`~mesenbayes.sensitivity.leave_out.leave_one_source_out`. No possible state falls below a
    hundredth of its parameter: a study cannot take back more than it gave.
    """
    alpha = row.alpha.copy()
    for study in row.studies:
        factor = reweight.get(study_name(study, by), 1.0) - 1.0
        if factor:
            alpha = alpha + factor * study_counts(study, states, row.mean)
    return np.asarray(np.where(row.alpha > 0, np.maximum(alpha, 0.01 * row.alpha), 0.0))
