"""What the treatment model says each option is worth, for every tumour class and draw.

The bridge to :mod:`mesenbayes.treatment`: options are those of the decision at hand, and stay
so while probabilities are varied; classes are the hypotheses of the problem.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.network.structure import GENOTYPE, TUMOUR
from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Hypothesis, Problem, Progress, silent
from mesenbayes.treatment import Decision
from mesenbayes.treatment.case import PreparedCase, prepare, tumour_classes
from mesenbayes.treatment.evaluate import LEAST_OPTION, case_options, utilities
from mesenbayes.treatment.parameters import Parameters
from mesenbayes.treatment.preferences import Preferences

if TYPE_CHECKING:
    from mesenbayes.report.diagnosis import Diagnosis

_CHUNK = 1000
"""Parameter draws evaluated at once."""


@dataclass(frozen=True, eq=False)
class OutcomeDraws:
    """Draws of every outcome parameter of a case, and the utilities that follow.

    Attributes
    ----------
    utility : (options, hypotheses, draws)
        NaN for hypotheses that were left out as negligible.
    parameters : name -> (draws,)
        The numbers of the treatment model that vary.
    """

    options: tuple[str, ...]
    utility: FloatArray = field(repr=False)
    parameters: dict[str, FloatArray] = field(repr=False)


def treatment_choice(diagnosis: Diagnosis, problem: Problem) -> Choice:
    """Return the choice between the treatment options of a diagnosis.

    Utilities of the classes that the decision weighed are its means over parameter draws;
    those of classes too rare to enter it are computed at the stated parameter values.

    Raises
    ------
    CaseError
        If the network has no treatment model.
    """
    decision = _decision(diagnosis)
    case = _prepared(diagnosis, 1, None)
    options = case_options(case)
    stated = utilities(case, options, Preferences.of("qaly"))[:, :, 0]
    order = [options.names.index(name) for name in decision.option_names]
    column = {hypothesis_of(kind.tumour, kind.genotype): k for k, kind in enumerate(case.classes)}
    value = np.stack(
        [stated[order, _column(column, h)] for h in problem.hypotheses], axis=1
    )
    for k, kind in enumerate(decision.classes):
        found = hypothesis_of(kind.tumour, kind.genotype)
        if found in problem.hypotheses:
            value[:, problem.hypotheses.index(found)] = decision.utility[:, k].mean(axis=-1)
    return Choice(
        "treatment",
        decision.option_names,
        value,
        float(case.folder.parameters.get("indifference")[0]),
        decision.unit,
        {option.name: option.label for option in decision.options},
    )


def outcome_draws(
    diagnosis: Diagnosis,
    problem: Problem,
    kept: NDArray[np.bool_],
    size: int,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> OutcomeDraws:
    """Draw the outcome parameters and return the utilities.

    Parameters
    ----------
    kept : (hypotheses,)
        True for the hypotheses whose utilities are wanted.
    size
        Number of draws.
    """
    decision = _decision(diagnosis)
    case = _prepared(diagnosis, size, rng)
    column = {hypothesis_of(kind.tumour, kind.genotype): k for k, kind in enumerate(case.classes)}
    wanted = [h for h, keep in zip(problem.hypotheses, kept, strict=True) if keep]
    used = sorted({_column(column, h) for h in wanted})
    # Classes that open options of their own take part in listing the options.
    opens = set(np.flatnonzero(case.weights[0] >= LEAST_OPTION).tolist())
    few = sorted(opens | set(used))
    case = replace(
        case, classes=tuple(case.classes[k] for k in few), weights=case.weights[:, few]
    )
    rows = [few.index(k) for k in used]
    answer = np.full((len(decision.option_names), len(problem.hypotheses), size), np.nan)

    def evaluate(begin: int) -> tuple[slice, FloatArray]:
        part = slice(begin, min(begin + _CHUNK, size))
        piece = _part(case, part)
        options = case_options(piece)
        order = [options.names.index(name) for name in decision.option_names]
        return part, utilities(piece, options, Preferences.of("qaly"))[order][:, rows]

    # Everything was drawn above, so the order in which threads finish changes nothing.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for done, (part, values) in enumerate(pool.map(evaluate, range(0, size, _CHUNK)), 1):
            for h in wanted:
                column_of = used.index(_column(column, h))
                answer[:, problem.hypotheses.index(h), part] = values[:, column_of]
            progress(min(done * _CHUNK, size), size)
    varying = {
        _parameter_name(record.text("name"), *(record.text(c) for c in _KEYS)): values
        for record, values in zip(case.parameters.records, case.parameters.values, strict=True)
        if np.ptp(values) > 0
    }
    varying["adjuvant recurrence rate"], varying["adjuvant cure per year"] = case.fit
    varying |= {f"median of {name}": v for name, v in case.deviates.items() if np.ptp(v) > 0}
    return OutcomeDraws(decision.option_names, answer, varying)


_KEYS = ("tumour", "genotype", "setting")


def _parameter_name(name: str, *about: str) -> str:
    words = [w for w in about if w and w != "any"]
    return f"{name} ({', '.join(words)})" if words else name


def hypothesis_of(tumour: str, genotype: str) -> Hypothesis:
    """Return the hypothesis that a tumour class of the treatment model stands for."""
    return (GENOTYPE, genotype) if genotype not in ("", "unknown") else (TUMOUR, tumour)


def _column(column: dict[Hypothesis, int], hypothesis: Hypothesis) -> int:
    if hypothesis in column:
        return column[hypothesis]
    if hypothesis[0] == GENOTYPE:
        # A case without a trace of the tumour: its genotypes were not told apart.
        typed = [k for h, k in column.items() if h[0] == GENOTYPE]
        whole = [k for h, k in column.items() if h == (TUMOUR, "GIST")]
        if typed or whole:
            return (typed or whole)[0]
    raise CaseError(f"the treatment model does not know {hypothesis[0]} {hypothesis[1]}")


def _decision(diagnosis: Diagnosis) -> Decision:
    decision = diagnosis.decision
    if decision is None:
        raise CaseError(f"the network {diagnosis.network.name} has no treatment model")
    return decision


def _prepared(
    diagnosis: Diagnosis, size: int, rng: np.random.Generator | None
) -> PreparedCase:
    """Return the case with every class in it, however rare."""
    model = diagnosis.network.treatment
    if model is None:
        raise CaseError(f"the network {diagnosis.network.name} has no treatment model")
    belief = diagnosis.belief
    case = prepare(model.folder, belief, draws=size, rng=rng)
    classes = tumour_classes(model.folder, belief)
    weights = np.array(
        [
            belief.tumour[kind.tumour]
            * belief.genotype.get(kind.genotype, 1.0)
            for kind in classes
        ]
    )
    return replace(case, classes=classes, weights=np.tile(weights, (case.parameters.size, 1)))


def _part(case: PreparedCase, part: slice) -> PreparedCase:
    """Return some of the draws of a case."""
    p = case.parameters
    return replace(
        case,
        parameters=Parameters(p.records, p.groups, p.values[:, part], p._index),
        fit=(case.fit[0][part], case.fit[1][part]),
        deviates={name: values[part] for name, values in case.deviates.items()},
        weights=case.weights[part],
    )
