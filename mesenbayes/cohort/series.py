"""Each published series taken for one case, answered by the network without that source.

What a series prints of one tumour is a profile: of each finding its commonest state. That is an
average patient and no real one, but the network has not seen it, and there are hundreds. A
profile that does not say where, how old and of what sex gets the commonest place, age and sex of
its tumour, for a real case always says so. The fit of all cells is kept as it is; a single source
hardly moves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, NetworkError
from mesenbayes.evidence.records import Count
from mesenbayes.inference import compile_network
from mesenbayes.network.build import NetworkBuilder
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import GENOTYPE, OTHER, SITE, TUMOUR
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

FEWEST = 4
"""Findings of the tumour itself that make a profile."""
_SETTING = (SITE, "age", "sex")
_NOT_OF_THE_TUMOUR = {*_SETTING, "size_cm", "sampling", "ascertainment", "cells"}


@dataclass(frozen=True, eq=False)
class SeriesCases:
    """Profiles and their answers.

    Parameters
    ----------
    frame
        source_id, tumour, findings, first, p_first, p (of the series' own tumour), rank.
    """

    network: str
    frame: pd.DataFrame = field(repr=False)

    def share_within(self, places: int) -> float:
        """Return the share of profiles whose own tumour is among the first `places`."""
        return float((self.frame["rank"] <= places).mean())

    @property
    def expected(self) -> float:
        """Return the share of right first answers that the network expects of itself: the mean
        probability of its first answers. Well below the share that is right, it is too timid;
        well above, too sure."""
        return float(self.frame["p_first"].mean())

    @property
    def sentence(self) -> str:
        """The outcome in one line."""
        return (
            f"{self.network}: of {len(self.frame)} series taken for one case, each answered "
            f"without its source, the series' own tumour is first in {self.share_within(1):.0%} "
            f"and among three in {self.share_within(3):.0%}; by its own probabilities it expects "
            f"{self.expected:.0%} of its first answers to be right"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line a profile."""
        return self.frame


def series_as_cases(
    network: Network, progress: Callable[[int, int], None] | None = None
) -> SeriesCases:
    """Answer the profile of every source that has one.

    Parameters
    ----------
    progress
        Called with (profiles done, profiles in all).

    Raises
    ------
    CaseError
        If the network came without its evidence, or no source has a profile.
    """
    import pandas as pd

    builder = network.builder
    if builder is None:
        raise CaseError(f"{network.name} came without its evidence: it has no series")
    profiles = dict(_profiles(builder))
    if not profiles:
        raise CaseError(f"no source of {network.name} has {FEWEST} findings of one tumour")
    lines = []
    for done, ((source, tumour, _), profile) in enumerate(profiles.items(), 1):
        line = _answer(builder, source, tumour, profile)
        if line is not None:
            lines.append({"source_id": source, "tumour": tumour, **line})
        if progress is not None:
            progress(done, len(profiles))
    return SeriesCases(network.name, pd.DataFrame(lines))


def _profiles(
    builder: NetworkBuilder,
) -> Iterator[tuple[tuple[str, str, str], dict[str, str]]]:
    """Yield (source, tumour, site) -> finding -> its commonest state."""
    states = {s.variable.name: s.variable.states for s in builder.structure.specifications}
    codes = set(builder.structure.tumour_codes) - {OTHER}
    rows: dict[tuple[str, str, str], dict[str, list[Count]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in builder.evidence.counts:
        given = dict(row.conditions)
        site = given.pop(SITE, "")
        known = row.tumour in codes and row.finding in states
        if row.is_pooled and known and not given and row.finding != GENOTYPE:
            rows[row.source_id, row.tumour, site][row.finding].append(row)
    for key, by_finding in sorted(rows.items()):
        profile = {
            finding: state
            for finding, members in by_finding.items()
            if (state := _commonest(members, states[finding])) is not None
        }
        if key[2] in states[SITE]:
            profile[SITE] = key[2]
        if len(profile.keys() - _NOT_OF_THE_TUMOUR) >= FEWEST:
            yield key, profile


def _commonest(rows: list[Count], states: tuple[str, ...]) -> str | None:
    """Return the state with the highest mean rate over the rows, each row counting alike; None
    where the source leaves too many unsplit."""
    share = dict.fromkeys(states, 0.0)
    for state in states:
        found = [row.k / row.n for row in rows if row.state == state]
        share[state] = float(np.mean(found)) if found else 0.0
    named = {row.state for row in rows}
    # Of two states, or of a stain's, the first is what the source does not count.
    if states[0] not in named and (len(states) == 2 or states[0] == "negative"):
        share[states[0]] = max(0.0, 1.0 - sum(share.values()))
    return max(share, key=lambda s: share[s]) if sum(share.values()) > 0.5 else None


def _answer(
    builder: NetworkBuilder, source: str, tumour: str, profile: Mapping[str, str]
) -> dict[str, object] | None:
    rest = NetworkBuilder(
        builder.structure,
        builder.evidence.without_source(source),
        builder.priors,
        borrowed_fits=builder.fits,
    )
    try:
        built = list(rest.tables({TUMOUR, *_SETTING, *profile}))
    except NetworkError:
        return None  # the network cannot do without the source
    network = BayesianNetwork(
        builder.structure.name,
        builder.structure.version,
        tuple(spec.variable for spec, _ in built),
        {spec.variable.name: table for spec, table in built},
    )
    case = {**_usual_setting(rest, network, tumour), **profile}
    codes = np.full((1, len(network.variables)), NOT_OBSERVED, dtype=np.intp)
    for i, variable in enumerate(network.variables):
        if variable.name in case:
            codes[0, i] = variable.index(case[variable.name])
    answer = compile_network(network).run(codes, targets=(TUMOUR,), on_impossible="nan")
    p = answer.posterior[TUMOUR][0]
    if np.isnan(p).any():
        return None
    tumours = network.variable(TUMOUR).states
    own = tumours.index(tumour)
    return {
        "findings": "; ".join(f"{name}={state}" for name, state in case.items()),
        "first": tumours[int(p.argmax())],
        "p_first": float(p.max()),
        "p": float(p[own]),
        "rank": int((p > p[own]).sum()) + 1,
    }


def _usual_setting(
    builder: NetworkBuilder, network: BayesianNetwork, tumour: str
) -> dict[str, str]:
    """Return the commonest site, age and sex of a tumour."""
    at = builder.prevalence.site_row(tumour).mean
    every = builder.structure.every_site
    sites = network.variable(SITE).states
    usual = {SITE: max(sites, key=lambda s: at[every.index(s)])}
    place = network.variable(TUMOUR).index(tumour)
    for name in ("age", "sex"):
        if name in network.tables:
            p: NDArray[np.float64] = network.tables[name].probability[place]
            p = p.reshape(-1, p.shape[-1]).mean(axis=0)  # over other parents, alike
            usual[name] = network.variable(name).states[int(p.argmax())]
    return usual
