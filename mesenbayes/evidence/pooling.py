"""Several studies of one cell become one set of effective counts.

A thousand cases from one laboratory are not a thousand independent witnesses: studies of
one cell disagree by more than chance. The disagreement is measured once for each kind of
finding as the intra-class correlation rho of a Dirichlet-multinomial model, and study s
with n_s cases then counts for

    n_s* = w_s n_s / (1 + (n_s - 1) rho)

cases (the design effect of a cluster sample; Kish 1965), where w_s <= 1 is the weight of
how the source was read. However large, a study counts for less than 1/rho cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.records import Count, Trust


@dataclass(frozen=True, eq=False)
class StudyCounts:
    """What one study says of one cell.

    Parameters
    ----------
    counts : (states,)
        Cases per state; they add up to `n` (a remainder that the source does not split is
        spread over the states it does not name).
    n
        Cases looked at.
    weight
        At most 1; see ``trust_weight`` in the network's settings.
    """

    source_id: str
    counts: NDArray[np.float64]
    n: int
    weight: float
    rows: tuple[Count, ...] = ()

    @property
    def proportions(self) -> NDArray[np.float64]:
        """Shares per state, (states,)."""
        return np.asarray(self.counts / self.n)

    def effective_n(self, rho: float) -> float:
        """Cases that the study counts for, given the intra-class correlation `rho`."""
        return self.weight * self.n / (1 + (self.n - 1) * rho)


def studies_of(
    rows: Iterable[Count],
    states: Sequence[str],
    trust_weight: Mapping[Trust, float],
    rest: NDArray[np.float64] | None = None,
) -> list[StudyCounts]:
    """Group the pooled rows of one cell into studies.

    Rows of one source and subgroup form one study. Of studies that share an overlap group,
    the one with most cases is kept: two papers on one archive are one witness.

    Parameters
    ----------
    rest : (states,), optional
        How a remainder that the source does not split is spread over the states it does
        not name; evenly if not given.
    """
    grouped: dict[tuple[str, str, str], list[Count]] = {}
    for row in rows:
        if row.is_pooled:
            grouped.setdefault((row.source_id, row.subgroup, row.given), []).append(row)
    studies: dict[str, StudyCounts] = {}
    for key, members in grouped.items():
        n = max(row.n for row in members)
        counts = np.zeros(len(states))
        for row in members:
            counts[states.index(row.state)] += row.k
        named = {row.state for row in members}
        missing = np.array([state not in named for state in states])
        left = n - counts.sum()
        if left < 0:  # categories that a source lets overlap
            counts *= n / counts.sum()
        elif left > 0 and missing.any():
            share = missing if rest is None else missing * rest
            share = missing.astype(float) if share.sum() <= 0 else share / share.sum()
            counts += left * share / share.sum()
        elif left > 0:
            n = int(counts.sum())
            if n == 0:
                continue
        study = StudyCounts(
            key[0], counts, n, min(trust_weight[row.trust] for row in members), tuple(members)
        )
        group = members[0].overlap or "|".join(key)
        if group not in studies or study.n > studies[group].n:
            studies[group] = study
    return list(studies.values())


def intra_class_correlation(cells: Iterable[Sequence[StudyCounts]], floor: float) -> float:
    """Return the moment estimate of rho over all cells with two or more studies.

    With p the pooled proportions of a cell, N = sum n_s and v = sum_x p_x (1 - p_x),

        E[ sum_s n_s |p_s - p|^2 ] = v [ (S - 1)(1 - rho) + rho (N - sum n_s^2 / N) ]

    (Kleinman 1973, summed over states and over cells). Cells whose studies all agree on 0 or
    1 carry no information about rho and drop out, so the estimate leans to disagreement.

    Parameters
    ----------
    floor
        Smallest value returned: a handful of agreeing studies does not prove agreement.
    """
    numerator = denominator = 0.0
    for studies in cells:
        if len(studies) < 2:
            continue
        n = np.array([s.n for s in studies], dtype=float)
        shares = np.stack([s.proportions for s in studies])
        total = n.sum()
        pooled = n @ shares / total
        v = float((pooled * (1 - pooled)).sum())
        q = float((n[:, None] * (shares - pooled) ** 2).sum())
        numerator += q - v * (len(studies) - 1)
        denominator += v * (total - (n**2).sum() / total - (len(studies) - 1))
    if denominator <= 0:
        return floor
    return float(np.clip(numerator / denominator, floor, 0.9))


def effective_counts(studies: Sequence[StudyCounts], rho: float, states: int) -> NDArray[np.float64]:
    """Return the pooled effective counts, shape (states,)."""
    total = np.zeros(states)
    for study in studies:
        total += study.effective_n(rho) * study.proportions
    return total
