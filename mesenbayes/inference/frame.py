"""From a table of findings to state indices, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError, UnknownFinding, UnknownState, nearest
from mesenbayes.network.network import Network
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd


def encode(network: Network, frame: pd.DataFrame) -> NDArray[np.integer[Any]]:
    """Return state indices, shape (cases, variables), of a frame of cases by findings.

    Columns are variable names in any order and number; entries are state names (best as a
    categorical dtype), NaN or NA where not observed. Raises UnknownFinding for a column and
    UnknownState for an entry that the network does not have.
    """
    import pandas as pd

    if not len(frame):
        raise CaseError("the frame has no cases")
    number = {v.name: i for i, v in enumerate(network.variables)}
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise CaseError(f"the frame has two columns called {repeated[0]}")
    widest = max(v.cardinality for v in network.variables)
    dtype = np.int8 if widest < 127 else np.int16 if widest < 32_000 else np.int64
    # One row a variable: that is how the engine reads them, and the transpose is free.
    codes = np.full((len(number), len(frame)), NOT_OBSERVED, dtype=dtype)
    for name in frame.columns:
        if name not in number:
            raise UnknownFinding(str(name), nearest(str(name), number))
        column = frame[name]
        if not isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype("category")
        given = column.cat.codes.to_numpy()
        variable = network.variables[number[name]]
        states = {state: i for i, state in enumerate(variable.states)}
        categories = column.cat.categories
        lookup = np.array([*(states.get(c, -2) for c in categories), NOT_OBSERVED], dtype=dtype)
        wrong = np.flatnonzero(lookup == -2)
        if len(wrong):
            bad = np.flatnonzero(np.isin(given, wrong))
            if len(bad):
                where = f"row {frame.index[bad[0]]}: "
                raise UnknownState(name, str(column.iloc[bad[0]]), variable.states, where)
        # A missing entry has code -1, which is the last place of the lookup.
        codes[number[name]] = lookup[given]
    return codes.T
