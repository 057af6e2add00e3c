"""A study of honesty: what is said of a tumour that the network does not know.

Each modelled tumour is left out in turn, with its evidence, and so is what is the same disease at
another place (one ICD-O-3 code: leiomyoma of the uterus and elsewhere); its cases are simulated
from the complete network and given to the one without it. What counts as right is "none of the
modelled diagnoses" in the lead, or a stated misfit. The same is done with the complete network and
the cases of all its tumours, where either is a false alarm.

A case is *distinctive* if its findings are at least a thousand times more probable under its
own tumour than under any other that is modelled: there the network could know better.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from mesenbayes.diagnosis.conflict import SETTING, measure_conflict
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.findings import Finding
from mesenbayes.inference import CompiledNetwork, compile_network
from mesenbayes.network.build import NetworkBuilder
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.structure import (
    ASCERTAINMENT,
    GENOTYPE,
    OTHER,
    SITE,
    TUMOUR,
    Structure,
    with_tumours,
)
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

DISTINCTIVE = 1000.0
"""How many times more probable the findings must be under the own tumour than any other."""
_BATCH = 200
_TRIES = 5
_PANEL_CASES = 100
"""Simulated cases of each tumour by which the panel is chosen."""


@dataclass(frozen=True)
class Flags:
    """How often cases of one tumour were said to be none of these, or not to fit.

    Parameters
    ----------
    tumour
        Code.
    drawn, distinctive
        Cases simulated to find the distinctive ones, and how many were.
    judged
        Cases that were diagnosed.
    none, misfit, either
        How many of them had none of these in the lead, a stated misfit, either.
    taken_for
        The diagnosis that most often led otherwise.
    noticed : (judged,)
        Whether each case was.
    weights : (judged,)
        How many times more probable its findings are under the own tumour than under any
        other, decimal logarithm.
    """

    tumour: str
    drawn: int
    distinctive: int
    judged: int
    none: int
    misfit: int
    either: int
    taken_for: str
    noticed: tuple[bool, ...] = ()
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Study:
    """The measured result.

    Parameters
    ----------
    left_out
        Distinctive cases of each tumour, judged by the network without it.
    false_alarms
        Cases of each tumour, judged by the complete network.
    """

    network: str
    stains: tuple[str, ...]
    left_out: tuple[Flags, ...]
    false_alarms: tuple[Flags, ...]

    @property
    def detection(self) -> float:
        """Mean share of distinctive cases noticed, each tumour counted alike."""
        return _mean([f.either / f.judged for f in self.left_out if f.judged])

    @property
    def false_alarm(self) -> float:
        """Mean share of false alarms, each tumour counted alike."""
        return _mean([f.either / f.judged for f in self.false_alarms if f.judged])

    def by_distinctiveness(
        self, bounds: Sequence[float] = (3, 4, 6)
    ) -> tuple[tuple[float, float, int, int], ...]:
        """Return (from, up to, noticed, judged) of the cases left out; the bounds are decimal
        logarithms."""
        noticed = np.array([n for f in self.left_out for n in f.noticed], dtype=bool)
        weights = np.array([w for f in self.left_out for w in f.weights])
        table = []
        for low, high in zip(bounds, (*bounds[1:], np.inf), strict=True):
            here = (weights >= low) & (weights < high)
            table.append((low, high, int(noticed[here].sum()), int(here.sum())))
        return tuple(table)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a tumour and question."""
        import pandas as pd

        rows = [("left out", f) for f in self.left_out]
        rows += [("modelled", f) for f in self.false_alarms]
        return pd.DataFrame(
            [
                {"question": question, "tumour": f.tumour, "drawn": f.drawn,
                 "distinctive": f.distinctive, "judged": f.judged, "none": f.none,
                 "misfit": f.misfit, "either": f.either, "taken_for": f.taken_for}
                for question, f in rows
            ]
        )  # fmt: skip


def study_none_of_these(
    builder: NetworkBuilder,
    network: BayesianNetwork,
    *,
    cases: int = 20,
    tumours: Sequence[str] | None = None,
    stains: int = 25,
    rng: np.random.Generator,
    progress: Callable[[str], None] = lambda _: None,
) -> Study:
    """Run the study.

    Parameters
    ----------
    builder, network
        What the network is built from, and the network.
    cases
        Distinctive cases to judge for each tumour, and cases for the false alarms.
    stains
        How many stains are done in every case: those that together tell the tumours apart best.
        All gene tests and what a slide and a chart show are stated too.
    """
    compiled = compile_network(network)
    observed, chosen = _stated(network, compiled, stains, rng)
    codes = [c for c in network.variable(TUMOUR).states if c != OTHER]
    wanted = codes if tumours is None else list(tumours)
    left_out, false_alarms = [], []
    for code in wanted:
        progress(code)
        same = one_disease(builder.structure, code)
        found, weights, drawn, distinctive = _distinctive(
            network, compiled, code, same, observed, cases, rng
        )
        if len(found):
            other = without(builder, same)
            there = [v.name for v in other.variables]
            here = [v.name for v in network.variables]
            moved = found[:, [here.index(name) for name in there]]
            judged = _judge(other, compile_network(other), moved, observed, rng)
            left_out.append(
                replace(
                    judged, tumour=code, drawn=drawn, distinctive=distinctive,
                    weights=tuple(weights.tolist()),
                )
            )  # fmt: skip
        else:
            left_out.append(Flags(code, drawn, 0, 0, 0, 0, 0, ""))
        own = simulate_tumour(network, compiled, code, cases, rng)
        judged = _judge(network, compiled, own, observed, rng)
        false_alarms.append(replace(judged, tumour=code, drawn=cases))
    return Study(network.name, chosen, tuple(left_out), tuple(false_alarms))


def one_disease(structure: Structure, code: str) -> tuple[str, ...]:
    """Return the tumour and those that only its place tells from it: one ICD-O-3 code."""
    morphology = structure.tumour(code).codes.get("ICD-O-3")
    return tuple(
        t.code
        for t in structure.tumours
        if t.code == code or (morphology and t.codes.get("ICD-O-3") == morphology)
    )


def without(builder: NetworkBuilder, codes: Collection[str]) -> BayesianNetwork:
    """Return the network built as if the tumours `codes` had never been described."""
    structure = with_tumours(
        builder.structure, tuple(c for c in builder.structure.tumour_codes if c not in codes)
    )
    structure = replace(
        structure, relatives=tuple(t for t in structure.relatives if t.code not in codes)
    )
    evidence = replace(
        builder.evidence,
        # Rows of the genotype stay: the genotype table is built even if nothing uses it.
        counts=tuple(
            r for r in builder.evidence.counts if r.tumour not in codes or r.finding == GENOTYPE
        ),
    )
    built = list(NetworkBuilder(structure, evidence, builder.priors).tables())
    return BayesianNetwork(
        f"{structure.name} without {' and '.join(codes)}",
        structure.version,
        tuple(spec.variable for spec, _ in built),
        {spec.variable.name: table for spec, table in built},
    )


def simulate_tumour(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    code: str,
    size: int,
    rng: np.random.Generator,
) -> IntArray:
    """Draw cases of one tumour, (size, variables): place and way of finding first, given it."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    state = network.variable(TUMOUR).index(code)
    given = np.full((1, len(network.variables)), NOT_OBSERVED, dtype=np.intp)
    given[0, position[TUMOUR]] = state
    pair = (SITE, ASCERTAINMENT)
    joint = compiled.run(given, targets=(pair,)).posterior[pair][0]
    counts = rng.multinomial(size, (joint / joint.sum()).ravel()).reshape(joint.shape)
    parts = [
        sample_codes(
            network, int(counts[s, a]), rng, {SITE: int(s), ASCERTAINMENT: int(a), TUMOUR: state}
        )
        for s, a in np.argwhere(counts)
    ]
    return np.concatenate(parts)


def _stated(
    network: BayesianNetwork, compiled: CompiledNetwork, stains: int, rng: np.random.Generator
) -> tuple[list[str], tuple[str, ...]]:
    """Return the variables stated in every case, and the stains among them."""
    groups: dict[str, list[str]] = {}
    for variable in network.variables:
        if variable.role == "finding":
            groups.setdefault(variable.group, []).append(variable.name)
    every = groups.get("immunohistochemistry", [])
    nothing = np.full((1, len(network.variables)), NOT_OBSERVED, dtype=np.intp)
    joints = compiled.pairwise(nothing, target=TUMOUR, findings=every)
    modelled = [i for i, s in enumerate(network.variable(TUMOUR).states) if s != OTHER]
    likelihood = {}
    for name in every:
        table = joints[name][0][modelled]
        likelihood[name] = table / table.sum(axis=1, keepdims=True)
    chosen = _complementary(likelihood, stains, rng)
    patient = [n for n in groups.get("patient", []) if n not in (SITE, ASCERTAINMENT)]
    slide = [*groups.get("gross", []), *groups.get("histology", [])]
    return [*patient, *slide, *chosen, *groups.get("molecular", [])], chosen


def _complementary(
    likelihood: Mapping[str, FloatArray], size: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Choose a panel one stain after the other, each the one that tells the tumours apart best
    beside those chosen before it.

    Tumours count alike, and for this choice the stains as independent given the tumour: ranked
    one by one, the four muscle stains would all come before the first melanocytic one.

    Parameters
    ----------
    likelihood : name -> (tumours, states)
    """
    if not likelihood:
        return ()
    tumours = len(next(iter(likelihood.values())))
    truth = np.repeat(np.arange(tumours), _PANEL_CASES)
    told = np.zeros((len(truth), tumours))  # log P(results so far | tumour)
    seen = {}
    for name, table in likelihood.items():
        edges = table.cumsum(axis=1)[:, :-1][truth]
        result = (rng.random(len(truth))[:, None] > edges).sum(axis=1)
        seen[name] = np.log(np.maximum(table, 1e-300)).T[result]
    chosen: list[str] = []
    while len(chosen) < min(size, len(likelihood)):
        right = {}
        for name in sorted(likelihood.keys() - set(chosen)):
            log_p = told + seen[name]
            right[name] = float(
                (log_p[np.arange(len(truth)), truth] - logsumexp(log_p, axis=1)).mean()
            )
        best = max(right, key=lambda name: right[name])
        chosen.append(best)
        told += seen[best]
    return tuple(chosen)


def _distinctive(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    code: str,
    same: Collection[str],
    observed: Sequence[str],
    wanted: int,
    rng: np.random.Generator,
) -> tuple[IntArray, FloatArray, int, int]:
    """Return up to `wanted` distinctive cases, how distinctive each is (decimal logarithm), how
    many were drawn and how many were."""
    states = network.variable(TUMOUR).states
    own = states.index(code)
    rivals = [i for i, s in enumerate(states) if s not in (*same, OTHER)]
    kept: list[IntArray] = []
    weights: list[FloatArray] = []
    drawn = found = 0
    for _ in range(_TRIES):
        cases = simulate_tumour(network, compiled, code, _BATCH, rng)
        known = _only(network, cases, [*observed, *SETTING])
        place = _only(network, cases, SETTING)
        after = compiled.run(known, targets=(TUMOUR,)).posterior[TUMOUR]
        before = compiled.run(place, targets=(TUMOUR,)).posterior[TUMOUR]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(before > 0, np.log(after) - np.log(before), -np.inf)
        weight = ratio[:, own] - ratio[:, rivals].max(axis=1)
        good = weight >= np.log(DISTINCTIVE)
        drawn += len(cases)
        found += int(good.sum())
        kept.append(cases[good])
        weights.append(weight[good] / np.log(10))
        if found >= wanted:
            break
    return np.concatenate(kept)[:wanted], np.concatenate(weights)[:wanted], drawn, found


def _only(network: BayesianNetwork, cases: IntArray, names: Sequence[str]) -> IntArray:
    """Return the cases with nothing observed but `names`."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    columns = [position[n] for n in names if n in position]
    masked = np.full_like(cases, NOT_OBSERVED)
    masked[:, columns] = cases[:, columns]
    return masked


def _judge(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    cases: IntArray,
    observed: Sequence[str],
    rng: np.random.Generator,
) -> Flags:
    states = network.variable(TUMOUR).states
    names = [n for n in (*observed, *SETTING) if n in {v.name for v in network.variables}]
    known = _only(network, cases, names)
    position = {v.name: i for i, v in enumerate(network.variables)}
    leads = compiled.run(known, targets=(TUMOUR,)).posterior[TUMOUR].argmax(axis=1)
    none = leads == states.index(OTHER)
    odd = np.zeros(len(cases), dtype=bool)
    for row, codes in enumerate(known):
        findings = tuple(
            Finding(n, network.variable(n).states[codes[position[n]]]) for n in names
        )
        conflict = measure_conflict(
            network, compiled, Encoded(codes, {}), findings, rng=rng
        )
        odd[row] = conflict.is_odd
    quiet = leads[~(none | odd)]
    taken = states[int(np.bincount(quiet).argmax())] if len(quiet) else ""
    return Flags(
        "", 0, 0, len(cases), int(none.sum()), int(odd.sum()), int((none | odd).sum()), taken,
        tuple((none | odd).tolist()),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
