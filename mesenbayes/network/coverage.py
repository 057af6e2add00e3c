"""Which cells (tumour, finding) rest on counts, and where the worst holes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.base import EvidenceBase
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import GENOTYPE, OTHER, TUMOUR, counted_name
from mesenbayes.network.table import Origin, Row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ORIGINS: tuple[Origin, ...] = ("counts", "borrowed", "prior", "definition")

TUMOURS, FINDINGS, WORST = 12, 20, 12
"""How many tumours and findings make up a core, and how many holes are listed."""


@dataclass(frozen=True)
class Core:
    """The part of the matrix that matters most: some tumours, and what they are studied by.

    Parameters
    ----------
    name
        How the tumours were chosen: ``commonest`` or ``most studied``.
    findings
        Those with most studies of these tumours.
    """

    name: str
    tumours: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Hole:
    """A cell without a study.

    Parameters
    ----------
    origin
        What fills it: ``borrowed`` or ``prior``.
    bits
        How much the finding says about the tumour type: the mutual information of the two,
        all types alike.
    is_core
        Whether the cell belongs to a core.
    """

    tumour: str
    finding: str
    origin: Origin
    bits: float
    is_core: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return {
            "tumour": self.tumour,
            "finding": self.finding,
            "origin": self.origin,
            "bits": round(self.bits, 4),
            "core": self.is_core,
        }


@dataclass(frozen=True, eq=False)
class Coverage:
    """What every cell of a network rests on.

    Parameters
    ----------
    tumours, findings
        Rows and columns of the matrices; 'none of the modelled diagnoses' is left out, for
        its cells are means of the others.
    origin, n, studies : (tumours, findings)
        See :data:`~mesenbayes.network.table.Origin`; cases and studies behind the cell.
    bits : (findings,)
        Mutual information of finding and tumour type, all types alike.
    cores
        That of the tumours with the highest incidence, as far as they come into question here,
        and that of the tumours with most studies where these are others.
    """

    network: str
    tumours: tuple[str, ...]
    findings: tuple[str, ...]
    origin: NDArray[np.str_]
    n: NDArray[np.intp]
    studies: NDArray[np.intp]
    bits: NDArray[np.float64]
    cores: tuple[Core, ...]

    @property
    def share(self) -> float:
        """Share of all cells that rest on counts."""
        return float((self.origin == "counts").mean()) if self.origin.size else 0.0

    def share_of(self, core: Core) -> float:
        """Share of a core's cells that rest on counts, or on the definition of the tumour."""
        rows = [self.tumours.index(name) for name in core.tumours]
        columns = [self.findings.index(name) for name in core.findings]
        cells = self.origin[np.ix_(rows, columns)]
        return float(np.isin(cells, ("counts", "definition")).mean()) if cells.size else 0.0

    @property
    def by_origin(self) -> dict[str, int]:
        """Number of cells of each origin."""
        return {origin: int((self.origin == origin).sum()) for origin in ORIGINS}

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """Every cell without counts of the tumours of a core, the worst first: cells of a core
        before the others, and the more informative findings before the less."""
        core = {(t, f) for c in self.cores for t in c.tumours for f in c.findings}
        tumours = dict.fromkeys(t for c in self.cores for t in c.tumours)
        found = [
            Hole(tumour, finding, str(self.origin[i, j]), float(self.bits[j]),  # type: ignore[arg-type]
                 (tumour, finding) in core)
            for tumour in tumours
            for i in [self.tumours.index(tumour)]
            for j, finding in enumerate(self.findings)
            if self.origin[i, j] in ("borrowed", "prior")
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda h: (not h.is_core, -h.bits, h.tumour)))

    @property
    def sentence(self) -> str:
        """The coverage in one line."""
        cores = "; ".join(
            f"{self.share_of(core):.0%} for the {len(core.tumours)} {core.name} tumours and "
            f"their {len(core.findings)} most used findings"
            for core in self.cores
        )
        return (
            f"{self.network}: {self.share:.0%} of {self.origin.size} cells rest on counts; {cores}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line a cell: origin, n and studies, indexed by tumour and finding."""
        import pandas as pd

        index = pd.MultiIndex.from_product(
            [self.tumours, self.findings], names=["tumour", "finding"]
        )
        return pd.DataFrame(
            {
                "origin": self.origin.ravel(),
                "n": self.n.ravel(),
                "studies": self.studies.ravel(),
            },
            index=index,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "network": self.network,
            "share_counts": self.share,
            "by_origin": self.by_origin,
            "cores": [
                {
                    "name": core.name,
                    "tumours": list(core.tumours),
                    "findings": list(core.findings),
                    "share": self.share_of(core),
                }
                for core in self.cores
            ],
            "worst_holes": [hole.to_dict() for hole in self.holes[:WORST]],
            "cells": {
                tumour: {
                    finding: {
                        "origin": str(self.origin[i, j]),
                        "n": int(self.n[i, j]),
                        "studies": int(self.studies[i, j]),
                    }
                    for j, finding in enumerate(self.findings)
                }
                for i, tumour in enumerate(self.tumours)
            },
        }

    def _repr_html_(self) -> str:
        frame = self.to_frame()["origin"].unstack("finding")[list(self.findings)]
        return f"<p>{self.sentence}</p>{frame.loc[list(self.tumours)].to_html(max_cols=30)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the matrix as a heat map."""
        from mesenbayes.plots.coverage import plot_coverage

        return plot_coverage(self, ax)


def coverage_of(
    network: BayesianNetwork, evidence: EvidenceBase, incidence: Mapping[str, float]
) -> Coverage:
    """Return what every cell of `network` rests on.

    Parameters
    ----------
    incidence
        How often each tumour comes into question, by code; only the order matters.

    Notes
    -----
    The origin is that of the rows of the built tables: a stain is judged by the table of its
    expression, a cell split by genotype by its row of the tumour as a whole, and one split by
    the alteration it stands in for by the row that is its own.
    """
    tumours = tuple(t for t in network.variable(TUMOUR).states if t != OTHER)
    rows: dict[str, list[Row]] = {}
    for variable in network.variables:
        parents = network.tables[variable.name].parents
        finding = counted_name(variable.name)
        is_property = variable.role == "latent" and finding == variable.name
        if parents[:1] == (TUMOUR,) and variable.name != GENOTYPE and not is_property:
            rows[finding] = _whole_tumour_rows(network, variable.name, tumours)
    cells = list(rows.values())
    # A source counts once, however many states it prints: a finding with many states is not
    # used more for that.
    studies = {(r.tumour, r.finding, r.source_id) for r in evidence.counts if r.is_pooled}
    studies |= {(r.tumour, "age", r.source_id) for r in evidence.age_summaries if r.is_pooled}
    papers = Counter(tumour for tumour, _ in {(t, source) for t, _, source in studies})
    cores: list[Core] = []
    for name, weight in (("commonest", incidence), ("most studied", papers)):
        chosen = _most(weight, list(tumours), TUMOURS)
        if any(set(core.tumours) == set(chosen) for core in cores):
            continue  # a small network: the same tumours again
        used = Counter(finding for tumour, finding, _ in studies if tumour in chosen)
        cores.append(Core(name, chosen, _most(used, list(rows), FINDINGS)))
    shape = (len(rows), len(tumours))

    def matrix(values: list[Any], dtype: Any) -> NDArray[Any]:
        return np.array(values, dtype=dtype).reshape(shape).T

    return Coverage(
        network.name,
        tumours,
        tuple(rows),
        matrix([row.origin for column in cells for row in column], np.str_),
        matrix([sum(s.n for s in row.studies) for column in cells for row in column], np.intp),
        matrix([len(row.studies) for column in cells for row in column], np.intp),
        np.array([_information(column) for column in cells]),
        tuple(cores),
    )


def _whole_tumour_rows(
    network: BayesianNetwork, name: str, tumours: tuple[str, ...]
) -> list[Row]:
    """Return the row of every tumour as a whole."""
    table = network.tables[name]
    states = network.variable(TUMOUR).states
    by_tumour = table.row_index.reshape(len(states), -1)
    shared = set.intersection(*(set(line) for line in by_tumour.tolist()))
    chosen = []
    for tumour in tumours:
        line = by_tumour[states.index(tumour)].tolist()
        # The first state of the genotype is "not applicable": nothing known of it.
        own = [r for r in line if r not in shared] or line
        chosen.append(table.rows[own[0]])
    return chosen


def _information(rows: list[Row]) -> float:
    """Return the mutual information of a finding and the tumour type, all types alike, bits:
    the entropy of the mean row less the mean entropy of the rows."""
    p = np.stack([row.mean for row in rows])

    def entropy(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(-(q * np.log2(np.where(q > 0, q, 1.0))).sum(axis=-1))

    return float(entropy(p.mean(axis=0)) - entropy(p).mean())


def _most(weight: Mapping[str, float], known: list[str], n: int) -> tuple[str, ...]:
    """Return the `n` of `known` with the highest weight; ties in the order of `known`."""
    return tuple(sorted(known, key=lambda name: -weight.get(name, 0))[:n])


__all__ = ["ORIGINS", "Core", "Coverage", "Hole", "coverage_of"]
