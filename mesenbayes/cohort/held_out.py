"""Each source predicted from all the others: the network tested on the literature itself.

A source is left out, the tables of its findings are filled again, and its own counts are
predicted. A new study has its own rate around the mean of the row, so that k of n is
beta-binomial with the mean p of the row and

    1 / (s + 1) = 1 / (N + 1) + rho,

N the strength of the row and rho the between-study correlation at its rate. If the
pooling is honest, 95 of 100 counts fall into their 95 % prediction intervals. Findings that have
a row for each genotype have no single prediction and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError, NetworkError, did_you_mean, nearest
from mesenbayes.evidence.records import Count
from mesenbayes.network.build import EXPRESSED, FAMILIES, NetworkBuilder
from mesenbayes.network.structure import TUMOUR, biology_of
from mesenbayes.network.table import Row, Table

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

_LEAST_STRENGTH = 0.05
"""A forecast between two laboratories keeps this many cases: a Beta needs more than none."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Counts of sources beside what the other sources predicted.

    Parameters
    ----------
    frame
        source_id, tumour, finding, state, k, n, predicted, low, high (of k / n), inside,
        log_probability.
    """

    frame: pd.DataFrame = field(repr=False)

    @property
    def coverage(self) -> float:
        """Share of counts inside their 95 % prediction interval."""
        return float(self.frame["inside"].mean())

    @property
    def surprises(self) -> pd.DataFrame:
        """The counts outside, the least probable first."""
        outside = self.frame[~self.frame["inside"]]
        return outside.sort_values("log_probability", kind="stable").reset_index(drop=True)


def leave_one_source_out(
    network: Network,
    sources: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> HeldOut:
    """Predict the counts of each source from the others.

    Parameters
    ----------
    sources
        Which; all with a usable count by default (each takes a fit: seconds).

    Raises
    ------
    CaseError
        If the network came without its evidence, or a source has no count to predict.
    """
    import pandas as pd

    builder = network.builder
    if builder is None:
        raise CaseError(f"{network.name} came without its evidence: no source can be left out")
    usable = _usable(builder, network)
    known = list(usable) if sources is None else list(sources)
    if not known:
        raise CaseError(f"{network.name}: no source has a plain count that could be left out")
    lines = []
    for done, source in enumerate(known):
        if source not in usable:
            raise CaseError(f"no count to predict comes from '{source}'"
                            f"{did_you_mean(nearest(source, usable))}")  # fmt: skip
        lines += list(_predict(builder, source, usable[source]))
        if progress is not None:
            progress(done + 1, len(known))
    return HeldOut(pd.DataFrame(lines))


def _usable(builder: NetworkBuilder, network: Network) -> dict[str, list[Count]]:
    """Return the plain counts of each source: of one tumour, under no further condition (the
    subgroup says who was counted, and counts all the same)."""
    names = {v.name for v in network.variables}
    found: dict[str, list[Count]] = {}
    for row in builder.evidence.counts:
        plain = row.is_pooled and not row.given
        if plain and row.tumour in builder.structure.tumour_codes and row.finding in names:
            found.setdefault(row.source_id, []).append(row)
    return found


def _predict(
    builder: NetworkBuilder, source: str, counts: Sequence[Count]
) -> Iterator[dict[str, object]]:
    from scipy.stats import betabinom

    rest = NetworkBuilder(
        builder.structure, builder.evidence.without_source(source), builder.priors
    )
    kinds = {spec.variable.name: spec for spec in builder.structure.specifications}
    wanted = {biology_of(row.finding, kinds) for row in counts}
    try:
        built = {
            spec.variable.name: (spec, table) for spec, table in rest.tables({TUMOUR, *wanted})
        }
    except NetworkError:
        return  # the network cannot do without the source: an incidence, say
    for count in counts:
        spec, table = built[biology_of(count.finding, kinds)]
        states = spec.variable.states
        state = EXPRESSED.get(count.state, count.state) if spec.kind == "expression" else (
            count.state
        )
        row = _row_of(table, built[TUMOUR][0].variable.index(count.tumour))
        if row is None or row.is_certain or state not in states or spec.kind not in FAMILIES:
            continue
        rho = rest.families[FAMILIES[spec.kind]].between.rho(row.mean)
        p = float(row.mean[states.index(state)])
        if not 0 < p < 1:
            continue
        strength = max(1 / (1 / (row.strength + 1) + rho) - 1, _LEAST_STRENGTH)
        forecast = betabinom(count.n, p * strength, (1 - p) * strength)
        low, high = (float(k) for k in forecast.ppf([0.025, 0.975]))
        yield {
            "source_id": source, "tumour": count.tumour, "finding": count.finding,
            "state": count.state, "k": count.k, "n": count.n, "predicted": p,
            "low": low / count.n, "high": high / count.n,
            "inside": bool(low <= count.k <= high),
            "log_probability": float(forecast.logpmf(count.k)),
        }  # fmt: skip


def _row_of(table: Table, tumour: int) -> Row | None:
    """Return the row of a tumour if it is one row, whatever the other parents."""
    if TUMOUR not in table.parents:
        return None
    places = np.take(table.row_index, tumour, axis=table.parents.index(TUMOUR))
    rows = {id(table.rows[i]): table.rows[i] for i in np.unique(places)}
    return next(iter(rows.values())) if len(rows) == 1 else None
