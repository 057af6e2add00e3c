"""``mesenbayes vocabulary``: what a case may state, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesenbayes.cli.options import JSON, NETWORK

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.network.variable import Variable


def vocabulary(
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List every variable with its states, aliases, units and codes."""
    from mesenbayes.facade import load_network

    loaded = load_network(network)
    shown = [v for v in loaded.variables if v.role != "latent"]
    if as_json:
        data = {
            "network": {"name": loaded.name, "version": loaded.version, "digest": loaded.digest},
            "variables": [_as_data(loaded, variable) for variable in shown],
        }
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    from mesenbayes.cli.terminal import console

    table = Table(title=f"Vocabulary of {loaded.name} {loaded.version}", show_lines=False)
    for heading in ("variable", "meaning", "states", "unit", "also called"):
        table.add_column(heading, overflow="fold")
    for variable in sorted(shown, key=lambda v: v.group):
        table.add_row(
            variable.name,
            variable.label,
            " | ".join(variable.states),
            variable.unit or "",
            ", ".join((*variable.aliases, *variable.conversions)),
        )
    console().print(table)


def _as_data(network: Network, variable: Variable) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": variable.name,
        "label": variable.label,
        "role": variable.role,
        "group": variable.group,
        "states": list(variable.states),
        "state_labels": {s: variable.state_label(s) for s in variable.states},
        "aliases": list(variable.aliases),
        "state_aliases": dict(variable.state_aliases),
        "unit": variable.unit,
        "cuts": list(variable.cuts),
        "limits": list(variable.limits) if variable.limits else None,
        "conversions": dict(variable.conversions),
        "codes": dict(variable.codes),
        "parents": list(network.tables[variable.name].parents),
    }
    if variable.role == "tumour" and network.structure is not None:
        entry["state_codes"] = {t.code: dict(t.codes) for t in network.structure.tumours}
    return entry
