"""Which outcome parameter makes the gain of an option uncertain.

The outcome parameters are independent numbers, so the first-order Sobol index of each is the
share of the variance that a regression on it alone explains: Var(E[gain | x]) / Var(gain), from
the draws at hand. For other designs the same numbers are handed to SALib as a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError, UnknownState
from mesenbayes.sensitivity.probabilistic import Probabilistic
from mesenbayes.sensitivity.problem import Progress, silent
from mesenbayes.sensitivity.regression import fit

if TYPE_CHECKING:
    import pandas as pd


def outcome_indices(
    analysis: Probabilistic,
    option: str | None = None,
    against: str | None = None,
    *,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return the first-order index of every outcome parameter on the gain of an option.

    Parameters
    ----------
    option, against
        By default the best option on average and the next best.

    Returns
    -------
    One row for each parameter, the largest share first: parameter, mean, low, high (95 % of its
    draws), share, slope (change of the gain over the interval, by a straight line).

    Raises
    ------
    CaseError
        If nothing about the outcomes was drawn.
    UnknownState
        For an option that is not offered.
    """
    import pandas as pd

    if not analysis.outcomes or analysis.choice is None:
        raise CaseError("this analysis drew no outcome parameters")
    value, names = analysis.net_benefit, analysis.choice.options
    for wanted in (option, against):
        if wanted is not None and wanted not in names:
            raise UnknownState("the option", wanted, names)
    ranked = np.argsort(-value.mean(axis=0), kind="stable")
    d = names.index(option) if option else int(ranked[0])
    rest = [int(i) for i in ranked if i != d]
    other = names.index(against) if against else rest[0]
    gain = value[:, d] - value[:, other]
    variance = float(gain.var())
    found = []
    for done, (name, x) in enumerate(analysis.outcomes.items(), 1):
        fitted = fit(x[:, None], gain[:, None]).values[:, 0]
        low, high = np.quantile(x, [0.025, 0.975])
        slope = float(np.polyfit(x - x.mean(), gain, 1)[0]) if np.ptp(x) > 0 else 0.0
        share = float(fitted.var()) / variance if variance > 0 else 0.0
        found.append((name, float(x.mean()), low, high, share, slope * (high - low)))
        progress(done, len(analysis.outcomes))
    columns = ["parameter", "mean", "low", "high", "share", "slope"]
    frame = pd.DataFrame(found, columns=columns)
    frame.attrs["gain"] = f"{names[d]} over {names[other]}"
    return frame.sort_values("share", ascending=False, ignore_index=True)


def salib_problem(analysis: Probabilistic) -> dict[str, Any]:
    """Return the outcome parameters as SALib's ``problem``: names and 95 % bounds, uniform.

    CPT rows are not in it: SALib samples independent numbers and cannot keep a row on its
    simplex; :func:`~mesenbayes.sensitivity.sobol.sobol` does.
    """
    if not analysis.outcomes:
        raise CaseError("this analysis drew no outcome parameters")
    bounds = [np.quantile(x, [0.025, 0.975]).tolist() for x in analysis.outcomes.values()]
    return {
        "num_vars": len(bounds),
        "names": list(analysis.outcomes),
        "bounds": bounds,
        "dists": ["unif"] * len(bounds),
    }
