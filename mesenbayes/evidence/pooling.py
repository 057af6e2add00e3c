"""Several studies of one cell become one set of effective counts.

A thousand cases from one laboratory are not a thousand independent witnesses: studies of
one cell disagree by more than chance. With rho the intra-class correlation of the cell in a
Dirichlet-multinomial model (see :mod:`mesenbayes.evidence.between_study`), study s with n_s
cases counts for

    n_s* = w_s n_s / (1 + (n_s - 1) rho)

cases (the design effect of a cluster sample; Kish 1965), where w_s <= 1 is the weight of
how the source was read. However large, a study counts for less than 1/rho cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

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
    is_complete
        Whether the source itself splits all its cases.
    """

    source_id: str
    counts: NDArray[np.float64]
    n: int
    weight: float
    rows: tuple[Count, ...] = ()
    is_complete: bool = True

    @cached_property
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
    the one with most cases is kept: two papers on one archive are one witness. Cases that a
    source does not split are spread over the states it does not name, in the proportions in
    which the other studies find them (EM for a grouped multinomial).

    Parameters
    ----------
    rest : (states,), optional
        Proportions to spread by, instead of those found in the studies themselves.
    """
    grouped: dict[tuple[str, str, str], list[Count]] = {}
    for row in rows:
        if row.is_pooled:
            grouped.setdefault((row.source_id, row.subgroup, row.given), []).append(row)
    chosen: dict[str, tuple[str, list[Count]]] = {}
    for key, members in grouped.items():
        group = members[0].overlap or "|".join(key)
        if group not in chosen or _size(members) > _size(chosen[group][1]):
            chosen[group] = (key[0], members)
    position = {state: i for i, state in enumerate(states)}
    named = np.zeros((len(chosen), len(states)))
    seen = np.zeros((len(chosen), len(states)), dtype=bool)
    n = np.array([_size(members) for _, members in chosen.values()], dtype=float)
    for study, (_, members) in enumerate(chosen.values()):
        for row in members:
            named[study, position[row.state]] += row.k
            seen[study, position[row.state]] = True
    total = named.sum(axis=1)
    over = total > n  # categories that a source lets overlap
    named[over] *= (n / np.maximum(total, 1))[over, None]
    left = np.where(seen.all(axis=1), 0.0, np.maximum(n - named.sum(axis=1), 0.0))
    counts = _spread(named, seen, left, rest)
    return [
        StudyCounts(
            source_id,
            counts[study],
            round(float(counts[study].sum())),
            min(trust_weight[row.trust] for row in members),
            tuple(members),
            bool(left[study] == 0 or len(states) == 2),
        )
        for study, (source_id, members) in enumerate(chosen.values())
        if counts[study].sum() >= 1
    ]


def _size(members: Sequence[Count]) -> int:
    return max(row.n for row in members)


def _spread(
    named: NDArray[np.float64],
    seen: NDArray[np.bool_],
    left: NDArray[np.float64],
    rest: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Spread the `left` cases of each study over the states that it has not `seen`."""
    proportions = np.full(named.shape[1], 1 / max(named.shape[1], 1)) if rest is None else rest
    if not left.any():
        return named
    counts = named
    for _ in range(1 if rest is not None else 25):
        share = np.where(seen, 0.0, proportions + 1e-3)
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
        counts = named + left[:, None] * share
        pooled = counts.sum(axis=0)
        before, proportions = proportions, pooled / pooled.sum()
        if (~seen).sum(axis=1)[left > 0].max() < 2 or np.abs(proportions - before).max() < 1e-5:
            break
    return counts


def effective_counts(
    studies: Sequence[StudyCounts], rho: float, states: int
) -> NDArray[np.float64]:
    """Return the pooled effective counts, shape (states,)."""
    if not studies:
        return np.zeros(states)
    weights = np.array([study.effective_n(rho) for study in studies])
    return np.asarray(weights @ np.stack([study.proportions for study in studies]))
