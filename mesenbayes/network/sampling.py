"""Draws patients from a network, parents before children."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesenbayes.network.network import BayesianNetwork


def sample_codes(
    network: BayesianNetwork,
    n: int,
    rng: np.random.Generator,
    fixed: dict[str, int] | None = None,
) -> NDArray[np.intp]:
    """Draw `n` complete cases by ancestral sampling.

    Parameters
    ----------
    fixed
        Variable -> state index that is set rather than drawn. Meant for variables without
        unfixed parents (the site): setting a child says nothing to its parents.

    Returns
    -------
    (n, variables) state indices in the order of ``network.variables``
    """
    fixed = fixed or {}
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    codes = np.empty((n, len(network.variables)), dtype=np.intp)
    for i, variable in enumerate(network.variables):
        if variable.name in fixed:
            codes[:, i] = fixed[variable.name]
            continue
        table = network.tables[variable.name]
        parents = tuple(codes[:, position[p]] for p in table.parents)
        cumulative = np.cumsum(table.probability, axis=-1)[parents]  # (n, states)
        draw = rng.random((n, 1)) * cumulative[..., -1:]
        codes[:, i] = (draw > cumulative).sum(axis=-1)
    return codes
