"""Which diagnoses are treated alike: a confusion inside such a group does no harm.

Two tumours belong together when the treatment model, sure of the diagnosis, prefers the same
option for both. Without a treatment model every diagnosis is its own group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mesenbayes.facade import Network

FloatArray = NDArray[np.float64]
_DRAWS = 20


@dataclass(frozen=True, eq=False)
class Management:
    """Groups of diagnoses, and the utilities behind them.

    Parameters
    ----------
    classes
        States of the target.
    group_of : (classes,)
        Index in `groups`.
    groups
        Label of the preferred option (or the class itself).
    options
        Names of the options; empty without a treatment model.
    utility : (options, classes)
    unit
        What the utilities count.
    """

    classes: tuple[str, ...]
    group_of: NDArray[np.intp]
    groups: tuple[str, ...]
    options: tuple[str, ...] = ()
    utility: FloatArray | None = None
    unit: str = ""

    def pool(self, p: FloatArray) -> FloatArray:
        """Add up the probabilities of each group, (cases, groups)."""
        pooled = np.zeros((len(p), len(self.groups)))
        for k, g in enumerate(self.group_of):
            pooled[:, g] += p[:, k]
        return pooled


def each_its_own(classes: tuple[str, ...]) -> Management:
    """Return the groups of a target that nobody treats."""
    return Management(classes, np.arange(len(classes)), classes)


def management(
    network: Network, findings: Mapping[str, Any] | None = None, target: str = "tumour"
) -> Management:
    """Return the management groups of a network.

    Parameters
    ----------
    findings
        The patient for whom it is asked (site, size, metastasis); nothing known by default.
    """
    classes = network.variable(target).states
    model = network.treatment if target == "tumour" else None
    if model is None:
        return each_its_own(classes)
    from mesenbayes.treatment import TreatmentBelief

    known = network.diagnose({"findings": dict(findings or {})}).belief
    even = TreatmentBelief(
        tumour=dict.fromkeys(classes, 1 / len(classes)),
        genotype=known.genotype,
        findings=known.findings,
    )
    decision = model.decide(even, draws=_DRAWS)
    mean = decision.utility.mean(axis=-1)  # (options, treatment classes)
    weight = decision.class_probability.mean(axis=0)
    tumours = np.array([kind.tumour for kind in decision.classes])
    utility = np.full((len(decision.option_names), len(classes)), np.nan)
    for k, code in enumerate(classes):
        inside = tumours == code
        if inside.any():
            utility[:, k] = mean[:, inside] @ weight[inside] / weight[inside].sum()
    # A diagnosis without a treatment model of its own weighs what the average one does.
    unknown = np.isnan(utility).all(axis=0)
    utility[:, unknown] = utility[:, ~unknown].mean(axis=1, keepdims=True)
    best = np.array([f"{i}" for i in utility.argmax(axis=0)])
    labels = {option.name: option.label for option in decision.options}
    names = [labels.get(name, name) for name in decision.option_names]
    used = sorted(set(best), key=int)
    return Management(
        classes,
        np.array([used.index(b) for b in best], dtype=np.intp),
        tuple(names[int(b)] for b in used),
        decision.option_names,
        utility,
        decision.unit,
    )
