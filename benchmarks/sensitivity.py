"""Speed and agreement of the sensitivity layer, beside pyAgrum and R's voi.

``python -m benchmarks.sensitivity`` prints a report; ``benchmark_analyses(lines)`` appends it
for ``benchmarks/run.py``. With ``VOI_CHEMO`` naming a folder that holds ``chemo_nb.csv`` and
``chemo_pars.csv`` (the data sets of the R package voi, github.com/chjackson/voi at b43b894,
written as CSV), EVPPI is computed on voi's own input sample beside the numbers that its tests
expect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import mesenbayes as mb
from mesenbayes.sensitivity import Sensitivity, evppi
from mesenbayes.sensitivity.value_of_research import net_benefit_evpi, regression_evppi
from mesenbayes.testing import to_pyagrum

CASE = {
    "site": "stomach", "age": 60, "sex": "female", "size_cm": 4, "morphology": "spindle",
    "mitoses_per_5mm2": 2, "necrosis": "absent", "CD117": "negative", "DOG1": "negative",
    "CD34": "positive", "SMA": "negative", "desmin": "negative", "S100": "positive",
    "SOX10": "positive", "STAT6": "negative", "keratin": "negative", "lymphoid_cuff": "absent",
}  # fmt: skip
"""A case with nine stains, so that all markers means something."""

VOI = (
    (("p_side_effects_t2",), 262.1109, "gam"),
    (("p_side_effects_t2", "logor_side_effects"), 333.4516, "gam, tensor product"),
    (("p_side_effects_t2", "logor_side_effects"), 334.0442, "earth"),
)
"""tests/testthat/test_evppi.R of voi; EVPI of the same sample: 368.6051 (test_evpi.R)."""


def timed(function: Callable[[], object], repetitions: int = 1) -> tuple[str, object]:
    """Return the shortest wall-clock time with the processor time beside it, and the answer."""
    shortest, busy, answer = np.inf, np.inf, None
    for _ in range(repetitions):
        begin, used = time.perf_counter(), time.process_time()
        answer = function()
        shortest = min(shortest, time.perf_counter() - begin)
        busy = min(busy, time.process_time() - used)
    return f"{shortest:.2f} | {busy:.2f}", answer


def benchmark_analyses(lines: list[str], draws: int = 10_000) -> None:
    """Append the times of every analysis on the flagship."""
    network = mb.load_network("mesenchymal")
    diagnosis = network.diagnose(CASE)
    _ = diagnosis.decision
    problem = Sensitivity(diagnosis).problem
    lines += [
        "## Sensitivity and uncertainty",
        "",
        f"{network.name} {network.version}: {problem.entries.size:,} parameters in "
        f"{len(problem.entries.row_start):,} rows, {len(problem.reached)} rows that can matter "
        f"for a case of {len(CASE)} findings. Load of the machine {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores.",
        "",
        "| analysis | seconds | processor seconds, all threads | asked |",
        "|---|---|---|---|",
    ]

    def one_way() -> Sensitivity:
        answer = Sensitivity(diagnosis)
        first = answer.one_way
        for k in np.argsort(-answer.problem.mass)[:3]:
            first.derivative(int(k)), first.vertex(int(k)), first.bound(int(k))
        _ = first.admissible, first.successor, first.interval()
        decided = answer.treatment_one_way
        assert decided is not None
        _ = decided.admissible, decided.successor
        return answer

    seconds, answer = timed(one_way, 3)
    assert isinstance(answer, Sensitivity)
    lines.append(f"| one-way, all parameters, 3 diagnoses and decision | {seconds} | < 1 |")
    seconds, _ = timed(lambda: (answer.tornado(), answer.treatment_tornado()), 3)
    lines.append(f"| tornado of the diagnosis and of the decision | {seconds} | |")
    seconds, _ = timed(lambda: (answer.flips(), answer.treatment_flips()))
    lines.append(f"| what would flip it, all kinds, diagnosis and decision | {seconds} | |")
    seconds, _ = timed(answer.sources)
    lines.append(f"| each source counted not at all and twice | {seconds} | |")
    seconds, drawn = timed(lambda: answer.probabilistic(draws, rng=1))
    lines.append(f"| {draws:,} draws of diagnosis and decision | {seconds} | < 10 |")
    seconds, frame = timed(lambda: evppi(drawn))  # type: ignore[arg-type]
    markers = len(frame) - 2  # type: ignore[arg-type]
    lines.append(f"| EVPPI of {markers} markers, all rows, all outcomes | {seconds} | < 60 |")
    seconds, _ = timed(lambda: answer.morris(rng=1))
    lines.append(f"| Morris screening, 10 trajectories | {seconds} | |")
    seconds, _ = timed(lambda: answer.sobol("row", n=1024, rng=1))
    lines.append(f"| Sobol, 16 factors, n = 1024 | {seconds} | |")
    seconds, _ = timed(answer.robust)
    lines.append(f"| imprecise Dirichlet bounds of 3 diagnoses | {seconds} | |")
    seconds, _ = timed(answer.structural)
    lines.append(f"| three other structures | {seconds} | |")
    lines.append("")
    benchmark_against_pyagrum(lines, answer)
    benchmark_against_voi(lines)


def benchmark_against_pyagrum(lines: list[str], answer: Sensitivity, tried: int = 12) -> None:
    """Append one-way by changing a table and propagating again, as other tools do."""
    import pyagrum as gum

    problem, one_way = answer.problem, answer.one_way
    network, e = problem.network, problem.entries
    other = to_pyagrum(network)
    engine = gum.LazyPropagation(other)
    observed = {
        v.name: int(c) for v, c in zip(network.variables, problem.codes, strict=True) if c >= 0
    }
    engine.setEvidence(observed)
    engine.addTarget("tumour")
    engine.makeInference()
    worst, spent = 0.0, 0.0
    slope = np.abs(one_way.derivative())
    for i in np.argsort(-slope)[:tried]:
        t = float(one_way.interval()[i, 1])
        name = network.variables[e.variable[i]].name
        table = network.tables[name]
        theta = e.theta[e.members(int(e.row_of[i]))]
        row = theta * (1 - t) / (1 - e.theta[i])
        row[e.state[i]] = t
        changed = table.probability.copy()
        changed[table.row_index == e.row[i]] = row
        cpt = other.cpt(name)
        scope = (*table.parents, name)
        axes = [scope.index(n) for n in reversed(cpt.names)]

        def fill(values: np.ndarray, cpt: object = cpt, axes: list[int] = axes) -> None:
            cpt.fillWith(np.ascontiguousarray(values.transpose(axes)).ravel().tolist())  # type: ignore[attr-defined]

        fill(changed)
        begin = time.perf_counter()
        engine = gum.LazyPropagation(other)
        engine.setEvidence(observed)
        engine.addTarget("tumour")
        engine.makeInference()
        theirs = engine.posterior("tumour").toarray()
        spent += time.perf_counter() - begin
        worst = max(worst, float(np.abs(one_way.value(int(i), t) - theirs).max()))
        fill(table.probability)
    begin = time.perf_counter()
    _ = Sensitivity(answer.diagnosis).one_way
    once = time.perf_counter() - begin
    each = spent / tried
    lines += [
        f"One-way by propagating again with pyAgrum: {each * 1000:.0f} ms for one value of one "
        f"parameter, {each * e.size / 60:.0f} minutes for one value of each of {e.size:,}; here "
        f"{once:.2f} s for the whole functions of all. Largest difference over {tried} "
        f"parameters at the high end of their intervals: {worst:.0e}.",
        "",
    ]


def benchmark_against_voi(lines: list[str]) -> None:
    """Append EVPPI on the input sample of R's voi, if it is at hand."""
    folder = os.environ.get("VOI_CHEMO")
    if not folder:
        lines += ["R's voi: set VOI_CHEMO to compare on its own input sample.", ""]
        return
    value = pd.read_csv(Path(folder) / "chemo_nb.csv").to_numpy()
    inputs = pd.read_csv(Path(folder) / "chemo_pars.csv")
    everything = net_benefit_evpi(value).value
    lines += [
        "EVPPI on the 10,000 draws of the chemotherapy example of R's voi, beside the values "
        "that voi's tests expect:",
        "",
        "| known | voi | method of voi | here | standard error | seconds |",
        "|---|---|---|---|---|---|",
        f"| everything (EVPI) | 368.6051 | mean | {everything:.4f} | | |",
    ]
    for names, theirs, method in VOI:
        features = inputs[list(names)].to_numpy()
        begin = time.perf_counter()
        ours = regression_evppi(value, features)
        seconds = time.perf_counter() - begin
        lines.append(
            f"| {', '.join(names)} | {theirs} | {method} | {ours.value:.2f} | "
            f"{ours.standard_error:.2f} | {seconds:.2f} |"
        )
    lines.append("")


if __name__ == "__main__":
    report: list[str] = []
    benchmark_analyses(report)
    print("\n".join(report))
