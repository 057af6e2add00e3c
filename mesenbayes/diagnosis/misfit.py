"""Whether any modelled diagnosis fits: the case against simulated cases taken for the same.

Cases are simulated from the modelled tumours at the same place, found in the same way and with
the same things looked at, each tumour as common as it is there; those with the same leading
diagnosis s are what this case is compared with. Most of them are cases of s, some are cases of
others that look like s, as in life. Three things are compared:

    none      P(none of the modelled diagnoses | e), large when the findings suit no one
    whole     ln P(e | s), small when the findings as a whole are unusual
    hallmark  sum of the two smallest ln P(f | s): findings that s does not have

Their tails p_k are combined as Fisher (1932) has it, F = - sum ln p_k, and because the three
are not independent the tail of F is again counted among the simulated cases.
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

ODD = 0.04
"""A case is said to fit no modelled diagnosis when fewer of their own cases fit as badly."""
_TUMOURS = 8
"""Tumours that are drawn from: the most probable ones, half of the draws from the leading one."""


@dataclass(frozen=True)
class Misfit:
    """How the case compares with cases that are taken for the same diagnosis.

    Parameters
    ----------
    tail
        Share of the simulated cases with this leading diagnosis that fit at least as badly.
    none, whole, hallmark
        The same for each of the three measures.
    diagnosis
        The leading one of the modelled diagnoses.
    compared
        Simulated cases compared with.
    """

    tail: float
    none: float
    whole: float
    hallmark: float
    diagnosis: str
    compared: int

    @property
    def is_odd(self) -> bool:
        """Whether the findings fit none of the modelled diagnoses as their own cases do."""
        return self.tail < ODD

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        if not self.is_odd:
            return f"The findings are as they come in cases taken for {self.diagnosis}."
        return (
            f"Among cases taken for {self.diagnosis} with the same things looked at, only about "
            f"one in {round(1 / self.tail):,} fits as badly: none of the modelled diagnoses may be "
            "right."
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
    share = np.where((np.arange(len(states)) == other) | (prior <= 0), 0.0, posterior)
    if share.sum() <= 0:
        return None
    lead = int(share.argmax())
    drawn_from = [int(i) for i in np.argsort(-share)[:_TUMOURS] if share[i] > 0]
    names = [network.variables[c].name for c in columns]
    rate = _rates(network, compiled, setting, target, names, lead)
    rest = max(simulations // (2 * max(len(drawn_from) - 1, 1)), 1)
    cases, weight = [own[None]], [np.ones(1)]
    for state in drawn_from:
        size = simulations - simulations // 2 if state == lead else rest
        part = sample_codes(network, size, rng, {**fixed, target: state})
        made = np.tile(setting, (size, 1))
        made[:, columns] = part[:, columns]
        cases.append(made)
        weight.append(np.full(size, prior[state] / size))
    batch = np.concatenate(cases)
    result = compiled.run(batch, targets=(target,), on_impossible="nan")
    after = np.nan_to_num(result.posterior[target], nan=0.0)
    modelled = np.where(np.arange(len(states)) == other, -1.0, after)
    same = modelled.argmax(axis=1) == lead
    with np.errstate(divide="ignore", invalid="ignore"):
        # ln P(e | s) up to the setting's constant: P(e) P(s | e) / P(s).
        whole = result.log_evidence[same] + np.log(after[same, lead])
    logs = np.stack([rate[n][batch[same][:, c]] for n, c in zip(names, columns, strict=True)], 1)
    hallmark = np.sort(logs, axis=1)[:, :2].sum(axis=1)
    weights = np.concatenate(weight)[same]
    # The case itself counts as one of its own diagnosis, so that no tail is 0.
    weights[0] = prior[lead] / (simulations - simulations // 2)
    measures = np.nan_to_num(np.stack([after[same, other], -whole, -hallmark]), nan=np.inf)
    tails = np.stack([_tails(m, weights) for m in measures])
    fisher = -np.log(tails).sum(axis=0)
    return Misfit(
        float(_tails(fisher, weights)[0]), float(tails[0, 0]), float(tails[1, 0]),
        float(tails[2, 0]), states[lead], int(same.sum()) - 1,
    )  # fmt: skip


def _tails(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return for each value the weighted share of values at least as large, itself included."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    above = np.append(weights[order][::-1].cumsum()[::-1], 0.0)
    # Rounding must not separate equal values.
    slack = 1e-9 * np.maximum(np.abs(values), 1.0)
    slack[~np.isfinite(slack)] = 0.0
    return np.asarray(above[np.searchsorted(ordered, values - slack, side="left")] / above[0])


def _rates(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    setting: IntArray,
    target: str,
    names: list[str],
    state: int,
) -> dict[str, FloatArray]:
    """Return ln P(f | state of the target, setting) of every finding: name -> (states of f,)."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    case = setting[None].copy()
    case[0, position[target]] = state
    answer = compiled.run(case, targets=tuple(names)).posterior
    return {name: np.log(np.maximum(answer[name][0], 1e-12)) for name in names}
