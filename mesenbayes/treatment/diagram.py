"""The decision as an explicit influence diagram, for pyAgrum and GeNIe.

Chance node: the tumour class. Decision: the treatment. Utility: their table. Optionally a
test between them: a chance node that the treatment may depend on.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.treatment.decision import Decision
from mesenbayes.treatment.result import Result


@dataclass(frozen=True, eq=False)
class InfluenceDiagram(Result):
    """A decision with one chance node, one decision, one utility, and perhaps a test.

    Parameters
    ----------
    classes, options
        States of the chance node and of the decision.
    probability : (classes,)
        P(class).
    utility : (options, classes)
        U(option, class), the mean over parameter draws.
    test, results, likelihood
        Name and results of a test, and P(result | class), shape (classes, results).
    """

    classes: tuple[str, ...]
    options: tuple[str, ...]
    probability: NDArray[np.float64]
    utility: NDArray[np.float64]
    test: str = ""
    results: tuple[str, ...] = ()
    likelihood: NDArray[np.float64] | None = None

    def solve(self) -> tuple[float, dict[str, str]]:
        """Return the maximum expected utility, and the best option (after each result)."""
        if self.likelihood is None:
            expected = self.utility @ self.probability
            return float(expected.max()), {"": self.options[int(expected.argmax())]}
        joint = self.likelihood * self.probability[:, None]
        expected = self.utility @ joint
        best = {
            r: self.options[int(d)] for r, d in zip(self.results, expected.argmax(0), strict=True)
        }
        return float(expected.max(axis=0).sum()), best

    def with_test(
        self, name: str, results: tuple[str, ...], likelihood: NDArray[np.float64]
    ) -> InfluenceDiagram:
        """Return the diagram in which the treatment may wait for a test.

        Raises
        ------
        CaseError
            If the likelihood is not a distribution over results for every class.
        """
        table = np.asarray(likelihood, float)
        shape = (len(self.classes), len(results))
        if table.shape != shape or not np.allclose(table.sum(axis=1), 1) or (table < 0).any():
            raise CaseError(
                f"{name}: P(result | class) must be {shape[0]} rows of {shape[1]} that sum to 1"
            )
        return InfluenceDiagram(
            self.classes, self.options, self.probability, self.utility, name, results, table
        )

    def to_pyagrum(self) -> Any:
        """Return the diagram as a pyAgrum object (pyAgrum is an optional extra)."""
        with warnings.catch_warnings():
            # pyAgrum's SWIG classes warn while they are first loaded; where warnings are
            # errors the half-loaded library crashes the interpreter
            warnings.simplefilter("ignore")
            gum: Any = import_module("pyagrum")
            diagram = gum.InfluenceDiagram()
            variable = gum.LabelizedVariable
            diagram.addChanceNode(variable("tumour", "tumour class", list(self.classes)))
            diagram.addDecisionNode(variable("treatment", "treatment", list(self.options)))
            diagram.addUtilityNode(variable("utility", "utility", 1))
        diagram.addArc("tumour", "utility")
        diagram.addArc("treatment", "utility")
        diagram.cpt("tumour").fillWith(self.probability.tolist())
        if self.likelihood is not None:
            diagram.addChanceNode(variable(self.test, self.test, list(self.results)))
            diagram.addArc("tumour", self.test)
            diagram.addArc(self.test, "treatment")
            for k, row in enumerate(self.likelihood):
                diagram.cpt(self.test)[{"tumour": k}] = row.tolist()
        for d in range(len(self.options)):
            for k in range(len(self.classes)):
                at = {"treatment": d, "tumour": k}
                diagram.utility("utility")[at] = float(self.utility[d, k])
        return diagram

    def to_xdsl(self) -> str:
        """Return the diagram as a GeNIe file; the last parent varies fastest."""
        root = ElementTree.Element("smile", version="1.0", id="treatment", numsamples="10000")
        nodes = ElementTree.SubElement(root, "nodes")
        places: dict[str, tuple[str, int, int]] = {}

        def node(
            kind: str, name: str, states: tuple[str, ...], parents: str, **values: str
        ) -> None:
            element = ElementTree.SubElement(nodes, kind, id=name)
            for state in states:
                ElementTree.SubElement(element, "state", id=state)
            if parents:
                ElementTree.SubElement(element, "parents").text = parents
            for tag, text in values.items():
                ElementTree.SubElement(element, tag).text = text
            places[name] = (name, 60 + 160 * (len(places) % 2), 60 + 100 * len(places))

        node("cpt", "tumour", self.classes, "", probabilities=_numbers(self.probability))
        if self.likelihood is not None:
            node("cpt", self.test, self.results, "tumour", probabilities=_numbers(self.likelihood))
        node("decision", "treatment", self.options, self.test)
        node("utility", "utility", (), "treatment tumour", utilities=_numbers(self.utility))
        extensions = ElementTree.SubElement(root, "extensions")
        genie = ElementTree.SubElement(
            extensions, "genie", version="1.0", app="mesenbayes", name="treatment"
        )
        for name, (label, x, y) in places.items():
            place = ElementTree.SubElement(genie, "node", id=name)
            ElementTree.SubElement(place, "name").text = label
            ElementTree.SubElement(place, "position").text = f"{x} {y} {x + 110} {y + 50}"
        ElementTree.indent(root)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        return head + ElementTree.tostring(root, encoding="unicode") + "\n"

    def rows(self) -> list[dict[str, Any]]:
        """One row per option and class."""
        return [
            {"option": option, "class": kind, "probability": float(p), "utility": float(u)}
            for option, line in zip(self.options, self.utility, strict=True)
            for kind, p, u in zip(self.classes, self.probability, line, strict=True)
        ]


def influence_diagram(decision: Decision) -> InfluenceDiagram:
    """Return a decision as an influence diagram with the same expected utilities.

    U(d, k) = E[w_k U(d, k)] / E[w_k], so that the diagram's expectation is the decision's.
    """
    weights = decision.class_probability
    mean = np.einsum("dkn,nk->dk", decision.utility, weights) / weights.sum(axis=0)
    return InfluenceDiagram(
        classes=tuple(_identifier(kind.name) for kind in decision.classes),
        options=decision.option_names,
        probability=weights.mean(axis=0),
        utility=mean,
    )


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _numbers(values: NDArray[np.float64]) -> str:
    return " ".join(repr(float(value)) for value in np.ravel(values))
