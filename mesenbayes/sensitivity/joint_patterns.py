"""Does the model get joint patterns right? Published joint counts against its predictions.

The tables are filled from one finding at a time; whether two stains fail in the same tumours
is a consequence of the structure, and joint counts ("CD117 negative and DOG1 positive in 6 of
63 GIST") are the facts that can refute it. For each published pattern, tables are drawn from
their Dirichlet rows, the probability p of the pattern given the tumour is computed exactly in
each draw, and a count is drawn for a laboratory of the same size,

    k ~ Binomial(n, q),    q ~ Beta(p M, (1 - p) M),    M = 1 / rho - 1,

rho being the between-study correlation of findings of that kind at p: laboratories differ. The
published k should lie in the central 95 % of such draws about 95 times in 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.evidence.records import JointPattern
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.build import EXPRESSED, FAMILIES, NetworkBuilder
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.structure import SITE, TUMOUR, biology_of
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 500
REPEATS = 8
"""Drawn sets of tables, and laboratories drawn for each."""
TAIL = 0.025
_LEAST = 1e-6
"""Smallest p drawn from: a Beta needs both parameters positive."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PatternCheck:
    """One published joint count against the model.

    Parameters
    ----------
    p
        Probability of the pattern in the model, with its 95 % interval `low_p` to `high_p`.
    p_independent
        What it would be if the findings knew nothing of each other in this tumour.
    low, high
        Central 95 % interval of k for one more laboratory with n cases.
    """

    tumour: str
    pattern: str
    given: str
    k: int
    n: int
    p: float
    low_p: float
    high_p: float
    p_independent: float
    low: int
    high: int
    source_id: str
    where: str

    @property
    def is_inside(self) -> bool:
        """Whether the published count lies in the predictive interval."""
        return self.low <= self.k <= self.high


@dataclass(frozen=True)
class JointCheck:
    """All published joint counts against the model.

    Parameters
    ----------
    patterns
        Checked patterns in file order.
    set_aside
        Rows that could not be checked, ``file:line: reason``.
    """

    network: str
    patterns: tuple[PatternCheck, ...]
    set_aside: tuple[str, ...]

    @property
    def share_inside(self) -> float:
        """Share of the patterns inside their interval; NaN if there are none."""
        inside = [pattern.is_inside for pattern in self.patterns]
        return float(np.mean(inside)) if inside else float("nan")

    @property
    def sentence(self) -> str:
        """The outcome in one line."""
        if not self.patterns:
            return f"{self.network}: no published joint count can be checked"
        inside = sum(pattern.is_inside for pattern in self.patterns)
        return (
            f"{self.network}: {inside} of {len(self.patterns)} published joint counts "
            f"({self.share_inside:.0%}) lie inside the 95 % predictive interval"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line a pattern."""
        import pandas as pd

        lines = [{**asdict(p), "inside": p.is_inside} for p in self.patterns]
        columns = [*PatternCheck.__dataclass_fields__, "inside"]
        return pd.DataFrame(lines, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "network": self.network,
            "share_inside": self.share_inside if self.patterns else None,
            "patterns": [{**asdict(p), "inside": p.is_inside} for p in self.patterns],
            "set_aside": list(self.set_aside),
        }

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.to_frame().to_html(index=False)}"


def check_joint_patterns(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    builder: NetworkBuilder,
    draws: int = DRAWS,
    rng: np.random.Generator | int | None = None,
) -> JointCheck:
    """Check every pooled joint pattern of the evidence base.

    Stains are compared by expression, as the tables count them. Where a row does not name the
    site, the tumour is spread over the sites as its own series find it.

    Parameters
    ----------
    draws
        Number of drawn sets of tables.
    """
    checker = _Checker(network, compiled, builder, draws, np.random.default_rng(rng))
    checked: list[PatternCheck] = []
    aside: list[str] = []
    for row in builder.evidence.joint_patterns:
        if not row.is_pooled:
            continue
        problem = checker.problem(row)
        if problem:
            aside.append(f"{builder.evidence.location(row)}: {problem}")
        else:
            checked.append(checker.check(row))
    return JointCheck(network.name, tuple(checked), tuple(aside))


class _Checker:
    """Computes the joint posterior of each set of findings once."""

    def __init__(
        self,
        network: BayesianNetwork,
        compiled: CompiledNetwork,
        builder: NetworkBuilder,
        draws: int,
        rng: np.random.Generator,
    ) -> None:
        self.network, self.compiled, self.builder = network, compiled, builder
        self.draws, self.rng = draws, rng
        self.position = {v.name: i for i, v in enumerate(network.variables)}
        self.joints: dict[Any, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def counted(self, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield the pairs with findings turned into the biology behind them."""
        for name, state in pairs:
            behind = biology_of(name, self.position)
            states = self.network.variable(behind).states if behind in self.position else ()
            yield behind, state if state in states else EXPRESSED.get(state, state)

    def problem(self, row: JointPattern) -> str:
        """Return why a row cannot be checked; empty if it can."""
        if row.tumour not in self.network.variable(TUMOUR).states:
            return f"{row.tumour} is not modelled"
        for name, state in (*self.counted(row.findings), *self.counted(row.conditions)):
            if name not in self.position:
                return f"{name} is not modelled"
            if state not in self.network.variable(name).states:
                return f"{name} cannot be '{state}' here"
        stated = [name for name, _ in self.counted(row.findings)]
        if len(set(stated)) < len(stated) or TUMOUR in stated:
            return "the pattern states one variable twice"
        return ""

    def check(self, row: JointPattern) -> PatternCheck:
        findings = tuple(self.counted(row.findings))
        names = tuple(name for name, _ in findings)
        conditions = tuple(self.counted(row.conditions))
        key = (row.tumour, conditions, names)
        if key not in self.joints:
            self.joints[key] = self.joint(row.tumour, conditions, names)
        mean, drawn = self.joints[key]
        index = tuple(self.network.variable(name).index(state) for name, state in findings)
        flat = drawn.reshape(len(drawn), -1)[:, np.ravel_multi_index(index, mean.shape)]
        p = np.clip(flat, _LEAST, 1 - _LEAST)
        precision = 1 / self.rho(names, float(mean[index])) - 1
        size = (REPEATS, len(p))
        q = self.rng.beta(p * precision, (1 - p) * precision, size)
        k = self.rng.binomial(row.n, q)
        low, high = np.quantile(k, [TAIL, 1 - TAIL], method="inverted_cdf")
        low_p, high_p = np.quantile(p, [TAIL, 1 - TAIL])
        margins = [
            float(mean.sum(axis=tuple(a for a in range(mean.ndim) if a != axis))[i])
            for axis, i in enumerate(index)
        ]
        return PatternCheck(
            row.tumour,
            row.pattern,
            row.given,
            row.k,
            row.n,
            float(mean[index]),
            float(low_p),
            float(high_p),
            float(np.prod(margins)),
            int(low),
            int(high),
            row.source_id,
            self.builder.evidence.location(row),
        )

    def rho(self, names: tuple[str, ...], p: float) -> float:
        """Return the largest between-study correlation of the kinds of finding involved, at a
        pattern of probability `p`."""
        kinds = {
            FAMILIES[spec.kind]
            for name in names
            for spec in [self.builder.structure.specification(name)]
            if spec.kind in FAMILIES
        }
        families = self.builder.families
        floor = self.builder.structure.settings.rho_floor
        shares = np.array([p, 1 - p])
        return max((families[kind].between.rho(shares) for kind in kinds), default=floor)

    def joint(
        self, tumour: str, conditions: Pairs, names: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return P(names | tumour, conditions): of the mean tables, and of each draw."""
        codes = np.full((1, len(self.position)), NOT_OBSERVED, dtype=np.intp)
        for name, state in ((TUMOUR, tumour), *conditions):
            codes[0, self.position[name]] = self.network.variable(name).index(state)
        likelihoods = {}
        if SITE in self.position and SITE not in dict(conditions) and SITE not in names:
            likelihoods[SITE] = self.site_weights(tumour)
        mean = self.compiled.run(codes, likelihoods, targets=(names,)).posterior[names][0]
        tables = {
            name: self.network.tables[name].draw(self.draws, self.rng)
            for name in sorted(self.ancestors((*names, *(n for n, _ in conditions))))
            if any(not row.is_certain for row in self.network.tables[name].rows)
        }
        drawn = self.compiled.run(codes, likelihoods, targets=(names,), tables=tables)
        return mean, drawn.posterior[names]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return `names` and what stands between the tumour and them."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            parents = self.network.tables[name].parents
            if name in found or TUMOUR not in parents:
                continue  # the tumour is known, and the place and way in are conditioned on
            found.add(name)
            waiting += parents
        return found

    def site_weights(self, tumour: str) -> NDArray[np.float64]:
        """Return the likelihood of the sites, (1, sites), that makes P(site | tumour) what the
        tumour's own series find instead of what a uniform prior over sites implies."""
        codes = np.full((1, len(self.position)), NOT_OBSERVED, dtype=np.intp)
        codes[0, self.position[TUMOUR]] = self.network.variable(TUMOUR).index(tumour)
        implied = self.compiled.run(codes, targets=(SITE,)).posterior[SITE][0]
        every = self.builder.structure.every_site
        found = self.builder.prevalence.site_row(tumour).mean
        wanted = np.array([found[every.index(s)] for s in self.network.variable(SITE).states])
        weights = np.divide(wanted, implied, out=np.zeros_like(wanted), where=implied > 0)
        return np.asarray(weights[None])
