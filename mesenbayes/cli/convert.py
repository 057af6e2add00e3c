"""``mesenbayes convert``: networks and cases to and from the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesenbayes.cli.options import CASE, NETWORK

if TYPE_CHECKING:
    from mesenbayes.interop.records import Aside, Record

app = typer.Typer(help="Networks and cases to and from other formats.", no_args_is_help=True)
OUT = typer.Argument(help="File; its ending decides the format.", show_default=False)


@app.command("network")
def to_file(out: Annotated[Path, OUT], network: Annotated[str, NETWORK] = "gi-mesenchymal") -> None:
    """Write a network as BIF, XMLBIF, XDSL, NET, UAI or JSON-LD, or its counts as CSV.

    Example: mesenbayes convert network gi.xdsl --network gi-mesenchymal
    """
    from mesenbayes.facade import load_network
    from mesenbayes.interop.files import write_network
    from mesenbayes.interop.jsonld import counts_frame

    loaded = load_network(network)
    if out.suffix.lower() == ".csv":
        counts_frame(loaded).to_csv(out, index=False, lineterminator="\n")
    else:
        write_network(loaded, out)
    typer.echo(f"{loaded.name} {loaded.version}: {out}")


@app.command("phenopacket")
def to_phenopacket(
    case: Annotated[Path, CASE],
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
) -> None:
    """Write a case with its differential as a GA4GH phenopacket of version 2.

    Example: mesenbayes convert phenopacket case.yaml packet.json
    """
    import json
    from datetime import UTC, datetime

    from mesenbayes.facade import load_network
    from mesenbayes.interop.phenopackets import write_phenopacket

    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    packet = write_phenopacket(load_network(network).diagnose(case), created)
    out.write_text(json.dumps(packet, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(f"{packet['id']}: {out}")


PACKETS = typer.Argument(help="Phenopackets (JSON), one a file.", show_default=False)
LINES = typer.Option("--out", "-o", help="Cases (.jsonl) for `mesenbayes cohort`.",
                     show_default=False)  # fmt: skip


@app.command("from-phenopackets")
def from_phenopackets(
    packets: Annotated[list[Path], PACKETS],
    out: Annotated[Path, LINES],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
) -> None:
    """Turn GA4GH phenopackets of version 2 into a cohort; status 1 if anything was set aside."""
    from mesenbayes.errors import CaseError
    from mesenbayes.facade import load_network
    from mesenbayes.interop.phenopackets import read_phenopacket
    from mesenbayes.interop.records import Aside

    loaded = load_network(network)
    records, aside = [], []
    for path in packets:
        try:
            record, left = read_phenopacket(path, loaded)
            records.append(record)
            aside += left
        except CaseError as error:
            aside.append(Aside(str(path), str(error).removeprefix(f"{path}: ")))
    _finish(records, aside, out)


SAMPLES = typer.Argument(help="data_clinical_sample.txt", show_default=False)
PATIENTS = typer.Option("--patients", help="data_clinical_patient.txt")
MUTATIONS = typer.Option("--mutations", help="data_mutations.txt (MAF)")
PROFILED = typer.Option("--profiled", help="A gene sequenced in every sample; repeatable.")


@app.command("from-cbioportal")
def from_cbioportal(
    samples: Annotated[Path, SAMPLES],
    out: Annotated[Path, LINES],
    patients: Annotated[Path | None, PATIENTS] = None,
    mutations: Annotated[Path | None, MUTATIONS] = None,
    profiled: Annotated[list[str] | None, PROFILED] = None,
    network: Annotated[str, NETWORK] = "mesenchymal",
) -> None:
    """Turn a cBioPortal study into a cohort; status 1 if anything was set aside."""
    from mesenbayes.facade import load_network
    from mesenbayes.interop.cbioportal import read_study

    records, aside = read_study(
        load_network(network), samples, patients, mutations, profiled=profiled or ()
    )
    _finish(records, aside, out)


def _finish(records: list[Record], aside: list[Aside], out: Path) -> None:
    from mesenbayes.interop.records import to_lines

    out.write_text(to_lines(records), encoding="utf-8", newline="\n")
    typer.echo(f"{len(records)} cases: {out}")
    for left in aside:
        typer.echo(f"set aside: {left.where}: {left.reason}", err=True)
    if aside:
        raise typer.Exit(1)
