"""The best panel of a given size: all of them where that is feasible, else with its gap.

Exhaustive search shares its work: a panel is a prefix and a last pair, and one matrix product
gives the outcomes of a prefix with every pair that may follow. Tests of one cluster (a gene and
its stand-in stain) are not independent given the class; such pairs are joined into one unit
first, with their true joint table.

Where the number of outcomes is too large for that, the best of a beam, improved by exchanging
one test at a time until nothing helps, is reported with an upper bound. For any set A and any
panel G, with C the core and c the clusters,

    I(S; A) <= I(S; G) + I(S; A | G) <= I(S; G) + sum over clusters c of A of I(C; T_c | G),

because S is a function of C and clusters are independent given C: the sum of the k largest terms
bounds the gain of every panel of k tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.panel_search import (
    KEPT,
    Objective,
    PanelScorer,
    all_panels,
    beam_panels,
    greedy_panel,
    xlogx,
)
from mesenbayes.workup.value import (
    PlanProblem,
    by_target,
    information,
    joint_with_classes,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

SMALLEST, LARGEST = 2, 6
_EXHAUSTIVE = 6e8
"""Outcomes times diagnoses that an exhaustive search may visit (a few seconds)."""


@dataclass(frozen=True)
class Panel:
    """A set of tests with what it is expected to tell.

    Parameters
    ----------
    bits, value
        Expected information, and expected gain in utility (None without a decision problem).
    """

    tests: tuple[str, ...]
    bits: float
    value: float | None


@dataclass(frozen=True, eq=False)
class PanelSearch:
    """The best panels of one size.

    Parameters
    ----------
    panels
        Best first.
    exhaustive
        Whether every panel was looked at.
    looked_at
        How many were.
    bound
        What no panel of this size can exceed (that of the best if exhaustive).
    greedy
        The panel that choosing one test after the other gives.
    """

    size: int
    objective: Objective
    panels: tuple[Panel, ...]
    exhaustive: bool
    looked_at: int
    bound: float
    greedy: Panel

    @property
    def best(self) -> Panel:
        """The best panel found."""
        return self.panels[0]

    @property
    def gap(self) -> float:
        """How much better an unknown panel could be at most; 0 if exhaustive."""
        return max(self.bound - _score(self.best, self.objective), 0.0)

    @property
    def sentence(self) -> str:
        """The result in words."""
        how = (
            f"all {self.looked_at:,} panels of {self.size} were compared"
            if self.exhaustive
            else f"{self.looked_at:,} panels of {self.size} were compared; no panel can be better "
            f"by more than {self.gap:.2f} {'bits' if self.objective == 'information' else ''}"
        )
        return f"{', '.join(self.best.tests)}: {self.best.bits:.2f} bits expected ({how.strip()})."

    def to_frame(self) -> pd.DataFrame:
        """Return one row a panel."""
        import pandas as pd

        return pd.DataFrame(
            [{"panel": ", ".join(p.tests), "bits": p.bits, "value": p.value} for p in self.panels]
        )

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + str(self.to_frame().round(3).to_html(index=False))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the best panels."""
        from mesenbayes.plots.panel import plot_panels

        return plot_panels(self, ax)


def search_panels(
    outlook: Outlook,
    size: int,
    *,
    among: Sequence[str] | None = None,
    objective: Objective = "information",
    problem: PlanProblem | None = None,
    effort: float = _EXHAUSTIVE,
    progress: Callable[[float], None] = lambda _: None,
) -> PanelSearch:
    """Return the best panels of `size` tests.

    Parameters
    ----------
    among
        Tests to choose from; all of the outlook if not given.
    objective
        ``information`` (bits) or ``decision`` (utility; needs `problem`).
    effort
        Outcomes times diagnoses up to which every panel is looked at.
    progress
        Called with the share that is done.

    Raises
    ------
    CaseError
        If there are fewer tests than `size`, or `size` is not 2 to 6.
    """
    tests = tuple(dict.fromkeys(outlook.tests if among is None else among))
    if not SMALLEST <= size <= LARGEST:
        raise CaseError(f"a panel has {SMALLEST} to {LARGEST} tests, not {size}")
    if len(tests) < size:
        raise CaseError(f"a panel of {size} needs {size} tests; {len(tests)} are open")
    if objective == "decision" and problem is None:
        raise CaseError("a panel by decision value needs a treatment model")
    scorer = PanelScorer(outlook, objective, problem)
    greedy = greedy_panel(tests, size, scorer)
    width = max(outlook.cards(tests))
    rows = scorer.rows
    work = comb(len(tests), size) * float(width) ** size * rows
    if work <= effort:
        ranked, looked_at = all_panels(outlook, tests, size, scorer, progress)
        exhaustive = True
    else:
        ranked, looked_at = beam_panels(tests, size, scorer, greedy, progress)
        exhaustive = False
    panels = [_panel(outlook, p, problem) for p in dict.fromkeys([*ranked, greedy])]
    panels.sort(key=lambda p: -_score(p, objective))
    by_one = _panel(outlook, greedy, problem)
    best = _score(panels[0], objective)
    bound = best if exhaustive else _bound(outlook, tests, size, panels[0], objective, problem)
    return PanelSearch(
        size, objective, tuple(panels[:KEPT]), exhaustive, looked_at, max(bound, best), by_one,
    )  # fmt: skip


def _bound(
    outlook: Outlook,
    tests: Sequence[str],
    size: int,
    panel: Panel,
    objective: Objective,
    problem: PlanProblem | None,
) -> float:
    """Return what no panel of `size` can exceed."""
    if objective == "decision":
        assert problem is not None
        # Knowing the class itself is worth at least as much as any test.
        perfect = float((outlook.weight * problem.utility.max(axis=0)).sum())
        return perfect - float((problem.utility @ outlook.weight).max())
    table = outlook.table(panel.tests)
    known = table.reshape(len(table), -1)
    joint = outlook.weight[:, None] * known
    p = joint.sum(axis=0)
    gains: list[float] = []
    by_cluster: dict[int, list[str]] = {}
    for test in tests:
        if test not in panel.tests:
            by_cluster.setdefault(outlook.cluster[test], []).append(test)
    taken = {outlook.cluster[t] for t in panel.tests}
    for cluster, members in by_cluster.items():
        if cluster in taken:
            # Not independent of the panel given the class: its whole entropy bounds it.
            gains.append(sum(float(np.log2(c)) for c in outlook.cards(members)))
            continue
        part = outlook.table(members)
        part = part.reshape(len(part), -1)
        after = joint / np.where(p > 0, p, 1)
        mixed = after.T @ part
        conditional = (after * -xlogx(part).sum(axis=1)[:, None]).sum(axis=0)
        gains.append(float((p * (-xlogx(mixed).sum(axis=1) - conditional)).sum()))
    gains.sort(reverse=True)
    entropy = outlook.posterior
    return min(panel.bits + sum(gains[:size]), float(-xlogx(entropy).sum()))


def _panel(outlook: Outlook, tests: tuple[str, ...], problem: PlanProblem | None) -> Panel:
    """Return a panel computed with every class."""
    weights = joint_with_classes(outlook, tests)
    bits = information(by_target(outlook, weights))
    return Panel(tests, bits, None if problem is None else problem.value(weights))


def _score(panel: Panel, objective: Objective) -> float:
    return panel.bits if objective == "information" else float(panel.value or 0.0)
