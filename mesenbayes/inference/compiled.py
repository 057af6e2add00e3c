"""Questions to a network, in its own names.

See :mod:`mesenbayes.inference.plan` for how they are computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.errors import UnknownFinding, nearest
from mesenbayes.inference import explanation, gradient, posterior
from mesenbayes.inference.arrays import array_library
from mesenbayes.inference.evidence import check_evidence
from mesenbayes.inference.factors import Question, Skeleton
from mesenbayes.inference.frame import encode
from mesenbayes.inference.plan import Plan
from mesenbayes.inference.posterior import OnImpossible, Posteriors, Target
from mesenbayes.inference.prepare import Planner
from mesenbayes.inference.semiring import sum_product
from mesenbayes.network.network import Network

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]


def compile_network(
    network: Network, memory_limit: int = 2**30, arrays: str = "numpy"
) -> CompiledNetwork:
    """Return `network` ready to answer batches of questions.

    Parameters
    ----------
    memory_limit
        Bytes that the tables of one question may occupy; batches are cut to fit. A
        question that does not fit for a single case raises TooLarge before it allocates.
    arrays
        Library that holds the tables: ``numpy``, or one that follows it on a GPU (``jax``,
        ``cupy``); see :mod:`mesenbayes.inference.arrays`. Answers are numpy arrays.
    """
    return CompiledNetwork(network, memory_limit, arrays)


class CompiledNetwork:
    """A network whose plans are made once and run on batches.

    Evidence is the same everywhere: ``codes`` (cases, variables) holds state indices in
    the order of ``network.variables``, -1 where not observed; ``likelihoods`` maps a
    variable to (cases, states), P(what was seen | state) up to a factor.
    """

    def __init__(
        self, network: Network, memory_limit: int = 2**30, arrays: str = "numpy"
    ) -> None:
        self.network = network
        self.memory_limit = memory_limit
        self.skeleton = Skeleton.of(network)
        self._number = {name: i for i, name in enumerate(self.skeleton.names)}
        self.usual = self._usual()
        semiring = sum_product(array_library(arrays))
        self.planner = Planner(self.skeleton, self.usual, memory_limit, semiring)

    def _usual(self) -> Question:
        """Return the question most asked: what tumour, whatever findings there are."""
        by_role: dict[str, set[int]] = {}
        for i, variable in enumerate(self.network.variables):
            by_role.setdefault(variable.role, set()).add(i)
        asked = sorted(by_role.get("tumour", set()) | by_role.get("genotype", set()))
        seen = frozenset(by_role.get("finding", set()) | by_role.get("specimen", set()))
        return Question(seen, seen, outputs=tuple(frozenset((v,)) for v in asked))

    @property
    def plan(self) -> Plan:
        """The plan for tumour and genotype from any findings; printable, nothing computed."""
        return self.planner.plan(self.usual)

    def numbers(self, target: Target) -> tuple[int, ...]:
        """Return the variable numbers of a target; UnknownFinding if there is none."""
        names = (target,) if isinstance(target, str) else target
        for name in names:
            if name not in self._number:
                raise UnknownFinding(name, nearest(name, self._number))
        return tuple(self._number[name] for name in names)

    def run(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        targets: Sequence[Target] = (),
        tables: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> Posteriors:
        """Return ln P(e) and the posteriors of `targets` for a batch.

        Parameters
        ----------
        targets
            Variable names, or tuples of them for a joint posterior.
        tables
            Variable -> (draws, *parents, states): draws of whole tables in place of the
            means. Then there must be one case, and the draws are the batch.
        on_impossible
            ``raise`` ImpossibleEvidence, or answer ``nan`` for that case.
        """
        evidence = check_evidence(self.network, codes, likelihoods)
        return posterior.posteriors(self, evidence, targets, tables, on_impossible)

    def run_frame(
        self,
        frame: pd.DataFrame,
        targets: Sequence[Target],
        on_impossible: OnImpossible = "raise",
    ) -> dict[Target, pd.DataFrame]:
        """Return the posterior of each target for a frame of cases by findings.

        Entries are state names, missing where not observed; the index is kept, and the
        columns of an answer are the states.
        """
        answer = self.run(encode(self.network, frame), None, targets, None, on_impossible)
        return {t: answer.to_frame(t, frame.index) for t in targets}

    def marginals(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> dict[str, FloatArray]:
        """Return the posterior of every variable: name -> (cases, states)."""
        evidence = check_evidence(self.network, codes, likelihoods)
        answers, logs = gradient.marginals_and_retractions(self, evidence, retract=False)
        posterior.settle_impossible(self, evidence, logs, answers, None, on_impossible)
        return answers

    def retractions(
        self, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
    ) -> dict[str, FloatArray]:
        """Return P(x | e without what is known of x) of every variable with evidence.

        Name -> (cases, states); NaN where even the remaining evidence is impossible. In a
        case that knows nothing of x it is the posterior.
        """
        evidence = check_evidence(self.network, codes, likelihoods)
        return gradient.marginals_and_retractions(self, evidence, retract=True)[0]

    def pairwise(
        self,
        codes: ArrayLike,
        target: str,
        findings: Sequence[str],
        likelihoods: Mapping[str, ArrayLike] | None = None,
        on_impossible: OnImpossible = "raise",
    ) -> dict[str, FloatArray]:
        """Return P(target, finding | e) for each finding: name -> (cases, states, states)."""
        pairs = [(target, finding) for finding in findings]
        answer = self.run(codes, likelihoods, pairs, on_impossible=on_impossible)
        return {f: answer.posterior[(target, f)] for f in findings}

    def gradient(
        self,
        codes: ArrayLike,
        likelihoods: Mapping[str, ArrayLike] | None = None,
        hypothesis: tuple[str, int | str] | str | None = None,
    ) -> gradient.Gradient:
        """Return the derivative of P(e) and P(h, e) in every table entry.

        Parameters
        ----------
        hypothesis
            Variable and state; or a variable alone, for each of its states.
        """
        evidence = check_evidence(self.network, codes, likelihoods)
        return gradient.gradient(self, evidence, hypothesis)

    def most_probable_explanation(
        self, codes: ArrayLike, likelihoods: Mapping[str, ArrayLike] | None = None
    ) -> explanation.Explanation:
        """Return the most probable joint state of all variables given each case."""
        evidence = check_evidence(self.network, codes, likelihoods)
        return explanation.most_probable(self, evidence)
