"""The work-up of one case: every test with its worth and its price, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from mesenbayes.errors import CaseError
from mesenbayes.workup.look_ahead import Sequence2, look_ahead
from mesenbayes.workup.outlook import Outlook
from mesenbayes.workup.panel import PanelSearch, search_panels
from mesenbayes.workup.panel_search import Objective
from mesenbayes.workup.same_decision import SameDecision, draw_results, same_decision
from mesenbayes.workup.steps import Step
from mesenbayes.workup.table import KINDS, Bill, OrderableTest, TestTable
from mesenbayes.workup.value import (
    PlanProblem,
    Result,
    by_target,
    information,
    joint_with_classes,
    results_of,
)

if TYPE_CHECKING:
    import pandas as pd

_ENUMERATED = 4096
_DRAWS = 2000
_SEED = 20261124
_SHOWN_RESULTS = 6


@dataclass(frozen=True)
class TestAssessment:
    """What one orderable test is worth and what it costs.

    Parameters
    ----------
    bits
        Expected information about the diagnosis.
    error
        Standard error of `bits` and, relatively, of `value`; 0 if computed exactly.
    value
        Expected gain in utility by a better plan; None without a treatment model.
    net
        The gain less the price, in utility.
    results
        Results with what follows; empty for a test with many findings.
    """

    __test__ = False  # not a test of pytest's

    test: OrderableTest
    open_findings: tuple[str, ...]
    bill: Bill
    bits: float
    error: float
    value: float | None
    net: float | None
    results: tuple[Result, ...]

    @property
    def bits_per_money(self) -> float:
        """Bits for a hundred of the currency."""
        return 100 * self.bits / self.bill.money if self.bill.money > 0 else float("inf")


@dataclass(frozen=True, eq=False)
class WorkUp:
    """What to do next in one case.

    Parameters
    ----------
    outlook
        The open tests, class by class.
    table
        Costs.
    problem
        What hangs on the diagnosis; None without a treatment model.
    steps
        The order of the clinic.
    available
        Tests that make sense for this case.
    has_tissue
        Whether a sample has been taken: something is known that only a slide shows.
    paid
        Cost groups that are paid already: a block that has been cut for stains.
    """

    outlook: Outlook
    table: TestTable
    problem: PlanProblem | None
    steps: tuple[Step, ...]
    available: tuple[OrderableTest, ...]
    has_tissue: bool = True
    paid: frozenset[str] = frozenset()

    @cached_property
    def tests(self) -> tuple[TestAssessment, ...]:
        """Every test, by net decision value where any has one, then by information."""
        found = [self._assess(test) for test in self.available]
        return tuple(sorted(found, key=lambda a: (-round(a.value or 0.0, 4), -a.bits)))

    @cached_property
    def next_step(self) -> TestAssessment | None:
        """The test to do next, in the order of the clinic: imaging while there is no tissue,
        then stains on the block that is there, and sequencing last; a kind is passed over if
        none of its tests pays (or, where no test pays, says anything).
        """
        useful = [a for a in self.tests if (a.net or 0.0) > 0]
        if not useful:
            useful = [a for a in self.tests if a.bits >= 0.01]
        order = KINDS if not self.has_tissue else ("stain", "imaging", "fish", "sequencing")
        ranked = sorted(useful, key=lambda a: (order.index(a.test.kind), -(a.net or 0.0), -a.bits))
        return ranked[0] if ranked else None

    @cached_property
    def same_decision(self) -> SameDecision | None:
        """Whether anything that can still be ordered would change the plan."""
        if self.problem is None or not self.outlook.tests:
            return None
        return same_decision(self.outlook, self.problem)

    @property
    def stop(self) -> bool:
        """Whether to stop: the plan is safe and no test is worth its price."""
        if self.same_decision is None:
            return all(a.bits < 0.01 for a in self.tests)
        best = max((a.net for a in self.tests if a.net is not None), default=0.0)
        return self.same_decision.probability >= self.table.rates["stop_probability"] and best <= 0

    @property
    def sentence(self) -> str:
        """What to do, in words."""
        if not self.tests:
            return "No test is open."
        parts = []
        if self.same_decision is not None:
            parts.append(self.same_decision.sentence)
        if self.stop:
            parts.append("Stop testing: no open test is worth its price.")
        elif self.next_step is not None:
            a = self.next_step
            worth = "" if a.value is None else f", {a.value:.3f} {self._unit} by a better plan"
            parts.append(
                f"Next: {a.test.label} ({a.bits:.2f} bits{worth}; costs {a.bill.money:.0f}, "
                f"{a.bill.days:.0f} days)."
            )
        return " ".join(parts)

    @property
    def _unit(self) -> str:
        return "" if self.problem is None else self.problem.unit

    def stains(self) -> tuple[str, ...]:
        """Return the open findings that one stain each answers."""
        return tuple(
            t.reveals[0] for t in self.available if t.kind == "stain" and len(t.reveals) == 1
        )

    def panel(
        self,
        size: int = 4,
        *,
        among: Sequence[str] | None = None,
        objective: Objective = "information",
        budget: float | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> PanelSearch:
        """Return the best panels of `size` stains.

        Parameters
        ----------
        among
            Findings to choose from; the 40 most informative stains if not given.
        budget
            Money that the panel may cost; a smaller panel is refused, not returned.

        Raises
        ------
        CaseError
            If a finding is not open, or the budget does not pay for `size` stains.
        """
        if among is None:
            bits = {a.open_findings[0]: a.bits for a in self.tests if len(a.open_findings) == 1}
            among = sorted(self.stains(), key=lambda t: -bits.get(t, 0.0))[:40]
        for name in among:
            if name not in self.outlook.tests:
                raise CaseError(f"{name} is not an open test of this case")
        if budget is not None:
            cheap = sorted(
                t.money for n in among if (t := self.table.cheapest_for(n)) is not None
            )[:size]
            if sum(cheap) > budget:
                raise CaseError(f"{size} tests cost at least {sum(cheap):g}, more than {budget:g}")
        return search_panels(
            self.outlook, size, among=among, objective=objective, problem=self.problem,
            progress=progress,
        )  # fmt: skip

    def panel_bill(self, findings: Sequence[str]) -> Bill:
        """Return what the cheapest tests for some findings cost together."""
        chosen = [t for n in findings if (t := self.table.cheapest_for(n)) is not None]
        return self.table.bill(chosen, self.paid)

    @cached_property
    def two_steps(self) -> tuple[Sequence2, ...]:
        """First stain or gene test and then the best second, by information."""
        return look_ahead(self.outlook)

    def two_steps_by_value(self) -> tuple[Sequence2, ...]:
        """The same by decision value; empty without a treatment model."""
        if self.problem is None:
            return ()
        return look_ahead(self.outlook, problem=self.problem)

    def _assess(self, test: OrderableTest) -> TestAssessment:
        findings = tuple(v for v in test.reveals if v in self.outlook.tests)
        bill = self.table.bill([test], self.paid)
        outcomes = prod(float(c) for c in self.outlook.cards(findings))
        results: tuple[Result, ...] = ()
        if outcomes <= _ENUMERATED:
            weights = joint_with_classes(self.outlook, findings)
            bits, error = information(by_target(self.outlook, weights)), 0.0
            value = None if self.problem is None else self.problem.value(weights)
            if outcomes <= _SHOWN_RESULTS:
                results = results_of(self.outlook, findings, weights, self.problem)
        else:
            bits, error, value = self._sampled(findings)
        net = None if value is None else value - bill.loss(self.table.rates)
        return TestAssessment(test, findings, bill, bits, error, value, net, results)

    def _sampled(self, findings: Sequence[str]) -> tuple[float, float, float | None]:
        """Return bits, their standard error and the value of a test with many outcomes."""
        rng = np.random.default_rng(_SEED)
        weights = draw_results(self.outlook, findings, _DRAWS, rng)
        weights = weights / weights.sum(axis=0)
        after = by_target(self.outlook, weights)
        entropy = -(after * np.log2(np.maximum(after, 1e-300))).sum(axis=0)
        before = self.outlook.posterior
        gain = -(before * np.log2(np.maximum(before, 1e-300))).sum() - entropy
        value = None
        if self.problem is not None:
            # Against the mean of the same draws, so that chance does not pass for value.
            expected = self.problem.expected(weights)
            value = max(float(expected.max(axis=0).mean() - expected.mean(axis=1).max()), 0.0)
        return max(float(gain.mean()), 0.0), float(gain.std() / np.sqrt(_DRAWS)), value

    def to_frame(self) -> pd.DataFrame:
        """Return one row a test."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"test": a.test.name, "label": a.test.label, "kind": a.test.kind,
                 "findings": len(a.open_findings), "bits": a.bits, "error": a.error,
                 "value": a.value, "net": a.net, "money": a.bill.money, "days": a.bill.days,
                 "complication": a.bill.complication, "tissue": a.bill.tissue,
                 "source": a.test.source_id or a.test.trust}
                for a in self.tests
            ]
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the work-up as plain data."""
        return {
            "sentence": self.sentence,
            "stop": self.stop,
            "unit": self._unit,
            "steps": [asdict(s) for s in self.steps],
            "tests": [
                {"test": a.test.name, "label": a.test.label, "kind": a.test.kind,
                 "findings": list(a.open_findings), "bits": a.bits, "error": a.error,
                 "value": a.value, "net": a.net, **asdict(a.bill),
                 "source_id": a.test.source_id, "trust": a.test.trust, "note": a.test.note,
                 "results": [asdict(r) for r in a.results]}
                for a in self.tests
            ],
            "two_steps": [
                {"first": s.first, "value": s.value, "first_alone": s.first_alone,
                 "then": [{"result": r, "probability": p, "second": b, "adds": g}
                          for r, p, b, g in s.then]}
                for s in self.two_steps[:5]
            ],
            "same_decision": None if self.same_decision is None else {
                "probability": self.same_decision.probability,
                "interval": list(self.same_decision.interval),
                "plan": self.same_decision.plan,
                "exact": self.same_decision.exact,
                "sentence": self.same_decision.sentence,
                "after": [{"plan": n, "probability": p} for n, p in self.same_decision.after],
                "changes": [asdict(c) for c in self.same_decision.changes[:10]],
            },
            "assumptions": list(self.table.assumptions),
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>" + str(
            self.to_frame().head(10).round(3).to_html(index=False)
        )


def available_tests(
    table: TestTable,
    outlook: Outlook,
    known: Mapping[str, str],
    probability: Mapping[str, float],
) -> tuple[OrderableTest, ...]:
    """Return the tests that make sense here and answer something that is open."""
    return tuple(
        t
        for t in table.tests
        if any(v in outlook.tests for v in t.reveals) and t.needs.holds(known, probability)
    )
