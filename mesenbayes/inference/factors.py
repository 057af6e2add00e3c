"""Which tables a question needs: pruned, folded and compressed before anything is planned.

* *Pruning*: a variable with neither evidence nor interest at or below it sums to 1.
* *Folding*: a hidden variable between its parents and one finding (the antigen is
  expressed, the slide is read) is summed out once, so that the finding hangs on the core.
* *Compression*: two variables of which most joint states are impossible (a genotype
  applies to one tumour only) become one variable whose states are the possible pairs.
* *Closing*: a hidden variable that several findings share is summed out with them.
* *Stacking*: findings that hang on the same variables are one matrix of log-likelihoods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.inference.plan import Scope
from mesenbayes.network.network import Network

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

LeafKind = Literal["table", "evidence", "constant", "stack", "slice"]

_LARGEST_FOLD = 512
"""Most parent states a finding may hang on after folding."""

_MOST_COMBINATIONS = 256
"""Most states, missing among them, of findings that are multiplied out to one."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A network as integers and arrays; variables are numbered in network order."""

    names: tuple[str, ...]
    cards: tuple[int, ...]
    parents: tuple[Scope, ...]
    tables: tuple[FloatArray, ...] = field(repr=False)

    @classmethod
    def of(cls, network: Network) -> Skeleton:
        """Return the skeleton of `network`."""
        at = {v.name: i for i, v in enumerate(network.variables)}
        tables = [network.tables[v.name] for v in network.variables]
        return cls(
            tuple(at),
            tuple(v.cardinality for v in network.variables),
            tuple(tuple(at[p] for p in t.parents) for t in tables),
            tuple(np.ascontiguousarray(t.probability, dtype=np.float64) for t in tables),
        )

    def ancestors(self, variables: Iterable[int]) -> frozenset[int]:
        """Return `variables` and everything above them."""
        found: set[int] = set()
        stack = list(variables)
        while stack:
            v = stack.pop()
            if v not in found:
                found.add(v)
                stack.extend(self.parents[v])
        return frozenset(found)


@dataclass(frozen=True, eq=False)
class Compound:
    """One variable in place of several, whose states are their possible joint states.

    Attributes
    ----------
    number
        Variable number, beyond those of the network.
    states : (joint states, members)
        State of each member in each joint state.
    """

    number: int
    members: Scope
    states: IntArray


@dataclass(frozen=True)
class Question:
    """What a plan is made for. Two batches with equal questions share a plan.

    Attributes
    ----------
    observed
        Variables with a likelihood of their own in each case.
    hard
        Those of `observed` that are either one state or missing: they may be stacked.
    fixed
        Variable and state observed in the whole batch; sliced out of every table.
    sliced
        Variables of `hard` that are observed in every case: tables are taken at their
        state, and lose their axis.
    drawn
        Variables whose table differs along the batch.
    outputs
        Sets of variables whose joint posterior is read.
    whole
        Nothing is pruned, folded or stacked: every variable is going to be read.
    compress
        Whether impossible joint states may be left out.
    """

    observed: frozenset[int] = frozenset()
    hard: frozenset[int] = frozenset()
    fixed: tuple[tuple[int, int], ...] = ()
    sliced: frozenset[int] = frozenset()
    drawn: frozenset[int] = frozenset()
    outputs: tuple[frozenset[int], ...] = ()
    whole: bool = False
    compress: bool = True


@dataclass(frozen=True, eq=False)
class Leaf:
    """A factor of the polynomial and where its numbers come from.

    Attributes
    ----------
    kind
        ``table`` (of `variable`), ``evidence`` (likelihood of `variable`), ``constant``
        (known now), ``stack`` (findings with one parent set) or ``slice`` (a constant
        at each case's states of `at`).
    index
        Positions in the flattened source that fill the leaf, in the leaf's shape.
    table
        Values, for a constant.
    at
        Variables of a slice; they are the last axes of `table`.
    stacked
        Variables and table (*scope, *their states), for each finding of a stack; a finding
        of several variables is their combination.
    """

    kind: LeafKind
    scope: Scope
    batched: bool
    variable: int = -1
    index: IntArray | None = None
    table: FloatArray | None = None
    stacked: tuple[tuple[Scope, FloatArray], ...] = ()
    at: Scope = ()


@dataclass(frozen=True, eq=False)
class Model:
    """The leaves that answer a question, and how its variables relate to the network's."""

    leaves: tuple[Leaf, ...]
    sizes: dict[int, int]
    compounds: tuple[Compound, ...]

    def place(self, variable: int) -> tuple[int, IntArray | None]:
        """Return the model's variable that carries `variable`, and its state in each state."""
        for compound in self.compounds:
            if variable in compound.members:
                return compound.number, compound.states[:, compound.members.index(variable)]
        return variable, None


def assemble(skeleton: Skeleton, question: Question, compounds: Sequence[Compound] = ()) -> Model:
    """Return the leaves needed to answer `question`."""
    states = dict(question.fixed)
    read = frozenset().union(*question.outputs) if question.outputs else frozenset()
    everything = frozenset(range(len(skeleton.names)))
    relevant = (
        everything if question.whole else skeleton.ancestors(question.observed | read | set(states))
    )
    used = tuple(
        c
        for c in compounds
        if question.compress
        and relevant.issuperset(c.members)
        and not (states.keys() | question.sliced) & set(c.members)
    )
    sizes = {v: skeleton.cards[v] for v in relevant if v not in states}
    sizes.update({c.number: len(c.states) for c in used})

    leaves: list[Leaf] = []
    for v in sorted(relevant):
        scope = (*skeleton.parents[v], v)
        index: IntArray = np.arange(skeleton.tables[v].size).reshape(skeleton.tables[v].shape)
        index = index[tuple(states.get(u, slice(None)) for u in scope)]
        scope = tuple(u for u in scope if u not in states)
        index, scope = _merged(index, scope, used)
        if v in question.drawn:
            leaves.append(Leaf("table", scope, batched=True, variable=v, index=index))
        else:
            table = skeleton.tables[v].reshape(-1)[index]
            leaves.append(
                Leaf("constant", scope, batched=False, variable=v, index=index, table=table)
            )
    if not question.whole:
        leaves = _folded(leaves, question, read, used, sizes)
        leaves = _stacked(leaves, question, read, used, sizes)
        leaves = [_sliced(leaf, question.sliced) for leaf in leaves]
    settled = {x for leaf in leaves for xs, _ in leaf.stacked for x in xs} | question.sliced
    for v in sorted(question.observed - settled):
        index, scope = _merged(np.arange(skeleton.cards[v]), (v,), used)
        leaves.append(Leaf("evidence", scope, batched=True, variable=v, index=index))
    return Model(tuple(leaves), sizes, used)


def _merged(
    array: NDArray[np.generic], scope: Scope, compounds: Sequence[Compound]
) -> tuple[IntArray, Scope]:
    """Return the array with members' axes replaced by their compound's axis."""
    for compound in compounds:
        present = [v for v in compound.members if v in scope]
        if not present:
            continue
        rest = [v for v in scope if v not in present]
        axes = [scope.index(v) for v in (*present, *rest)]
        columns = [compound.states[:, compound.members.index(v)] for v in present]
        array = array.transpose(axes)[tuple(columns)]
        scope = (compound.number, *rest)
    return np.asarray(array, dtype=np.intp, order="C"), scope


def _folded(
    leaves: list[Leaf],
    question: Question,
    read: frozenset[int],
    compounds: Sequence[Compound],
    sizes: dict[int, int],
) -> list[Leaf]:
    """Sum out hidden variables that stand between a finding and the rest."""
    busy = question.observed | read
    for compound in compounds:
        if busy & set(compound.members):
            busy |= {compound.number}
    factors = list(leaves)
    for x in sorted(question.observed | read):
        while True:
            own = [f for f in factors if x in f.scope]
            if len(own) != 1 or own[0].batched:
                break
            pair = _between(own[0], x, factors, busy, sizes)
            if pair is None:
                break
            hidden, other = pair
            factors = [f for f in factors if f is not own[0] and f is not other]
            factors.append(_product(own[0], other, hidden))
    return factors


def _between(
    leaf: Leaf, x: int, factors: Sequence[Leaf], busy: frozenset[int], sizes: dict[int, int]
) -> tuple[int, Leaf] | None:
    for hidden in leaf.scope:
        if hidden in busy:
            continue
        others = [f for f in factors if hidden in f.scope and f is not leaf]
        if len(others) != 1 or others[0].batched or others[0].kind == "stack":
            continue
        scope = (set(leaf.scope) | set(others[0].scope)) - {hidden, x}
        if busy & (set(others[0].scope) - set(leaf.scope)) and not _is_core(scope, busy, sizes):
            continue
        if prod(sizes[v] for v in scope) <= _LARGEST_FOLD:
            return hidden, others[0]
    return None


def _is_core(scope: Iterable[int], busy: frozenset[int], sizes: dict[int, int]) -> bool:
    return prod(sizes[v] for v in scope if v in busy) <= _LARGEST_FOLD


def _product(a: Leaf, b: Leaf, hidden: int | None = None) -> Leaf:
    """Return the product of two constants, summed over `hidden`."""
    assert a.table is not None
    assert b.table is not None
    number = {v: i for i, v in enumerate(dict.fromkeys((*b.scope, *a.scope)))}
    scope = tuple(v for v in number if v != hidden)
    terms: list[Any] = [
        b.table,
        [number[v] for v in b.scope],
        a.table,
        [number[v] for v in a.scope],
        [number[v] for v in scope],
    ]
    table = np.ascontiguousarray(np.einsum(*terms))
    return Leaf("constant", scope, batched=False, table=table)


def _joined(leaves: list[Leaf], free: frozenset[int], sizes: Mapping[int, int]) -> list[Leaf]:
    """Multiply out findings that hang together (a rearrangement and its stain).

    Together they are one finding with a state for each combination, if those are few.
    """
    factors = list(leaves)
    for x in sorted(free):
        own = [f for f in factors if x in f.scope]
        if len(own) < 2 or any(f.table is None or f.batched for f in own):
            continue
        elsewhere = {v for f in factors if f not in own for v in f.scope}
        scope = {v for f in own for v in f.scope}
        findings = {v for v in scope & free if v not in elsewhere}
        states = prod(sizes[v] + 1 for v in findings)
        parents = prod(sizes[v] for v in scope - findings)
        alone = max(prod(sizes[v] for v in set(f.scope) - findings) for f in own)
        if x not in findings or states > _MOST_COMBINATIONS or parents > max(alone, 1):
            continue
        product = own[0]
        for other in own[1:]:
            product = _product(product, other)
        factors = [f for f in factors if f not in own]
        factors.append(product)
    return factors


def _closed(
    leaves: list[Leaf],
    free: frozenset[int],
    busy: frozenset[int],
    sizes: Mapping[int, int],
) -> list[Leaf]:
    """Sum out hidden variables that several findings share (an alteration, its test and its
    stain): the findings together become one with a state for each combination, if those are
    few."""
    factors = list(leaves)
    hidden = {v for f in leaves for v in f.scope} - busy - free
    for h in sorted(hidden):
        own = [f for f in factors if h in f.scope]
        if len(own) < 2 or any(f.table is None or f.batched for f in own):
            continue
        elsewhere = {v for f in factors if f not in own for v in f.scope}
        scope = {v for f in own for v in f.scope} - {h}
        findings = {v for v in scope & free if v not in elsewhere}
        states = prod(sizes[v] + 1 for v in findings)
        parents = prod(sizes[v] for v in scope - findings)
        if len(findings) < 2 or states > _MOST_COMBINATIONS or parents > _LARGEST_FOLD:
            continue
        product = own[0]
        for other in own[1:-1]:
            product = _product(product, other)
        product = _product(product, own[-1], h)
        factors = [f for f in factors if f not in own]
        factors.append(product)
    return factors


def _stacked(
    leaves: list[Leaf],
    question: Question,
    read: frozenset[int],
    compounds: Sequence[Compound],
    sizes: Mapping[int, int],
) -> list[Leaf]:
    """Gather findings with one table and one parent set into one leaf."""
    inside = {v for c in compounds for v in c.members}
    free = question.hard - read - inside - question.sliced
    busy = question.observed | read | inside | {c.number for c in compounds}
    leaves = _closed(leaves, free, busy, sizes)
    leaves = _joined(leaves, free, sizes)
    groups: dict[Scope, list[tuple[Scope, FloatArray]]] = {}
    kept: list[Leaf] = []
    mentions = Counter(v for leaf in leaves for v in leaf.scope)
    for leaf in leaves:
        alone = tuple(v for v in leaf.scope if v in free and mentions[v] == 1)
        parents = tuple(sorted(set(leaf.scope) - set(alone)))
        states = prod(sizes[v] + 1 for v in alone)
        if (
            leaf.batched
            or leaf.table is None
            or not alone
            or not parents
            or states > _MOST_COMBINATIONS
            or question.sliced & set(leaf.scope)
        ):
            kept.append(leaf)
            continue
        table = leaf.table.transpose([leaf.scope.index(v) for v in (*parents, *alone)])
        groups.setdefault(parents, []).append((alone, np.ascontiguousarray(table)))
    for parents, members in groups.items():
        kept.append(Leaf("stack", parents, batched=True, stacked=tuple(members)))
    return kept


def _sliced(leaf: Leaf, sliced: frozenset[int]) -> Leaf:
    """Return a constant as a slice at each case's states of its variables in `sliced`."""
    at = tuple(v for v in leaf.scope if v in sliced)
    if leaf.table is None or not at:
        return leaf
    rest = tuple(v for v in leaf.scope if v not in sliced)
    table = leaf.table.transpose([leaf.scope.index(v) for v in (*rest, *at)])
    return Leaf("slice", rest, batched=True, table=np.ascontiguousarray(table), at=at)


def stackable(skeleton: Skeleton, question: Question) -> dict[int, frozenset[int]]:
    """Return the findings that hang on the rest by one table, and on what."""
    return {
        x: frozenset(leaf.scope)
        for leaf in assemble(skeleton, question).leaves
        for xs, _ in leaf.stacked
        for x in xs
    }


def possible_pairs(skeleton: Skeleton) -> list[tuple[float, int, int, IntArray]]:
    """Return (share possible, parent, child, possible pairs), most impossible first."""
    found: list[tuple[float, int, int, IntArray]] = []
    for child, parents in enumerate(skeleton.parents):
        table = skeleton.tables[child]
        if not parents or table.all():
            continue
        for axis, parent in enumerate(parents):
            others = tuple(i for i in range(len(parents)) if i != axis)
            pairs = np.argwhere((table > 0).any(axis=others))
            share = len(pairs) / (skeleton.cards[parent] * skeleton.cards[child])
            if share <= 0.6:
                found.append((share, parent, child, pairs))
    return sorted(found, key=lambda item: item[:3])
