"""Sets how common the diagnoses are at a place, and leaves everything else as it is.

P(tumour | parents) becomes p(k | parents) c_k / sum_j p(j | parents) c_j with factors c such that
the prevalence over all parents is the declared one (iterative proportional fitting; Deming &
Stephan 1940). Ratios between sites stay as published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError, did_you_mean, nearest
from mesenbayes.network.table import Table

if TYPE_CHECKING:
    from mesenbayes.facade import Network

_ROUNDS = 10_000
_CLOSE = 1e-12
_FAR = 1e-6
"""Close enough to stop, and so far off that it cannot be reached."""


def set_prevalence(
    network: Network, shares: Mapping[str, float], target: str = "tumour"
) -> Network:
    """Return the network with P(target) as declared.

    Parameters
    ----------
    shares
        State -> prevalence. States not named keep their proportions among themselves.

    Raises
    ------
    CaseError
        For an unknown state, shares that do not add up, or one that the network excludes.
    """
    from mesenbayes.facade import Network

    table = network.tables[target]
    states = network.variable(target).states
    for name in shares:
        if name not in states:
            raise CaseError(
                f"prevalence: unknown state '{name}'{did_you_mean(nearest(name, states))}"
            )
    nobody = np.full((1, len(network.variables)), -1)
    asked = tuple(table.parents)
    parents = np.ones(1)
    if asked:
        key = asked if len(asked) > 1 else asked[0]
        parents = network.compiled.run(nobody, targets=(key,)).posterior[key][0].ravel()
    p = table.probability.reshape(-1, len(states))
    before = parents @ p
    named = np.array([state in shares for state in states])
    wanted = np.array([shares.get(state, 0.0) for state in states])
    if not np.isfinite(wanted).all():
        raise CaseError("prevalence: every share is a number from 0 to 1")
    rest = 1 - wanted.sum()
    if (wanted < 0).any() or rest < -1e-9 or (named.all() and abs(rest) > 1e-6):
        raise CaseError(f"prevalence: the shares add up to {wanted.sum():g}, not 1")
    if not named.all():
        wanted[~named] = max(rest, 0.0) * before[~named] / before[~named].sum()
    if ((wanted > 0) & (before == 0)).any():
        state = states[int(np.argmax((wanted > 0) & (before == 0)))]
        raise CaseError(f"prevalence: the network excludes {state}")
    moved, factor = p, np.ones(len(states))
    for _ in range(_ROUNDS):
        now = parents @ moved
        factor = factor * np.divide(wanted, now, out=np.zeros_like(now), where=now > 0)
        factor /= factor.max()  # only ratios count; what cannot be reached must not overflow
        total = (p * factor).sum(axis=1, keepdims=True)
        moved = np.where(total > 0, p * factor / np.where(total > 0, total, 1), p)
        if np.abs(parents @ moved - wanted).max() < _CLOSE:
            break
    short = int(np.abs(parents @ moved - wanted).argmax())
    if abs((parents @ moved)[short] - wanted[short]) > _FAR:
        raise CaseError(
            f"prevalence: {states[short]} cannot come to {wanted[short]:g} with the others as "
            f"declared; where it may occur, it comes to {(parents @ moved)[short]:.3g}"
        )
    rows = tuple(
        replace(row, alpha=moved[place] * row.strength, origin="prior",
                reason=f"prevalence declared; before: {row.reason}")
        for row, place in zip(table.rows, _places(table), strict=True)
    )  # fmt: skip
    tables = {**network.tables, target: Table(target, table.parents, rows, table.row_index)}
    digest = hashlib.sha256(f"{network.digest} {sorted(shares.items())}".encode()).hexdigest()[:16]
    return Network(
        network.name, f"{network.version}+prevalence", network.variables, tables, digest,
        network.builder,
    )  # fmt: skip


def _places(table: Table) -> list[int]:
    """Return for each row of a table one place that it serves."""
    flat = table.row_index.ravel()
    return [int(np.argmax(flat == i)) for i in range(len(table.rows))]
