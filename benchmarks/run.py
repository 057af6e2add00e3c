"""Speed of the engine beside pyAgrum and pgmpy, on the same cases in one run.

``python benchmarks/run.py`` prints a report and writes it to ``benchmarks/RESULTS.md``.
Every comparison checks that the answers agree. Times are means: over a few
repetitions of the batch for this engine, over as many cases as fit a few seconds for the
others. Run it on a quiet machine: both sides suffer from company, not always equally.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from mesenbayes.facade import load_network
from mesenbayes.inference import CompiledNetwork, compile_network
from mesenbayes.interop.pgmpy import to_pgmpy
from mesenbayes.network.network import Network
from mesenbayes.testing import bundled_network, mask, sample, to_pyagrum

SECONDS_FOR_THE_OTHERS = float(os.environ.get("BENCHMARK_SECONDS", "4"))
NETWORKS = (
    *("asia", "cancer", "survey", "sachs", "child", "alarm", "insurance", "hailfinder"),
    *("hepar2", "win95pts", "pathfinder", "andes", "pigs", "water", "barley", "mildew"),
)
LARGE = ("munin1", "diabetes", "link")
"""Cliques far beyond the bar: their own findings are asked for few cases only."""


def mean_time(function: Callable[[], object], repetitions: int = 3) -> float:
    """Return the mean of a few times, in seconds: what the other engines are given too."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return sum(times) / len(times)


def flagship() -> tuple[Network, str]:
    """Return the real network and its name with the version."""
    network = load_network("mesenchymal")
    return network, f"mesenchymal {network.version}"


def flagship_cases(network: Network, size: int, observed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Return sampled cases with `observed` random findings, as codes and as a frame."""
    rng = np.random.default_rng(1)
    columns = [i for i, v in enumerate(network.variables) if v.role == "finding"]
    codes = np.concatenate(
        [
            mask(sample(network, n, rng), min(observed, len(columns)), columns, rng).astype(
                np.int16
            )
            for n in _parts(size, 100_000)
        ]
    )
    frame = pd.DataFrame(
        {
            network.variables[i].name: pd.Categorical.from_codes(
                codes[:, i], categories=list(network.variables[i].states)
            )
            for i in columns
        }
    )
    return codes, frame


def _parts(size: int, step: int) -> list[int]:
    return [min(step, size - start) for start in range(0, size, step)]


def targets_of(network: Network) -> list[str]:
    return [v.name for v in network.variables if v.role in ("tumour", "genotype")]


def one_by_one(
    ask: Callable[[dict[str, int]], list[np.ndarray]],
    network: Network,
    codes: np.ndarray,
    targets: list[str],
    expected: dict,
) -> tuple[float, float]:
    """Put the cases to another engine; return seconds a case and the largest difference."""
    done, error, spent = 0, 0.0, 0.0
    while done < len(codes) and spent < SECONDS_FOR_THE_OTHERS:
        case = {network.variables[i].name: int(s) for i, s in enumerate(codes[done]) if s >= 0}
        start = time.perf_counter()
        answers = ask(case)
        spent += time.perf_counter() - start
        for target, answer in zip(targets, answers, strict=True):
            error = max(error, float(abs(answer - expected[target][done]).max()))
        done += 1
    if error > 1e-9:
        raise SystemExit(f"{network.name}: answers differ by {error:.1e}; no time is reported")
    return spent / done, error


def pyagrum_seconds(
    network: Network, codes: np.ndarray, targets: list[str], expected: dict, engine: str
) -> tuple[float, float]:
    import pyagrum as gum

    other = getattr(gum, engine)(to_pyagrum(network))
    for target in targets:
        other.addTarget(target)

    def ask(case: dict[str, int]) -> list[np.ndarray]:
        other.setEvidence(case)
        other.makeInference()
        return [other.posterior(t).toarray() for t in targets]

    return one_by_one(ask, network, codes, targets, expected)


def pgmpy_seconds(
    network: Network, codes: np.ndarray, targets: list[str], expected: dict
) -> tuple[float, float]:
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(to_pgmpy(network))
    states = {v.name: v.states for v in network.variables}

    def ask(case: dict[str, int]) -> list[np.ndarray]:
        named = {name: states[name][state] for name, state in case.items()}
        return [engine.query([t], evidence=named, show_progress=False).values for t in targets]

    return one_by_one(ask, network, codes, targets, expected)


def limits() -> tuple[float, float]:
    """Return this machine's multiply-adds and bytes a second, as numpy reaches them."""
    a = np.random.default_rng(0).random((1000, 1000))
    gemm = mean_time(lambda: a @ a)
    big = np.ones(2**24)
    copied = np.empty_like(big)
    move = mean_time(lambda: np.copyto(copied, big))
    return 1e9 / gemm, 2 * big.nbytes / move


def plan_limit(compiled: CompiledNetwork, states: int, rates: tuple[float, float]) -> float:
    """Return seconds a case that the last plan's multiply-adds, upward and downward, and its
    answers would take at this machine's best rates."""
    plan = [*compiled.planner._prepared.values()][-1].plan
    adds = 2 * sum(step.table for step in plan.steps if step.batched)
    return max(adds / rates[0], 8 * states / rates[1])


def benchmark_flagship(lines: list[str], rates: tuple[float, float]) -> None:
    network, what = flagship()
    targets = targets_of(network)
    start = time.perf_counter()
    compiled = compile_network(network)
    compiling = time.perf_counter() - start
    codes, frame = flagship_cases(network, 100_000, 30)
    answer = compiled.run(codes, targets=targets)
    seconds = mean_time(lambda: compiled.run_frame(frame, targets)) / len(codes)
    lines += [
        "## Flagship, 100,000 cases with 30 findings, frame to frame",
        "",
        f"Network: {what}, {len(network.variables)} variables; compiled in {compiling:.2f} s.",
        "",
        "| engine | microseconds a case | ratio | largest difference |",
        "| --- | --- | --- | --- |",
        f"| this engine | {seconds * 1e6:.2f} | 1 | |",
    ]
    for engine in ("LazyPropagation", "VariableElimination", "ShaferShenoyInference"):
        other, error = pyagrum_seconds(network, codes, targets, answer.posterior, engine)
        lines.append(
            f"| pyAgrum {engine} | {other * 1e6:.0f} | {other / seconds:.0f} | {error:.0e} |"
        )
    other, error = pgmpy_seconds(network, codes, targets, answer.posterior)
    lines.append(
        f"| pgmpy VariableElimination | {other * 1e6:.0f} | {other / seconds:.0f} | {error:.0e} |"
    )
    programs = compiled.planner._prepared.values()
    stacks = [leaf for leaf in [*programs][-1].model.leaves if leaf.kind == "stack"]
    # Each observed finding adds one row, as long as the joint states it hangs on.
    share = min(1.0, 30 / sum(v.role == "finding" for v in network.variables))
    added = share * sum(
        table.size / np.prod(table.shape[-len(xs) :])
        for leaf in stacks
        for xs, table in leaf.stacked
    )
    moved = 8 * sum(network.variable(t).cardinality for t in targets)
    physical = added / rates[0] + moved / rates[1]
    lines += [
        "",
        f"Physical limit: {added:,.0f} additions (the rows of the observed findings, which "
        f"stay in cache) and {moved:,} bytes of answers a case: {physical * 1e6:.2f} microseconds, "
        f"{seconds / physical:.0f} times below the figure. The exponentials of the joint states, "
        "about 5 ns each with numpy, come on top.",
        "",
    ]
    code = "from benchmarks.run import million; million()"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    lines += [out.stdout.strip(), ""]
    benchmark_one_case(lines, network, compiled, codes, rates)
    benchmark_draws(lines, network, compiled, codes, targets, rates)


def million() -> None:
    """Print throughput over a million cases and the memory of the whole process."""
    network, _ = flagship()
    targets = targets_of(network)
    compiled = compile_network(network)
    _, frame = flagship_cases(network, 1_000_000, 30)
    rates = []
    for size in (100_000, 1_000_000):
        part = frame.iloc[:size]
        start = time.perf_counter()
        compiled.run_frame(part, targets)
        rates.append((time.perf_counter() - start) / size * 1e6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"A million cases: {rates[1]:.2f} microseconds a case (100,000: {rates[0]:.2f}); "
        f"peak memory of the process, its input included, {peak:.2f} GiB (bar: 2)."
    )


def benchmark_one_case(
    lines: list[str],
    network: Network,
    compiled: CompiledNetwork,
    codes: np.ndarray,
    rates: tuple[float, float],
) -> None:
    import pyagrum as gum

    compiled.marginals(codes[:1])
    known = mean_time(lambda: compiled.marginals(codes[:1]), 5)
    start = time.perf_counter()
    compiled.marginals(codes[1:2])
    new = time.perf_counter() - start
    limit = plan_limit(compiled, sum(v.cardinality for v in network.variables), rates)
    other = gum.LazyPropagation(to_pyagrum(network))

    def pyagrum() -> None:
        other.setEvidence(
            {network.variables[i].name: int(s) for i, s in enumerate(codes[0]) if s >= 0}
        )
        other.makeInference()
        for v in network.variables:
            other.posterior(v.name)

    theirs = mean_time(pyagrum, 3)
    lines += [
        "## One case, the marginal of every variable",
        "",
        f"{known * 1e3:.1f} ms (first time for a set of findings, planning included: "
        f"{new * 1e3:.0f} ms); pyAgrum {theirs * 1e3:.0f} ms: ratio {theirs / known:.1f} "
        f"(first time {theirs / new:.1f}). Physical limit: the multiply-adds of both passes, "
        f"{limit * 1e6:.1f} microseconds; the rest is the call of some thousand small numpy "
        "operations.",
        "",
    ]


def benchmark_draws(
    lines: list[str],
    network: Network,
    compiled: CompiledNetwork,
    codes: np.ndarray,
    targets: list[str],
    rates: tuple[float, float],
) -> None:
    rng = np.random.default_rng(2)
    observed = [network.variables[i].name for i in np.flatnonzero(codes[0] >= 0)]
    needed = {*targets, *observed}
    for v in reversed(network.variables):
        if v.name in needed:
            needed.update(network.tables[v.name].parents)
    start = time.perf_counter()
    draws = {name: network.tables[name].draw(10_000, rng) for name in sorted(needed)}
    drawing = time.perf_counter() - start
    size = sum(table.nbytes for table in draws.values())
    seconds = mean_time(lambda: compiled.run(codes[0], targets=targets, tables=draws), 2)
    lines += [
        "## 10,000 joint draws of all parameters, one case",
        "",
        f"{seconds:.2f} s for the posteriors; drawing the Dirichlets of the "
        f"{len(needed)} tables that matter takes {drawing:.1f} s "
        f"and {size / 2**30:.2f} GiB (drawn tables are read once: "
        f"{size / rates[1]:.2f} s is the limit).",
        "",
    ]


def benchmark_networks(lines: list[str], rates: tuple[float, float]) -> None:
    lines += [
        "## Published networks, a batch of 2,000, one target",
        "",
        "*Panel*: the same random 30 % of the variables is observed in all cases. *Own*: each "
        "case has its own random 30 % (20 cases of munin1, diabetes and link). Times are "
        "microseconds a case after the first run; in brackets with planning. *Limit*: the "
        "multiply-adds of the panel's plan at the rate of a matrix product, microseconds a case.",
        "",
        "| network | variables | largest table | panel | limit | pyAgrum | ratio | own | pyAgrum "
        "| ratio | difference |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    panel_ratios, own_ratios = [], []
    for name in (*NETWORKS, *LARGE):
        network = bundled_network(name)
        compiled = compile_network(network, 2**31)
        n = len(network.variables)
        rng = np.random.default_rng(1)
        columns = rng.permutation(n)
        observed = max(1, round(0.3 * n))
        target = network.variables[columns[-1]].name
        complete = sample(network, 2000, rng)
        panel = np.full_like(complete, -1)
        panel[:, columns[:observed]] = complete[:, columns[:observed]]
        own = mask(complete, observed, columns[:-1], rng)[: 20 if name in LARGE else None]
        cells, errors = [], []
        for codes, ratios in ((panel, panel_ratios), (own, own_ratios)):
            start = time.perf_counter()
            answer = compiled.run(codes, targets=[target])
            spent = time.perf_counter() - start
            first = spent / len(codes)
            again = (
                mean_time(partial(compiled.run, codes, targets=[target]), 2) / len(codes)
                if spent < 20
                else first
            )
            theirs, error = pyagrum_seconds(
                network, codes, [target], answer.posterior, "LazyPropagation"
            )
            ratios.append((name, theirs / again))
            errors.append(error)
            limit = plan_limit(compiled, network.variable(target).cardinality, rates)
            cells += [
                f"{again * 1e6:.1f} ({first * 1e6:.1f})",
                *([f"{limit * 1e6:.2g}"] if codes is panel else []),
                f"{theirs * 1e6:.0f}",
                f"{theirs / again:.1f} ({theirs / first:.1f})",
            ]
        largest = clique_entries(network)
        lines.append(f"| {name} | {n} | {largest:,} | {' | '.join(cells)} | {max(errors):.0e} |")
        print(lines[-1], flush=True)
        if largest > 100_000:
            panel_ratios.pop()
            own_ratios.pop()
    for what, ratios in (("panel", panel_ratios), ("own", own_ratios)):
        values = np.array([r for _, r in ratios])
        worst = min(ratios, key=lambda item: item[1])
        lines += [
            "",
            f"Largest clique up to 100,000 entries, {what}: geometric mean "
            f"{np.exp(np.log(values).mean()):.0f} over {len(values)} networks, "
            f"least {worst[1]:.1f} ({worst[0]}).",
        ]
    lines.append("")


def clique_entries(network: Network) -> int:
    """Return the largest clique of pyAgrum's own junction tree, in entries."""
    import pyagrum as gum

    tree = gum.LazyPropagation(to_pyagrum(network)).junctionTree()
    names = [v.name for v in network.variables]
    sizes = [network.variable(name).cardinality for name in names]
    return max(int(np.prod([sizes[v] for v in tree.clique(c)])) for c in tree.nodes())


def benchmark_sensitivity(lines: list[str], rates: tuple[float, float]) -> None:
    network = bundled_network("pathfinder")
    compiled = compile_network(network)
    rng = np.random.default_rng(3)
    codes = mask(sample(network, 1, rng), 20, range(1, len(network.variables)), rng)
    target = network.variables[0]
    compiled.gradient(codes, hypothesis=(target.name, 0))
    seconds = mean_time(lambda: compiled.gradient(codes, hypothesis=(target.name, 0)))
    every = mean_time(lambda: compiled.gradient(codes, hypothesis=target.name), 1)
    count = sum(table.probability.size for table in network.tables.values())
    one = mean_time(lambda: compiled.run(codes, targets=[target.name]))
    lines += [
        "## Sensitivity of one query to every parameter, pathfinder",
        "",
        f"{count:,} parameters: {seconds * 1e3:.0f} ms (bar: 100) for one state of "
        f"{target.name}, {every * 1e3:.0f} ms for each of its {target.cardinality}; "
        f"by re-propagation with this engine {count * one:,.0f} s. Physical limit: two "
        f"gradients of {count:,} numbers written and read once, "
        f"{4 * 8 * count / rates[1] * 1e3:.1f} ms.",
        "",
    ]


REPORT = (
    "probabilities", "certainty", "posterior", "genotype", "findings", "conflict", "balance",
    "repairs", "full_picture", "next_tests", "workup", "decision",
)  # fmt: skip
CASES = (
    {"site": "stomach", "age": 61, "size_cm": 5.5, "morphology": "spindle", "sampling": "core",
     "cells": "scant", "CD117": "negative", "DOG1": "positive", "CD34": "positive",
     "SMA": "negative", "desmin": "negative", "S100": "negative", "mitoses_per_5mm2": 3},
    {"site": "retroperitoneum", "age": 55, "size_cm": 15, "morphology": "pleomorphic",
     "MDM2": "positive", "CDK4": "positive", "SMA": "negative", "desmin": "negative",
     "S100": "negative", "keratin": "negative", "grade": "grade_3", "stroma": "myxoid"},
    {"site": "extremity", "age": 25, "TLE1": "positive", "EMA": "positive", "keratin": "positive",
     "S100": "negative", "CD34": "negative", "BCL2": "positive", "CD99": "positive",
     "SS18_rearrangement": "present", "size_cm": 6, "mitoses_per_5mm2": 8},
)  # fmt: skip


def benchmark_report(lines: list[str]) -> None:
    """Everything that a report holds, for cases that share no set of findings."""
    network = load_network("mesenchymal")
    spent = []
    for case in CASES:
        diagnosis = network.diagnose(case)
        wall, busy = time.perf_counter(), time.process_time()
        for part in REPORT:
            getattr(diagnosis, part)
        diagnosis.smallest_change()
        spent.append((time.perf_counter() - wall, time.process_time() - busy))
    lines += [
        "## A full report on the flagship",
        "",
        "Everything from the interval to the work-up and the treatment, planning included: "
        + "; ".join(f"{wall:.2f} s ({busy:.2f} s of processor)" for wall, busy in spent)
        + " (bar: 1). The first case also pays for imports.",
        "",
    ]


_ROOT = Path(__file__).parents[1]


def main() -> None:
    # pgmpy warns, while it is imported, of a name that it has itself deprecated.
    warnings.filterwarnings("ignore", module="pgmpy")
    rates = limits()
    load = os.getloadavg()[0]
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "pandas", "pyagrum", "pgmpy"))
    lines = [
        "# Benchmarks of the engine",
        "",
        f"Written by `python benchmarks/run.py`. Python {platform.python_version()}, {packages}; "
        f"{os.cpu_count()} cores, load average {load:.1f} at the start; matrix product "
        f"{rates[0] / 1e9:.0f} G multiply-adds/s, copy {rates[1] / 1e9:.1f} GB/s.",
        "",
    ]
    for part in (
        lambda: benchmark_flagship(lines, rates),
        lambda: benchmark_report(lines),
        lambda: benchmark_sensitivity(lines, rates),
        lambda: benchmark_networks(lines, rates),
    ):
        part()
        print("\n".join(lines), flush=True)
    sys.path.insert(0, str(_ROOT))
    from benchmarks.sensitivity import benchmark_analyses

    benchmark_analyses(lines)
    (_ROOT / "benchmarks" / "RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
