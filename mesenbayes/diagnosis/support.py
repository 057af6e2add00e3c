"""Who says so: the rows and studies behind P(finding | diagnosis)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row


@dataclass(frozen=True, eq=False)
class Support:
    """What stands behind the rate of one finding in one diagnosis.

    Parameters
    ----------
    table
        Table that holds the rate: of the finding, or of the hidden expression behind it.
    rows
        Its rows for the diagnosis (several where genotypes or sites differ).
    """

    variable: str
    diagnosis: str
    table: str
    rows: tuple[Row, ...]

    @property
    def source_ids(self) -> tuple[str, ...]:
        """Studies behind the rows, the weightiest first."""
        weight: dict[str, float] = {}
        for row in self.rows:
            for study in row.studies:
                weight[study.source_id] = max(weight.get(study.source_id, 0.0), study.effective_n)
        return tuple(sorted(weight, key=lambda source: -weight[source]))

    @property
    def origin(self) -> str:
        """Who says so, the strongest: counts, borrowed, prior, definition; '' if there is none."""
        origins = {row.origin for row in self.rows}
        return next(
            (o for o in ("counts", "borrowed", "prior", "definition") if o in origins), ""
        )

    def to_dict(self) -> dict[str, object]:
        """Return the support as plain data."""
        return {
            "diagnosis": self.diagnosis,
            "table": self.table,
            "origin": self.origin,
            "reasons": list(dict.fromkeys(row.reason for row in self.rows)),
            "studies": [
                {"source_id": s.source_id, "n": s.n, "counts": dict(s.counts),
                 "effective_n": s.effective_n}
                for row in self.rows
                for s in row.studies
            ],
        }  # fmt: skip


def support_of(
    network: BayesianNetwork, target: str, variable: str, diagnosis: str, state: str | None = None
) -> Support:
    """Return the rows behind P(variable | target = diagnosis).

    A stain is followed up to its hidden expression, the nearest table that the target is a
    parent of; a variable above the target (the site) leads to the target's own rows, those
    of its `state` if one is given.
    """
    name = variable
    seen: set[str] = set()
    while target not in network.tables[name].parents and name not in seen:
        seen.add(name)
        parents = [p for p in network.tables[name].parents if _below(network, target, p)]
        if not parents:
            break
        name = parents[0]
    table = network.tables[name]
    if target not in table.parents:
        own = network.tables[target]
        if variable not in own.parents:
            return Support(variable, diagnosis, name, ())
        index = own.row_index
        if state in network.variable(variable).states:
            there = network.variable(variable).index(str(state))
            index = np.take(index, there, axis=own.parents.index(variable))
        return Support(variable, diagnosis, target, tuple(own.rows[i] for i in np.unique(index)))
    axis = table.parents.index(target)
    used = np.unique(np.take(table.row_index, network.variable(target).index(diagnosis), axis=axis))
    return Support(variable, diagnosis, name, tuple(table.rows[int(i)] for i in used))


def _below(network: BayesianNetwork, target: str, name: str) -> bool:
    """Return whether `target` is an ancestor of `name`."""
    parents = network.tables[name].parents
    return target in parents or any(_below(network, target, p) for p in parents)
