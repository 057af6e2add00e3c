"""Whether any modelled diagnosis fits: the case against simulated cases taken for the same.

Cases are simulated from the modelled tumours at the same place, found in the same way and with
the same things looked at, each tumour as common as it is there; those with the same leading
diagnosis s are what this case is compared with. Most of them are cases of s, some are cases of
others that look like s, as in life. Three things are compared:

    none      P(none of the modelled diagnoses | e), large when the findings suit no one
    relative  ln of the mean over tumours t and shares rho of
                  product over findings of (1 - rho) P(f | t) + rho P(f | none)
              against ln of sum over t of P(t) product of P(f | t): large when the findings
              suit an unknown relative of some t that differs from it in a share rho of its
              findings better than they suit any t itself
    hallmark  sum of the two smallest ln P(f | s): findings that s does not have

How much a relative differs is not known, so all shares rho count alike. The products take the
findings as independent given the tumour, which the comparison with simulated cases makes good.
The tails p_k are combined as Fisher (1932) has it, F = - sum ln p_k, and because the three
are not independent the tail of F is again counted among the simulated cases.

A known tumour of which several stains went wrong is no unknown tumour, and yet it does not fit.
So a fourth thing is compared by itself:

    whole     ln P(e | s), very small when the findings as a whole are unheard of
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
"""A case is said to fit no modelled diagnosis when fewer of their own cases fit as badly. One in
a hundred modelled cases has none of these in the lead; the two make up the 5 % of false alarms."""
UNHEARD_OF = 0.005
"""The same for the findings as a whole; the bound of the conflict measure."""
_TUMOURS = 8
"""Tumours that are drawn from: the most probable ones, half of the draws from the leading one."""
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares rho of the findings in which a relative differs: middles of five equal parts."""
_LEAST = 1e-12
"""A finding ruled out by definition counts as this improbable, so that sums stay finite."""


@dataclass(frozen=True)
class Misfit:
    """How the case compares with cases that are taken for the same diagnosis.

    Parameters
    ----------
    tail
        Share of the simulated cases with this leading diagnosis that fit at least as badly.
    none, relative, hallmark
        The same for each of the three measures that `tail` combines.
    whole
        The same for the probability of the findings as a whole.
    diagnosis
        The leading one of the modelled diagnoses.
    compared
        Simulated cases compared with.
    """

    tail: float
    none: float
    relative: float
    hallmark: float
    whole: float
    diagnosis: str
    compared: int

    @property
    def fit(self) -> float:
        """The smaller of the two tails."""
        return min(self.tail, self.whole)

    @property
    def is_odd(self) -> bool:
        """Whether the findings fit none of the modelled diagnoses as their own cases do."""
        return self.tail < ODD or self.whole < UNHEARD_OF

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        if not self.is_odd:
            return f"The findings are as they come in cases taken for {self.diagnosis}."
        among = f"Among cases taken for {self.diagnosis} with the same things looked at, only about"
        if self.tail < ODD:
            return (
                f"{among} one in {round(1 / self.tail):,} fits as badly: none of the modelled "
                "diagnoses may be right."
            )
        return f"{among} one in {round(1 / self.whole):,} has findings as improbable together."


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
    names = [network.variables[c].name for c in columns]
    rate = _log_rates(network, compiled, setting, target, names)
    relative, hallmark = _compare(rate, batch[same][:, columns], prior, lead, other)
    weights = np.concatenate(weight)[same]
    # The case itself counts as one of its own diagnosis, so that no tail is 0.
    weights[0] = prior[lead] / (simulations - simulations // 2)
    # ln P(e | s) up to the setting's constant: P(e) P(s | e) / P(s).
    whole = result.log_evidence[same] + np.log(after[same, lead])
    tails = np.stack([_tails(m, weights) for m in (after[same, other], relative, -hallmark)])
    fisher = -np.log(tails).sum(axis=0)
    return Misfit(
        float(_tails(fisher, weights)[0]), float(tails[0, 0]), float(tails[1, 0]),
        float(tails[2, 0]), float(_tails(-whole, weights)[0]), states[lead], int(same.sum()) - 1,
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


def _log_rates(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    setting: IntArray,
    target: str,
    names: list[str],
) -> list[FloatArray]:
    """Return ln P(f | state of the target, setting) of each finding, (states of f, targets)."""
    column = [v.name for v in network.variables].index(target)
    states = len(network.variables[column].states)
    cases = np.tile(setting, (states, 1))
    cases[:, column] = np.arange(states)
    answer = compiled.run(cases, targets=tuple(names), on_impossible="nan").posterior
    return [np.log(np.maximum(np.nan_to_num(answer[name]), _LEAST)).T for name in names]


def _compare(
    rate: list[FloatArray], codes: IntArray, prior: FloatArray, lead: int, other: int
) -> tuple[FloatArray, FloatArray]:
    """Return the measures "relative" and "hallmark" of cases, each (cases,).

    Parameters
    ----------
    rate : (states of f, targets) each
        ln P(f | target) of every finding.
    codes : (cases, findings)
    prior : (targets,)
    lead, other
        Numbers of the leading diagnosis and of none of these.
    """
    modelled = np.flatnonzero((prior > 0) & (np.arange(len(prior)) != other))
    share = prior[modelled] / prior[modelled].sum()
    suits_one = _log_mean(_total([r[:, modelled] for r in rate], codes) + np.log(share))
    suits_relative = []
    for rho in _SHARES:
        mixed = [
            np.log((1 - rho) * np.exp(r[:, modelled]) + rho * np.exp(r[:, [other]])) for r in rate
        ]
        suits_relative.append(_log_mean(_total(mixed, codes)))
    relative = _log_mean(np.stack(suits_relative, axis=1)) - suits_one
    of_lead = np.stack([r[codes[:, f], lead] for f, r in enumerate(rate)], axis=1)
    hallmark = np.sort(of_lead, axis=1)[:, :2].sum(axis=1)
    return relative, hallmark


def _total(rate: list[FloatArray], codes: IntArray) -> FloatArray:
    """Return the sums of ln P(f | target) over the findings, (cases, targets)."""
    return np.asarray(np.sum([r[codes[:, f]] for f, r in enumerate(rate)], axis=0))


def _log_mean(logs: FloatArray) -> FloatArray:
    """Return ln of the mean of exp over the last axis, up to the constant of its length."""
    top = logs.max(axis=-1)
    return np.asarray(top + np.log(np.exp(logs - top[..., None]).sum(axis=-1)))
