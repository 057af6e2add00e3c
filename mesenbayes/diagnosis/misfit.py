"""Does any modelled diagnosis fit: the case against simulated cases of its own diagnosis.

If the leading modelled diagnoses are right, the case is a draw from them. Three things are
compared with 1000 such draws in which the same things were looked at, at the same place and
found in the same way:

    none      P(none of the modelled diagnoses | e), large when the findings suit no one
    whole     ln P(e | leading diagnoses), small when the findings as a whole are unusual
    hallmark  sum of the two smallest ln P(f | leading diagnosis): findings that it does not have

Their tails p_k are combined as Fisher (1932) has it, F = - sum ln p_k, and because the three
are not independent the tail of F is again counted among the draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.structure import OTHER

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

ODD = 0.03
"""A case is said to fit no modelled diagnosis when fewer of their own cases fit as badly."""
_CONSIDERED = 0.05
"""Diagnoses at least this probable (none of these aside) are drawn from."""


@dataclass(frozen=True)
class Misfit:
    """How the case compares with cases of the diagnoses it is taken for.

    Parameters
    ----------
    tail
        Share of their simulated cases that fit at least as badly.
    none, whole, hallmark
        The same for each of the three measures.
    diagnoses
        The diagnoses compared with, and their shares.
    """

    tail: float
    none: float
    whole: float
    hallmark: float
    diagnoses: tuple[tuple[str, float], ...]

    @property
    def is_odd(self) -> bool:
        """Whether the findings fit none of the modelled diagnoses as their own cases do."""
        return self.tail < ODD

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        names = " or ".join(code for code, _ in self.diagnoses[:3])
        if not self.is_odd:
            return f"The findings are as they come in {names}."
        return (
            f"Among cases of {names} with the same things looked at, only about one in "
            f"{round(1 / self.tail):,} fits as badly: none of the modelled diagnoses may be right."
        )


def measure_misfit(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    own: IntArray,
    fixed: dict[str, int],
    columns: list[int],
    target: str,
    *,
    simulations: int,
    rng: np.random.Generator,
) -> Misfit | None:
    """Return the misfit of a case; None if the network has no state for none of these.

    Parameters
    ----------
    own : (variables,)
        The setting and the certain findings.
    fixed
        The setting: variable -> state.
    columns
        Numbers of the variables of the findings.
    """
    states = network.variable(target).states
    position = {v.name: i for i, v in enumerate(network.variables)}
    if OTHER not in states or position[target] in columns:
        return None
    other = states.index(OTHER)
    setting = np.full_like(own, -1)
    for name, code in fixed.items():
        setting[position[name]] = code
    prior = compiled.run(setting[None], targets=(target,)).posterior[target][0]
    posterior = compiled.run(own[None], targets=(target,)).posterior[target][0]
    share = np.where(np.arange(len(states)) == other, 0.0, posterior)
    if share.sum() <= 0:
        return None
    share = share / share.sum()
    share = np.where(share >= min(_CONSIDERED, share.max()), share, 0.0)
    share = share / share.sum()
    names = [network.variables[c].name for c in columns]
    rate = _rates(network, compiled, setting, target, names, np.flatnonzero(share))
    drawn = []
    for state, size in enumerate(rng.multinomial(simulations, share)):
        if size:
            part = sample_codes(network, int(size), rng, {**fixed, target: state})
            cases = np.tile(setting, (int(size), 1))
            cases[:, columns] = part[:, columns]
            drawn.append(cases)
    cases = np.concatenate([own[None], *drawn])
    result = compiled.run(cases, targets=(target,), on_impossible="nan")
    after, log_evidence = result.posterior[target], result.log_evidence
    with np.errstate(divide="ignore", invalid="ignore"):
        # P(e | s) up to the setting's constant: P(e) P(s | e) / P(s).
        by_state = np.where(share > 0, after * share / np.maximum(prior, 1e-300), 0.0)
        whole = log_evidence + np.log(by_state.sum(axis=1))
    lead = np.where(share > 0, after, -1.0).argmax(axis=1)
    logs = np.stack(
        [rate[name][lead, cases[:, c]] for name, c in zip(names, columns, strict=True)], axis=1
    )
    hallmark = np.sort(logs, axis=1)[:, :2].sum(axis=1)
    measures = np.stack([after[:, other], -whole, -hallmark])
    measures = np.nan_to_num(measures, nan=np.inf)
    tails = np.stack([_tails(m) for m in measures])
    fisher = -np.log(tails).sum(axis=0)
    kept = [(states[i], float(share[i])) for i in np.argsort(-share) if share[i] > 0]
    return Misfit(
        float(_tails(fisher)[0]), float(tails[0, 0]), float(tails[1, 0]), float(tails[2, 0]),
        tuple(kept),
    )  # fmt: skip


def _tails(values: FloatArray) -> FloatArray:
    """Return for each value the share of values at least as large, itself included."""
    ordered = np.sort(values)
    # Rounding must not separate equal values.
    slack = 1e-9 * np.maximum(np.abs(values), 1.0)
    slack[~np.isfinite(slack)] = 0.0
    return np.asarray(
        (len(values) - np.searchsorted(ordered, values - slack, side="left")) / len(values)
    )


def _rates(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    setting: IntArray,
    target: str,
    names: list[str],
    states: IntArray,
) -> dict[str, FloatArray]:
    """Return ln P(f | state of the target, setting) for some states: name -> (states, f)."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    cases = np.tile(setting, (len(states), 1))
    cases[:, position[target]] = states
    answer = compiled.run(cases, targets=tuple(names)).posterior
    size = network.variable(target).cardinality
    tables = {}
    for name in names:
        table = np.zeros((size, network.variable(name).cardinality))
        table[states] = np.log(np.maximum(answer[name], 1e-12))
        tables[name] = table
    return tables
