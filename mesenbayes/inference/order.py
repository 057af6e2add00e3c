"""Elimination orders: in which order variables are summed out of a product of factors.

The graph joins two variables that share a factor. Eliminating a variable joins all its
neighbours; the greedy heuristics choose the next variable by how little that costs
(Kjaerulff 1990; Koller & Friedman 2009, section 9.4.3.2). Neighbour sets are Python
integers used as bit sets, which makes a network of a thousand variables a matter of
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import log
from random import Random

Score = Callable[[int, int], float]


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def candidate_orders(
    scopes: Iterable[Sequence[int]],
    sizes: Mapping[int, int],
    last: frozenset[int] = frozenset(),
    restarts: int = 2,
) -> Iterator[tuple[int, ...]]:
    """Yield elimination orders worth costing, always in the same sequence.

    Parameters
    ----------
    scopes
        Variables of each factor.
    sizes
        Variable -> number of states.
    last
        Variables to be eliminated after all others.
    restarts
        How many more orders of each kind to try with ties broken at random (seeded).
    """
    graph = _Graph(scopes, sizes)
    for restart in range(1 + restarts):
        for score in (graph.fill, graph.weight, graph.weighted_fill):
            yield graph.eliminate(score, last, Random(restart) if restart else None)


class _Graph:
    def __init__(self, scopes: Iterable[Sequence[int]], sizes: Mapping[int, int]) -> None:
        scopes = [tuple(scope) for scope in scopes]
        self.names = sorted({v for scope in scopes for v in scope})
        at = {v: i for i, v in enumerate(self.names)}
        self.log_size = [log(sizes[v]) for v in self.names]
        self.start = [0] * len(self.names)
        for scope in scopes:
            mask = 0
            for v in scope:
                mask |= 1 << at[v]
            for v in scope:
                self.start[at[v]] |= mask
        self.start = [mask & ~(1 << i) for i, mask in enumerate(self.start)]
        self.neighbours: list[int] = []
        self._stripped: dict[frozenset[int], tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def fill(self, v: int, around: int) -> float:
        """Edges that eliminating `v` adds."""
        del v
        missing = sum((around & ~self.neighbours[u]).bit_count() - 1 for u in _bits(around))
        return missing / 2

    def weight(self, v: int, around: int) -> float:
        """Log size of the table that eliminating `v` needs."""
        return self.log_size[v] + sum(self.log_size[u] for u in _bits(around))

    def weighted_fill(self, v: int, around: int) -> float:
        """Sum over added edges of the product of the log sizes at their ends."""
        del v
        total = 0.0
        for u in _bits(around):
            missing = around & ~self.neighbours[u] & ~(1 << u)
            total += self.log_size[u] * sum(self.log_size[w] for w in _bits(missing))
        return total

    def _without_simplicial(self, late: set[int]) -> tuple[list[int], list[int]]:
        """Eliminate what adds no edge: the clique it needs is there in any order."""
        known = self._stripped.get(frozenset(late))
        if known is not None:
            return list(known[0]), list(known[1])
        neighbours = list(self.start)
        order: list[int] = []
        waiting = sorted(
            set(range(len(neighbours))) - late, key=lambda v: -neighbours[v].bit_count()
        )
        done: set[int] = set()
        while waiting:
            v = waiting.pop()
            around = neighbours[v]
            if v in done or any(around & ~neighbours[u] & ~(1 << u) for u in _bits(around)):
                continue
            done.add(v)
            order.append(v)
            for u in _bits(around):
                neighbours[u] &= ~(1 << v)
            waiting.extend(
                u
                for u in sorted(_bits(around), key=lambda u: -neighbours[u].bit_count())
                if u not in late
            )
        self._stripped[frozenset(late)] = (tuple(order), tuple(neighbours))
        return order, neighbours

    def eliminate(
        self, score: Score, last: frozenset[int], random: Random | None
    ) -> tuple[int, ...]:
        late = {i for i, v in enumerate(self.names) if v in last}
        order, self.neighbours = self._without_simplicial(late)
        for group in (set(range(len(self.names))) - late, late):
            left = group - set(order)
            scores = {v: score(v, self.neighbours[v]) for v in left}
            while left:
                best = min(scores.values())
                ties = [v for v in sorted(left) if scores[v] <= best + 1e-9]
                if random is None:
                    v = min(ties, key=lambda u: (self.weight(u, self.neighbours[u]), u))
                else:
                    v = random.choice(ties)
                around = self.neighbours[v]
                touched = around
                for u in _bits(around):
                    touched |= self.neighbours[u]
                for u in _bits(around):
                    self.neighbours[u] = (self.neighbours[u] | around) & ~(1 << u) & ~(1 << v)
                left.discard(v)
                del scores[v]
                order.append(v)
                for u in _bits(touched):
                    if u in left:
                        scores[u] = score(u, self.neighbours[u])
        return tuple(self.names[i] for i in order)
