"""What the tests that are not yet done would show, class by class.

The *core* of a case is what its tests have in common: the tumour, its genotype, and the sample
if several tests are read on it. Given the core and the findings, tests fall apart into
*clusters* that know nothing of each other (found by taking the core and the known findings out
of the graph); nearly all clusters hold one test, an alteration and its stand-in stains share
one. So

    P(core, t_1, ..., t_n | e) = P(core | e) * product over clusters of P(t in cluster | core, e)

is exact, and everything that a work-up asks (information, value, panels, two steps, the
probability of the same decision) is arithmetic on these small tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.errors import CaseError, TooLarge
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import NOT_OBSERVED

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

NEGLIGIBLE = 1e-9
"""Core states less probable than this are left out."""
_LARGEST = 2**24
"""Entries of the largest table of one cluster."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """The core of a case and the tests that could be done.

    Parameters
    ----------
    core
        Names of the core variables; the first is the target.
    states : (classes, core variables)
        State indices of each class.
    weight : (classes,)
        P(class | findings); sums to 1.
    tests
        Names of the candidate variables.
    cluster
        Test -> number of its cluster; tests of different clusters are independent given the
        class.
    """

    network: BayesianNetwork = field(repr=False)
    encoded: Encoded = field(repr=False)
    core: tuple[str, ...]
    states: IntArray = field(repr=False)
    weight: FloatArray = field(repr=False)
    tests: tuple[str, ...]
    cluster: dict[str, int] = field(repr=False)
    members: dict[int, frozenset[str]] = field(repr=False)

    @property
    def target(self) -> str:
        """Variable that is asked about."""
        return self.core[0]

    @cached_property
    def posterior(self) -> FloatArray:
        """P(target | findings), (states,)."""
        size = self.network.variable(self.target).cardinality
        return np.bincount(self.states[:, 0], self.weight, minlength=size).astype(np.float64)

    @cached_property
    def membership(self) -> FloatArray:
        """1 where a class belongs to a state of the target, (states, classes)."""
        size = self.network.variable(self.target).cardinality
        return np.asarray((np.arange(size)[:, None] == self.states[:, 0]).astype(np.float64))

    def of_class(self, variable: str) -> list[str]:
        """Return the state of a core variable in each class."""
        names = self.network.variable(variable).states
        return [names[i] for i in self.states[:, self.core.index(variable)]]

    def cards(self, tests: Sequence[str]) -> tuple[int, ...]:
        """Return the numbers of states of tests."""
        return tuple(self.network.variable(t).cardinality for t in tests)

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], FloatArray]:
        return {}

    def table(self, tests: Sequence[str]) -> FloatArray:
        """Return P(tests | class, findings), shape (classes, *states), any tests."""
        by_cluster: dict[int, list[str]] = {}
        for test in tests:
            by_cluster.setdefault(self.cluster[test], []).append(test)
        answer: FloatArray = np.ones(len(self.weight))
        order: list[str] = []
        for group in by_cluster.values():
            part = self._within(tuple(group))
            left = answer.reshape(*answer.shape, *[1] * (part.ndim - 1))
            answer = left * part.reshape(len(part), *[1] * len(order), *part.shape[1:])
            order += group
        return np.asarray(answer.transpose(0, *(1 + order.index(t) for t in tests)))

    def _within(self, tests: tuple[str, ...]) -> FloatArray:
        """Return P(tests | class, findings) of tests of one cluster."""
        if tests not in self._kept:
            joint = self._contract(tests)
            total = joint.reshape(len(joint), -1).sum(axis=1)
            flat = np.ones(joint.shape) / prod(joint.shape[1:])
            shaped = total.reshape(-1, *[1] * (joint.ndim - 1))
            self._kept[tests] = np.divide(joint, shaped, out=flat, where=shaped > 0)
        return self._kept[tests]

    def _contract(self, tests: tuple[str, ...]) -> FloatArray:
        """Sum the product of the cluster's tables over everything but `tests`, class by class."""
        members = self.members[self.cluster[tests[0]]]
        position = {v.name: i for i, v in enumerate(self.network.variables)}
        known = {
            name for name in members if name in self.encoded.likelihoods
        } | _observed_near(self.network, self.encoded, members)
        needed = _ancestors(self.network, [*tests, *known, *self.core])
        letters = {name: i + 1 for i, name in enumerate(sorted(members & needed))}
        operands: list[object] = []
        for name in needed:
            scope = (*self.network.tables[name].parents, name)
            if not members & set(scope):
                continue
            table = self.network.tables[name].probability
            index: list[object] = []
            axes: list[int] = []
            by_class = any(v in self.core for v in scope)
            for variable in scope:
                code = int(self.encoded.codes[position[variable]])
                if variable in self.core:
                    index.append(self.states[:, self.core.index(variable)])
                elif code != NOT_OBSERVED:
                    index.append(code)
                else:
                    index.append(slice(None))
                    axes.append(letters[variable])
            operands += [_pick(table, index), [0, *axes] if by_class else axes]
        for name in members & self.encoded.likelihoods.keys():
            operands += [self.encoded.likelihoods[name], [letters[name]]]
        size = len(self.weight) * prod(self.cards(tests))
        if size > _LARGEST:
            raise TooLarge(f"the joint table of {', '.join(tests)}", 8.0 * size, 8.0 * _LARGEST)
        out = [0, *(letters[t] for t in tests)]
        if not any(0 in axes for axes in operands[1::2] if isinstance(axes, list)):
            operands += [np.ones(len(self.weight)), [0]]
        how = "greedy" if len(operands) > 4 else False
        return np.asarray(np.einsum(*operands, out, optimize=how))  # type: ignore[call-overload]


def look(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    tests: Sequence[str],
) -> Outlook:
    """Return the outlook of a case on tests that are not yet done.

    Raises
    ------
    CaseError
        If a test is already known, or is the target.
    """
    position = {v.name: i for i, v in enumerate(network.variables)}
    for test in tests:
        if encoded.codes[position[test]] != NOT_OBSERVED or test in encoded.likelihoods:
            raise CaseError(f"{test} is already known; it cannot be ordered again")
        if test == target:
            raise CaseError(f"{test} is what is asked; it is not a test")
    core = _core(network, encoded, target, tests)
    codes, likelihoods = encoded.batch()
    asked = core if len(core) > 1 else core[0]
    joint = compiled.run(codes, likelihoods, targets=(asked,)).posterior[asked][0]
    live = np.argwhere(joint > NEGLIGIBLE)
    weight = joint[tuple(live.T)]
    cluster, members = _clusters(network, encoded, core, tests)
    return Outlook(
        network, encoded, core, live.astype(np.intp), weight / weight.sum(), tuple(tests),
        cluster, members,
    )  # fmt: skip


def _core(
    network: BayesianNetwork, encoded: Encoded, target: str, tests: Sequence[str]
) -> tuple[str, ...]:
    """Return the target, a genotype, and what is unknown of the sample if it has several
    tests: variables that most tests have in common."""
    above = _ancestors(network, tests)
    position = {v.name: i for i, v in enumerate(network.variables)}
    core = [target]
    for variable in network.variables:
        name = variable.name
        if name == target or name in tests or variable.role not in ("genotype", "specimen"):
            continue
        if encoded.codes[position[name]] != NOT_OBSERVED or name in encoded.likelihoods:
            continue
        children = sum(name in network.tables[n].parents for n in above)
        if variable.role == "genotype" or children > 1:
            core.append(name)
    return tuple(core)


def _clusters(
    network: BayesianNetwork, encoded: Encoded, core: tuple[str, ...], tests: Sequence[str]
) -> tuple[dict[str, int], dict[int, frozenset[str]]]:
    """Return test -> cluster and cluster -> variables: what stays connected once the core
    and the known states are taken out of the graph of tables."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    known = {v.name for v in network.variables if encoded.codes[position[v.name]] != NOT_OBSERVED}
    relevant = _ancestors(network, [*core, *tests, *known, *encoded.likelihoods])
    parent = {name: name for name in relevant}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for name in relevant:
        scope = [
            v for v in (*network.tables[name].parents, name) if v not in core and v not in known
        ]
        for other in scope[1:]:
            parent[root(other)] = root(scope[0])
    groups: dict[str, set[str]] = {}
    for name in relevant:
        if name not in core and name not in known:
            groups.setdefault(root(name), set()).add(name)
    number = {r: i for i, r in enumerate(sorted(groups))}
    return (
        {test: number[root(test)] for test in tests},
        {number[r]: frozenset(g) for r, g in groups.items()},
    )


def _observed_near(
    network: BayesianNetwork, encoded: Encoded, members: frozenset[str]
) -> set[str]:
    """Return the known variables whose table mentions a member: their evidence acts on it."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    return {
        v.name
        for v in network.variables
        if encoded.codes[position[v.name]] != NOT_OBSERVED
        and members & set(network.tables[v.name].parents)
    }


def _ancestors(network: BayesianNetwork, names: Sequence[str]) -> frozenset[str]:
    """Return `names` and everything above them."""
    seen: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in seen:
            seen.add(name)
            open_names += network.tables[name].parents
    return frozenset(seen)


def _pick(table: FloatArray, index: Sequence[object]) -> FloatArray:
    """Index a table with numbers, slices and arrays of classes; the class axis comes first."""
    arrays = [i for i, part in enumerate(index) if isinstance(part, np.ndarray)]
    fixed = tuple(part if isinstance(part, int) else slice(None) for part in index)
    remaining = [i for i, part in enumerate(index) if not isinstance(part, int)]
    reduced = table[fixed]
    axes = [remaining.index(i) for i in arrays]
    rest = [a for a in range(reduced.ndim) if a not in axes]
    moved = reduced.transpose(*axes, *rest)
    if not arrays:
        return np.asarray(moved)
    return np.asarray(moved[tuple(np.asarray(index[i]) for i in arrays)])
