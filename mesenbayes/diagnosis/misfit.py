"""Whether any modelled diagnosis fits: the case against simulated cases taken for the same.

Cases are simulated from the modelled tumours at the same place, found in the same way and with
the same things looked at, each tumour as common as it is there; those with the same leading
diagnosis s are what this case is compared with. Most of them are cases of s, some are cases of
others that look like s, as in life. Three things are compared, each by the share of simulated
cases that do as badly (its tail):

    relative  ln of the mean over tumours t and shares rho of
                  product over findings of (1 - rho) P(f | t) + rho P(f | none)
              against ln of sum over t of P(t) product of P(f | t): large when the findings
              suit an unknown relative of some t that differs from it in a share rho of its
              findings better than they suit any t itself
    hallmark  sum of the two smallest ln P(f | s): findings that s does not have
    whole     ln P(e | s): the findings as a whole

How much a relative differs is not known, so all shares rho count alike. The products take the
findings as independent given the tumour, which the comparison with simulated cases makes good.

An unknown tumour is suspected where P(none of the modelled diagnoses | e) is large for how well
the leading diagnosis fits:

    P(none | e) / (tail of relative x tail of hallmark) > UNKNOWN

A known tumour of which several stains went wrong is no unknown tumour, and yet it does not fit:
the tail of the whole says so by itself.
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

UNKNOWN = 11.0
"""Above this an unknown tumour is suspected. So that, with none of these in the lead and the
tails of whole and conflict, 5 % of 1,260 simulated cases of modelled tumours (30 of each, seed
77, stated as in `none_of_these`) are called odd."""
UNHEARD_OF = 0.002
"""Below this the findings as a whole are called odd: one in five hundred."""
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
    none
        P(none of the modelled diagnoses | e), e being the certain findings.
    relative, hallmark, whole
        Share of the simulated cases with this leading diagnosis that do at least as badly.
    diagnosis
        The leading one of the modelled diagnoses.
    compared
        Simulated cases compared with.
    """

    none: float
    relative: float
    hallmark: float
    whole: float
    diagnosis: str
    compared: int

    @property
    def suspicion(self) -> float:
        """P(none | e) over the tails of relative and hallmark."""
        return self.none / (self.relative * self.hallmark)

    @property
    def fit(self) -> float:
        """The smallest tail: how well the worst of the three fits."""
        return min(self.relative, self.hallmark, self.whole)

    @property
    def is_odd(self) -> bool:
        """Whether the findings fit none of the modelled diagnoses as their own cases do."""
        return self.suspicion > UNKNOWN or self.whole < UNHEARD_OF

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        if not self.is_odd:
            return f"The findings are as they come in cases taken for {self.diagnosis}."
        once = f"{round(1 / self.fit):,}"
        among = f"cases taken for {self.diagnosis} with the same things looked at"
        if self.suspicion > UNKNOWN:
            return (
                f"Only about one in {once} {among} fits as badly, and none of the modelled "
                f"diagnoses has {self.none:.1%}: this may be a tumour that the network does not "
                "know."
            )
        return f"Only about one in {once} {among} has findings as improbable together."


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
    return Misfit(
        none=float(posterior[other]),
        relative=_tail(relative, weights),
        hallmark=_tail(-hallmark, weights),
        whole=_tail(-whole, weights),
        diagnosis=states[lead],
        compared=int(same.sum()) - 1,
    )


def _tail(values: FloatArray, weights: FloatArray) -> float:
    """Return the weighted share of values at least as large as the first, itself included."""
    # Rounding must not separate equal values.
    slack = 1e-9 * max(abs(values[0]), 1.0)
    return float(weights[values >= values[0] - slack].sum() / weights.sum())


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
