"""``mesenbayes sensitivity``: what an answer hangs on."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import CASES, IGNORE, JSON, NETWORK

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.sensitivity.analysis import Sensitivity
    from mesenbayes.sensitivity.probabilistic import Probabilistic

FLIP = typer.Option("--flip", help="What would change the diagnosis or the treatment.")
SOURCES = typer.Option("--sources", help="What rests on each source.")
PSA = typer.Option("--psa", min=1, help="Probabilistic analysis with N draws.", metavar="N")
EVPPI = typer.Option(
    "--evppi",
    help="Value of knowing GROUP (a variable, a source, rows, outcomes, utilities; `markers` "
    "for each marker of the case). May be repeated.",
    metavar="GROUP",
)
SOBOL = typer.Option("--sobol", help="Sobol indices by row, table or source.", metavar="BY")
ROBUST = typer.Option("--robust", min=0.0, help="Bounds with S cases at will in every row.",
                      metavar="S")  # fmt: skip
STRUCTURAL = typer.Option("--structural", help="The case under other structures.")
SHOWN = typer.Option("--shown", min=1, help="Lines of each table.")
SEED = typer.Option("--seed", help="Seed of what is drawn.")

_DRAWS = 10_000
"""Draws behind ``--evppi`` if ``--psa`` does not say."""


def sensitivity(
    cases: Annotated[list[str], CASES],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    flip: Annotated[bool, FLIP] = False,
    sources: Annotated[bool, SOURCES] = False,
    psa: Annotated[int | None, PSA] = None,
    evppi: Annotated[list[str] | None, EVPPI] = None,
    sobol: Annotated[str | None, SOBOL] = None,
    robust: Annotated[float | None, ROBUST] = None,
    structural: Annotated[bool, STRUCTURAL] = False,
    shown: Annotated[int, SHOWN] = 12,
    seed: Annotated[int, SEED] = 1,
    ignore_unknown: Annotated[bool, IGNORE] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say what an answer hangs on: parameters, findings, sources, and what research is worth.

    Without an option: the tornado of the leading diagnosis and of the treatment, and the
    diagnosis without each finding.

    Example: mesenbayes sensitivity networks/gi-mesenchymal/cases/gastric_gist.yaml --flip
    """
    from mesenbayes.diagnosis.case import read_cases
    from mesenbayes.facade import load_network
    from mesenbayes.sensitivity.analysis import Sensitivity

    read = [case for path in cases for case in read_cases(path)]
    loaded = load_network(network)
    answers = [Sensitivity(loaded.diagnose(c, ignore_unknown=ignore_unknown)) for c in read]
    chosen = any((flip, sources, psa, evppi, sobol, robust is not None, structural))
    reports: list[dict[str, Any]] = []
    for one in answers:
        # Everything is computed before anything is printed: an error leaves no half report.
        parts: dict[str, Any] = {}
        if not chosen:
            _default(one, parts)
        if flip:
            with _bar("what would flip it") as step:
                step(0, 2)
                parts["flip"] = one.flips()
                step(1, 2)
                if one.treatment_choice is not None:
                    parts["treatment_flip"] = one.treatment_flips()
        if sources:
            with _bar("sources"):
                parts["sources"] = one.sources()
        if psa or evppi:
            _drawn(one, psa, evppi or [], seed, parts)
        if sobol:
            with _bar("Sobol") as step:
                by: Any = sobol
                parts["sobol"] = one.sobol(by, rng=seed, progress=step)
        if robust is not None:
            with _bar("robust bounds") as step:
                parts["robust"] = one.robust(robust, progress=step)
        if structural:
            with _bar("structures"):
                parts["structural"] = one.structural()
        reports.append(parts)
    if as_json:
        data = [_data(one, parts) for one, parts in zip(answers, reports, strict=True)]
        text = data[0] if len(data) == 1 else data
        typer.echo(json.dumps(text, indent=2, ensure_ascii=False))
        return
    for one, parts in zip(answers, reports, strict=True):
        _print(one, parts, shown)


def _default(one: Sensitivity, parts: dict[str, Any]) -> None:
    parts["tornado"] = one.tornado()
    if one.treatment_choice is not None:
        parts["treatment_tornado"] = one.treatment_tornado()
    parts["findings"] = one.without_each_finding()


def _drawn(
    one: Sensitivity, draws: int | None, groups: list[str], seed: int, parts: dict[str, Any]
) -> None:
    from mesenbayes.sensitivity.value_of_research import evpi, evppi, group, marker_groups

    with _bar("draws") as step:
        analysis: Probabilistic = one.probabilistic(draws or _DRAWS, rng=seed, progress=step)
    if draws:
        parts["probabilistic"] = analysis
    if not groups:
        return
    wanted = [
        g
        for name in groups
        for g in (marker_groups(analysis) if name == "markers" else [group(analysis, name)])
    ]
    parts["evpi"] = evpi(analysis)
    with _bar("value of research") as step:
        parts["evppi"] = evppi(analysis, wanted, rng=seed, progress=step)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _plain(value: Any) -> Any:
    """Return what JSON can hold; infinite and missing numbers become null."""
    if hasattr(value, "to_dict") and not hasattr(value, "columns"):
        return _plain(value.to_dict())
    if hasattr(value, "columns"):
        named = value.reset_index() if value.index.name else value
        return _plain(named.to_dict("records"))
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _data(one: Sensitivity, parts: dict[str, Any]) -> dict[str, Any]:
    from mesenbayes.report.diagnosis import DISCLAIMER

    network = one.diagnosis.network
    data: dict[str, Any] = {
        "case": one.diagnosis.case.case.name,
        "network": {"name": network.name, "version": network.version, "digest": network.digest},
        "posterior": dict(zip(one.problem.names, one.problem.mass.tolist(), strict=True)),
    }
    for name, part in parts.items():
        if name == "evpi":
            data[name] = {"value": part.value, "standard_error": part.standard_error}
        elif name in ("robust", "structural", "sobol"):
            data[name] = {"sentence": part.sentence, "table": _plain(part.to_frame())}
        else:
            data[name] = _plain(part)
    data["disclaimer"] = DISCLAIMER
    return data


_TITLES = {
    "tornado": "One-way: each parameter through its own 95 % interval",
    "treatment_tornado": "The same for the choice of treatment",
    "findings": "Without each finding",
    "flip": "What would put another diagnosis first",
    "treatment_flip": "What would change the treatment",
    "sources": "What rests on each source",
    "probabilistic": "Everything uncertain drawn at once",
    "evppi": "Value of knowing a group exactly",
    "sobol": "Sobol indices",
    "robust": "Robust bounds",
    "structural": "Other structures",
}


def _print(one: Sensitivity, parts: dict[str, Any], shown: int) -> None:
    from mesenbayes.report.diagnosis import DISCLAIMER

    case = one.diagnosis
    typer.echo(f"{case.case.case.name}: {case.leading.code} {case.leading.probability:.3f}")
    for name, part in parts.items():
        if name == "evpi":
            continue
        typer.echo(f"\n{_TITLES[name]}")
        sentence = part.attrs.get("sentence") if hasattr(part, "attrs") else part.sentence
        if sentence:
            typer.echo(f"  {sentence}")
        if name == "evppi":
            worth = parts["evpi"]
            typer.echo(f"  EVPI {worth.value:.3g} (s.e. {worth.standard_error:.2g})")
        for frame in _frames(name, part):
            typer.echo(_table(frame.head(shown)))
        if hasattr(part, "impossible"):
            counts = ", ".join(f"{n} of kind {k}" for k, n in part.impossible.items())
            typer.echo(f"  Impossible by: {counts}.")
    typer.echo(f"\n{DISCLAIMER}\n")


def _frames(name: str, part: Any) -> list[pd.DataFrame]:
    if name == "probabilistic":
        frames = [part.differential()]
        return [*frames, part.options().drop(columns="label")] if part.choice else frames
    if name == "structural":
        return [part.to_frame().reset_index()]
    frame = part if hasattr(part, "columns") else part.to_frame()
    hidden = [c for c in ("width", "bound", "note", "odds", "rows") if c in frame.columns]
    return [frame.drop(columns=hidden)]


def _table(frame: pd.DataFrame) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if math.isnan(value) else f"{value:.3g}"
        text = str(value)
        return text if len(text) <= 44 else text[:41] + "..."

    columns = [[str(c), *(cell(v) for v in frame[c])] for c in frame.columns]
    width = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "\n".join(
        "  " + "  ".join(text.ljust(w) for text, w in zip(row, width, strict=True)).rstrip()
        for row in rows
    )
