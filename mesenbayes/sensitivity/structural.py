"""The same case asked of other networks: naive Bayes, perfect readings, other priors.

What a number is worth that hangs on a modelling choice is seen by making the other choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.errors import CaseError, nearest
from mesenbayes.inference import CompiledNetwork, compile_network
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Table
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_STRENGTH = 100.0
"""Strength of rows that are computed from the network: they are not studies."""


@dataclass(frozen=True, eq=False)
class Structural:
    """Answers of several networks, side by side.

    Attributes
    ----------
    posterior : (networks, states of the target)
    log_evidence : (networks,)
        How well each network foresaw the findings; comparable where they state the same ones.
    """

    networks: tuple[str, ...]
    states: tuple[str, ...]
    posterior: FloatArray = field(repr=False)
    log_evidence: FloatArray = field(repr=False)

    @property
    def agree(self) -> bool:
        """Whether all networks put the same state first."""
        return len({int(k) for k in self.posterior.argmax(axis=1)}) == 1

    def to_frame(self, shown: int = 8) -> pd.DataFrame:
        """Return one row for each of the `shown` most probable states, one column a network."""
        import pandas as pd

        order = np.argsort(-self.posterior.max(axis=0), kind="stable")[:shown]
        order = order[np.argsort(-self.posterior[0, order], kind="stable")]
        return pd.DataFrame(
            self.posterior[:, order].T,
            index=pd.Index([self.states[k] for k in order], name="diagnosis"),
            columns=pd.Index(self.networks, name="network"),
        )

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        first = self.posterior.argmax(axis=1)
        parts = [
            f"{name}: {self.states[k]} {self.posterior[i, k]:.2f}"
            for i, (name, k) in enumerate(zip(self.networks, first, strict=True))
        ]
        head = "All structures agree" if self.agree else "The structures disagree"
        return f"{head} ({'; '.join(parts)})."

    def plot(self, shown: int = 8, ax: Axes | None = None) -> Axes:
        """Draw the diagnoses, one mark for each network."""
        from mesenbayes.plots.tornado import plot_marks

        return plot_marks(self.to_frame(shown), ax)

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + self.to_frame().round(4).to_html()


def side_by_side(
    problem: Problem,
    target: str,
    networks: Mapping[str, BayesianNetwork] | Sequence[str] | None = None,
) -> Structural:
    """Answer the case with other networks.

    Parameters
    ----------
    target
        Variable that is asked about.
    networks
        Name -> a network with the same variables and states as far as the case states them, or
        names from :func:`alternatives`; by default all of these.

    Raises
    ------
    CaseError
        For a name that does not exist, or a network that lacks a stated finding.
    """
    known = alternatives(problem.network, target)
    if networks is None:
        chosen: Mapping[str, BayesianNetwork] = known
    elif isinstance(networks, Mapping):
        chosen = networks
    else:
        missing = [name for name in networks if name not in known]
        if missing:
            near = nearest(missing[0], known)
            raise CaseError(f"no structure '{missing[0]}'; there are {', '.join(near or known)}")
        chosen = {name: known[name] for name in networks}
    states = problem.network.variable(target).states
    names, rows, logs = [], [], []
    as_it_is = {"as it is": problem.network}
    for name, network in (*as_it_is.items(), *chosen.items()):
        compiled = problem.compiled if network is problem.network else compile_network(network)
        posterior, log_evidence = _answer(problem, network, compiled, target, name)
        names.append(name)
        rows.append(posterior)
        logs.append(log_evidence)
    return Structural(tuple(names), states, np.stack(rows), np.array(logs))


def _answer(
    problem: Problem, network: BayesianNetwork, compiled: CompiledNetwork, target: str, name: str
) -> tuple[FloatArray, float]:
    place = {v.name: i for i, v in enumerate(network.variables)}
    codes = np.full(len(network.variables), -1, dtype=np.intp)
    for v, code in zip(problem.network.variables, problem.codes, strict=True):
        if code < 0:
            continue
        if v.name not in place:
            raise CaseError(f"the network '{name}' has no {v.name}, which the case states")
        codes[place[v.name]] = network.variable(v.name).index(v.states[code])
    likelihoods = {k: u[None] for k, u in problem.likelihoods.items()}
    answer = compiled.run(codes[None], likelihoods, (target,), on_impossible="nan")
    return answer.posterior[target][0], float(answer.log_evidence[0])


def alternatives(network: BayesianNetwork, target: str) -> dict[str, BayesianNetwork]:
    """Return the other structures that a network offers, by name."""
    found = {"naive Bayes": naive_bayes(network, target)}
    if any(v.role == "latent" for v in network.variables):
        found["perfect readings"] = perfect_readings(network)
    found["flat prior"] = flat_prior(network, target)
    return found


def naive_bayes(network: BayesianNetwork, target: str) -> BayesianNetwork:
    """Return the star: every other variable depends on the target alone, as it does on average.

    Root parents of the target keep their place above it: they set its prior.
    """
    compiled = compile_network(network)
    above = set(network.tables[target].parents)
    names = [v.name for v in network.variables]
    others = [n for n in names if n != target and n not in above]
    blank = np.full((1, len(names)), -1, dtype=np.intp)
    pair = compiled.run(blank, targets=[(target, other) for other in others]).posterior
    tables = dict(network.tables)
    for other in others:
        joint = pair[(target, other)][0]
        total = joint.sum(axis=1, keepdims=True)
        mean = joint.sum(axis=0)
        given = np.where(total > 0, joint / np.where(total > 0, total, 1.0), mean)
        rows = tuple(Row(row * _STRENGTH, "borrowed", "mean of the network") for row in given)
        tables[other] = Table(other, (target,), rows, np.arange(len(rows), dtype=np.intp))
    order = [*(n for n in names if n in above), target, *others]
    return BayesianNetwork(
        f"{network.name}, naive", network.version, tuple(network.variable(n) for n in order), tables
    )


def perfect_readings(network: BayesianNetwork) -> BayesianNetwork:
    """Return the network in which a slide shows what the tumour expresses.

    Of each reading of a hidden antigen: absent gives the first state (negative), present gives
    the others in the proportions they have now.
    """
    tables = dict(network.tables)
    for variable in network.variables:
        table = network.tables[variable.name]
        hidden = [
            i for i, p in enumerate(table.parents) if network.variable(p).role == "latent"
        ]
        if len(hidden) != 1 or network.variable(table.parents[hidden[0]]).cardinality != 2:
            continue
        probability = np.moveaxis(table.probability, hidden[0], 0).copy()
        probability[0] = 0.0
        probability[0, ..., 0] = 1.0
        probability[1, ..., 0] = 0.0
        total = probability[1].sum(axis=-1, keepdims=True)
        probability[1] = np.where(total > 0, probability[1] / np.where(total > 0, total, 1), 0.5)
        probability = np.moveaxis(probability, 0, hidden[0])
        tables[variable.name] = _from_probability(table, probability)
    return BayesianNetwork(
        f"{network.name}, perfect readings", network.version, network.variables, tables
    )


def flat_prior(network: BayesianNetwork, target: str) -> BayesianNetwork:
    """Return the network in which every possible state of the target is equally probable."""
    table = network.tables[target]
    possible = (table.probability > 0).astype(float)
    probability = possible / possible.sum(axis=-1, keepdims=True)
    tables = {**network.tables, target: _from_probability(table, probability)}
    return BayesianNetwork(
        f"{network.name}, flat prior", network.version, network.variables, tables
    )


def with_prior(
    network: BayesianNetwork, target: str, prior: Mapping[str, float]
) -> BayesianNetwork:
    """Return the network with another prior of the target, whatever its parents.

    Raises
    ------
    CaseError
        If the prior misses a state, or does not add up to 1.
    """
    states = network.variable(target).states
    if set(prior) != set(states):
        odd = sorted(set(prior) ^ set(states))
        raise CaseError(f"the prior must name every state of {target} once; see {', '.join(odd)}")
    values = np.array([prior[s] for s in states])
    if (values < 0).any() or not np.isclose(values.sum(), 1, atol=1e-6):
        raise CaseError(f"the prior of {target} adds up to {values.sum():.4g}, not to 1")
    table = network.tables[target]
    probability = np.broadcast_to(values / values.sum(), table.probability.shape)
    tables = {**network.tables, target: _from_probability(table, probability)}
    return BayesianNetwork(
        f"{network.name}, other prior", network.version, network.variables, tables
    )


def _from_probability(table: Table, probability: FloatArray) -> Table:
    flat = probability.reshape(-1, probability.shape[-1])
    rows = tuple(Row(row * _STRENGTH, "borrowed", "a structural alternative") for row in flat)
    index = np.arange(len(rows), dtype=np.intp).reshape(probability.shape[:-1])
    return Table(table.variable, table.parents, rows, index)
