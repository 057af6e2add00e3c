"""Options of a case, and their utilities by tumour class and draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.treatment.case import PreparedCase
from mesenbayes.treatment.markov import Cohort, run_cohort
from mesenbayes.treatment.preferences import Preferences, value_years
from mesenbayes.treatment.states import STATES, ModelInput
from mesenbayes.treatment.strategy import BEST_SUPPORTIVE_CARE, Strategy, Systemic, systemic_for

LEAST_OPTION = 0.01
"""A tumour type opens its own options from this probability on."""


@dataclass(frozen=True, eq=False)
class OptionSet:
    """The options of a case with the cohort model of each class under each option.

    Parameters
    ----------
    models
        ``models[option][class]``.
    phases
        Ends of the phases of the models, in years.
    """

    setting: str
    names: tuple[str, ...]
    labels: dict[str, str]
    baselines: dict[str, str]
    not_offered: dict[str, str]
    models: tuple[tuple[ModelInput, ...], ...]
    phases: tuple[float, ...]


def case_options(case: PreparedCase, *, offer_all: bool = False) -> OptionSet:
    """Return the options of a case: strategies if localised, first lines if advanced."""
    if case.is_advanced:
        return _regimens(case)
    book = case.folder.strategies
    offered, left_out = book.offered(case.facts, LEAST_OPTION)
    if offer_all:
        offered, left_out = list(book.strategies), {}
    phases = _phases(offered)
    builder = case.builder(phases)
    systemics = _systemics(case)
    models = tuple(
        tuple(
            builder.localised(kind, strategy, systemic)
            for kind, systemic in zip(case.classes, systemics, strict=True)
        )
        for strategy in offered
    )
    return OptionSet(
        "localised",
        tuple(strategy.name for strategy in offered),
        {strategy.name: strategy.label for strategy in offered},
        {strategy.name: strategy.baseline for strategy in offered},
        left_out,
        models,
        phases,
    )


def _systemics(case: PreparedCase) -> list[Systemic]:
    return [
        systemic_for(case.folder.regimens, k.tumour, k.group, k.genotype, case.facts)
        for k in case.classes
    ]


def _regimens(case: PreparedCase) -> OptionSet:
    """Return every first line of a type that is possible, and no treatment."""
    systemics = _systemics(case)
    labels = {BEST_SUPPORTIVE_CARE: "Best supportive care"}
    share = case.weights.mean(axis=0)
    for k in np.argsort(-share, kind="stable"):
        if share[k] >= LEAST_OPTION:
            for name, row in systemics[k].by_name.items():
                if row.pfs_months is not None:
                    labels.setdefault(name, row.label[0].upper() + row.label[1:])
    phases = (math.inf,)
    builder = case.builder(phases)
    models = tuple(
        tuple(
            builder.advanced(kind, name, systemic)
            for kind, systemic in zip(case.classes, systemics, strict=True)
        )
        for name in labels
    )
    baselines = dict.fromkeys(labels, BEST_SUPPORTIVE_CARE)
    return OptionSet("advanced", tuple(labels), labels, baselines, {}, models, phases)


def run_models(
    case: PreparedCase,
    models: Sequence[ModelInput],
    phases: Sequence[float],
    *,
    keep_trace: bool = False,
) -> Cohort:
    """Run cohort models in one pass; arrays become (models, draws)."""
    n = case.parameters.size
    zero = np.zeros(n)

    def stack(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64]:
        return np.stack([np.broadcast_to(zero if p is None else p, (n,)) for p in parts])

    begun = dict.fromkeys(state for model in models for state in model.start)
    start = {state: stack([model.start.get(state) for model in models]) for state in begun}
    timed = []
    for position, end in enumerate(phases):
        moves = dict.fromkeys(move for model in models for move in model.rates[position])
        rates = {m: stack([model.rates[position].get(m) for model in models]) for m in moves}
        timed.append((end, rates))
    return run_cohort(
        STATES, start, timed, case.settings, mortality=case.mortality, keep_trace=keep_trace
    )


def utilities(
    case: PreparedCase, options: OptionSet, preferences: Preferences
) -> NDArray[np.float64]:
    """Return U(option, class, draw)."""
    flat = [model for row in options.models for model in row]
    cohort = run_models(case, flat, options.phases)
    tumours = [kind.tumour for _ in options.names for kind in case.classes]
    values = value_years(cohort, flat, tumours, case.parameters, preferences)
    return values.reshape(len(options.names), len(case.classes), -1)


def _phases(offered: Sequence[Strategy]) -> tuple[float, ...]:
    """Return the ends of the phases: whenever some strategy stops its drug."""
    ends = sorted({s.imatinib_years for s in offered if s.imatinib_years > 0})
    return (*ends, math.inf)
