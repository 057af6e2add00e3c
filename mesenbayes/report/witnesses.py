"""Which studies stand behind what the network says of one finding in one tumour type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.network.structure import TUMOUR
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.network.table import Row, Study
    from mesenbayes.report.diagnosis import Diagnosis

ORIGINS = {
    "counts": "counted",
    "borrowed": "not studied; borrowed from related cells",
    "prior": "declared prior",
    "definition": "by definition",
}


@dataclass(frozen=True, eq=False)
class Witness:
    """P(finding = state | tumour) with who says so.

    Parameters
    ----------
    probability
        Of the state in this tumour type, the sample as it comes.
    rows
        (variable, row) of every table row that speaks of this tumour type: of the finding
        itself, or of the hidden expression that the finding reads.
    studies
        Studies of all those rows, the largest first, each once.
    """

    variable: str
    state: str
    tumour: str
    probability: float
    rows: tuple[tuple[str, Row], ...]
    studies: tuple[Study, ...]

    @property
    def who(self) -> str:
        """The origin in words: the strongest kind of evidence among the rows."""
        kinds = {row.origin for _, row in self.rows}
        best = next((kind for kind in ORIGINS if kind in kinds), "")
        return ORIGINS.get(best, "does not depend on the tumour type")

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the rows, each once."""
        return tuple(dict.fromkeys(row.reason for _, row in self.rows if row.reason))


def witness(network: Network, variable: str, state: str, tumour: str) -> Witness:
    """Return what the network says of one finding in one tumour type, and who says so."""
    return Witness(
        variable,
        state,
        tumour,
        _probability(network, variable, state, tumour),
        rows := tuple(_rows(network, variable, tumour)),
        _studies(rows),
    )


def prior_rows(diagnosis: Diagnosis) -> tuple[Row, ...]:
    """Return the rows of P(target | setting) that the setting of a case selects."""
    network = diagnosis.network
    table = network.tables[diagnosis.target]
    stated = {f.variable: f.state for f in diagnosis.case.findings if f.state is not None}
    index = tuple(
        network.variable(parent).index(str(stated[parent])) if parent in stated else slice(None)
        for parent in table.parents
    )
    chosen = np.unique(table.row_index[index])
    return tuple(table.rows[int(i)] for i in chosen)


def studies_of(rows: Iterable[Row]) -> tuple[Study, ...]:
    """Return the studies of some rows, the largest first, each once."""
    return _studies(tuple(("", row) for row in rows))


def _probability(network: Network, variable: str, state: str, tumour: str) -> float:
    codes = np.full((1, len(network.variables)), NOT_OBSERVED, dtype=np.intp)
    names = [v.name for v in network.variables]
    codes[0, names.index(TUMOUR)] = network.variable(TUMOUR).index(tumour)
    result = network.compiled.run(codes, targets=(variable,))
    return float(result.posterior[variable][0, network.variable(variable).index(state)])


def _rows(network: Network, variable: str, tumour: str) -> list[tuple[str, Row]]:
    """Return the rows of the finding and of its hidden parents that this tumour selects."""
    names = [variable]
    names += [p for p in network.tables[variable].parents if network.variable(p).role == "latent"]
    found: list[tuple[str, Row]] = []
    for name in names:
        table = network.tables[name]
        if TUMOUR not in table.parents:
            continue
        axis = table.parents.index(TUMOUR)
        chosen = np.take(table.row_index, network.variable(TUMOUR).index(tumour), axis=axis)
        found += [(name, table.rows[i]) for i in dict.fromkeys(chosen.ravel().tolist())]
    return found


def _studies(rows: tuple[tuple[str, Row], ...]) -> tuple[Study, ...]:
    seen: dict[tuple[str, tuple[tuple[str, int], ...]], Study] = {}
    for _, row in rows:
        for study in row.studies:
            seen.setdefault((study.source_id, study.counts), study)
    return tuple(sorted(seen.values(), key=lambda s: (-s.n, s.source_id)))
