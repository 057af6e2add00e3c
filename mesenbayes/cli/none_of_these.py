"""``mesenbayes none-of-these``: what is said of a tumour that the network does not know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesenbayes.cli.options import NETWORK

if TYPE_CHECKING:
    from mesenbayes.diagnosis.none_of_these import Flags, Study


def none_of_these(
    network: Annotated[str, NETWORK] = "mesenchymal",
    cases: Annotated[int, typer.Option("--cases", help="Cases per tumour.", min=1)] = 20,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the result as a Markdown page.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the simulation.")] = 20261124,
) -> None:
    """Leave each modelled tumour out in turn and see whether its cases are recognised as none
    of the others; and how often modelled tumours are wrongly called that. Takes minutes."""
    import numpy as np

    from mesenbayes.cli.picture import can_write
    from mesenbayes.diagnosis.none_of_these import study_none_of_these
    from mesenbayes.errors import CaseError
    from mesenbayes.facade import load_network

    can_write(out)
    loaded = load_network(network)
    if loaded.builder is None:
        raise CaseError(f"the network {loaded.name} cannot be rebuilt without a tumour")
    study = study_none_of_these(
        loaded.builder,
        loaded,
        cases=cases,
        rng=np.random.default_rng(seed),
        progress=lambda code: typer.echo(f"{code} ", nl=False, err=True),
    )
    typer.echo("", err=True)
    command = f"mesenbayes none-of-these --network {network} --cases {cases} --seed {seed}"
    page = as_page(study, loaded.version, loaded.digest, command)
    if out is not None:
        out.write_text(page, encoding="utf-8")
    typer.echo(
        f"noticed {study.detection:.0%} of the distinctive cases of tumours left out, false alarm "
        f"in {study.false_alarm:.1%} of the cases of modelled tumours"
    )


def as_page(study: Study, version: str, digest: str, command: str) -> str:
    """Return the measured result as a Markdown page."""
    from mesenbayes.diagnosis.misfit import UNKNOWN

    judged = [f for f in study.left_out if f.judged]
    lines = [
        "# None of the modelled diagnoses: how often it is said, and how often it is right",
        "",
        f"Written by `{command}` on network {study.network} {version} (`{digest}`). "
        "Simulated cases, not patients.",
        "",
        "Each modelled tumour was left out of the network in turn, with all its evidence, and so "
        "was what is the same disease at another place (one ICD-O-3 code: leiomyoma and "
        "leiomyosarcoma of the uterus and elsewhere). Cases of it were simulated from the "
        "complete network and given to the network without it. "
        "Distinctive cases only: their findings are at least a thousand times more probable under "
        "their own tumour than under any other. Stated in every case: the patient, the slide, "
        f"{len(study.stains)} stains ({', '.join(study.stains)}: chosen one after the other to "
        "tell the tumours apart, tumours alike) and all gene tests. A case counts as noticed if "
        "\"none of these\" leads or a misfit or conflict is stated.",
        "",
        "The measure of misfit was chosen among about 100 on other simulated cases of the same "
        "tumours, the bound of a thousand on an earlier build of this network, and the bound above "
        f"which an unknown tumour is suspected ({UNKNOWN:g}) where 5 % of 1,260 simulated cases of "
        "modelled tumours, drawn with another seed, are called odd: the false alarms are an "
        "independent test, what is noticed is not.",
        "",
        "| | tumours alike | cases alike (95 % Wilson interval) | aim |",
        "|---|---|---|---|",
        f"| noticed, tumour left out | {study.detection:.1%} | {_pooled(study.left_out)} "
        "| at least 80 % |",
        f"| false alarm, tumour modelled | {study.false_alarm:.1%} "
        f"| {_pooled(study.false_alarms)} | at most 5 % |",
        "",
        f"{len(judged)} of {len(study.left_out)} tumours have distinctive cases.",
        "",
        "## By how distinctive the findings are",
        "",
        "| times more probable than under any other tumour | cases | noticed |",
        "|---|---|---|",
        *(
            f"| 10^{low:g} {'and more' if high == float('inf') else f'to 10^{high:g}'} | {n} "
            f"| {k / n:.0%} |"
            for low, high, k, n in study.by_distinctiveness()
            if n
        ),
        "",
        "## Left out",
        "",
        "| tumour | distinctive of drawn | judged | none leads | misfit stated | noticed "
        "| otherwise taken for |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.tumour} | {f.distinctive} of {f.drawn} | {f.judged} | {f.none} | {f.misfit} "
        f"| {f.either / f.judged:.0%} | {f.taken_for} |"
        if f.judged
        else f"| {f.tumour} | {f.distinctive} of {f.drawn} | 0 | | | | |"
        for f in study.left_out
    ]
    lines += [
        "",
        "## Modelled (false alarms)",
        "",
        "| tumour | cases | none leads | misfit stated | false alarm |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.tumour} | {f.judged} | {f.none} | {f.misfit} | {f.either / f.judged:.0%} |"
        for f in study.false_alarms
    ]
    return "\n".join([*lines, ""])


def _pooled(flags: tuple[Flags, ...]) -> str:
    """Return the share over all cases with its interval."""
    from mesenbayes.evidence.intervals import wilson_interval

    judged = sum(f.judged for f in flags)
    if not judged:
        return "no case"
    noticed = sum(f.either for f in flags)
    low, high = wilson_interval(noticed, judged)
    return f"{noticed / judged:.1%} ({low:.1%} to {high:.1%}) of {judged}"
