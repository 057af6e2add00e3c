"""How the belief in the leading diagnosis moved as the findings came in, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.weight import log_odds
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.report.diagnosis import Diagnosis

DECIBANS = 10 / np.log(10)


@dataclass(frozen=True, eq=False)
class EvidencePath:
    """Log odds of one diagnosis before and after every finding, in the order stated.

    Parameters
    ----------
    labels : findings
        What was added at each step.
    decibans : (1 + findings,)
        10 log10 odds at the start and after each step.
    """

    code: str
    labels: tuple[str, ...]
    decibans: NDArray[np.float64]

    @property
    def steps(self) -> NDArray[np.float64]:
        """Change at each step, (findings,)."""
        return np.diff(self.decibans)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step: finding, decibans before, step, after."""
        import pandas as pd

        return pd.DataFrame(
            {
                "finding": self.labels,
                "before": self.decibans[:-1],
                "step": self.steps,
                "after": self.decibans[1:],
            }
        )


def evidence_path(diagnosis: Diagnosis, code: str | None = None) -> EvidencePath:
    """Return the path of one diagnosis (the leading one if not named).

    Step i adds the i-th finding of the case to those before it, so the sum of the steps is
    the whole move; a finding's step depends on its place in the order.
    """
    network, encoded = diagnosis.network, diagnosis.encoded
    index = network.variable(diagnosis.target).index(code or diagnosis.leading.code)
    findings = [f for f in diagnosis.case.findings if f.variable != diagnosis.target]
    position = {variable.name: i for i, variable in enumerate(network.variables)}
    codes, likelihoods = encoded.batch(len(findings) + 1)
    for row in range(len(findings)):
        for finding in findings[row:]:  # row r knows the first r findings
            codes[row, position[finding.variable]] = NOT_OBSERVED
            if finding.variable in likelihoods:
                likelihoods[finding.variable][row] = 1.0
    posterior = network.compiled.run(codes, likelihoods, targets=(diagnosis.target,))
    odds = log_odds(posterior.posterior[diagnosis.target], index)
    labels = []
    for finding in findings:
        variable = network.variable(finding.variable)
        state = variable.state_label(finding.state) if finding.state else "uncertain"
        labels.append(f"{variable.label}: {state}")
    return EvidencePath(
        code or diagnosis.leading.code,
        tuple(labels),
        np.clip(odds * DECIBANS, -200, 200),
    )
