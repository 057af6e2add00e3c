"""Finds and loads network folders."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from mesenbayes.errors import NetworkError, did_you_mean, nearest
from mesenbayes.evidence import read_evidence
from mesenbayes.network.build import NetworkBuilder, network_digest
from mesenbayes.network.priors import read_priors
from mesenbayes.network.structure import read_structure


def networks_folder() -> Path:
    """Return the folder that holds the networks: beside the package in a checkout, inside it
    once installed."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (package.parent / "networks", package / "_networks"):
        if (candidate / "mesenchymal" / "network.toml").is_file():
            return candidate
    raise NetworkError("the networks that come with mesenbayes are not where they should be")


def network_names() -> list[str]:
    """Return the names of the networks that come with mesenbayes."""
    return sorted(p.parent.name for p in networks_folder().glob("*/network.toml"))


def find_network(name: str | os.PathLike[str]) -> Path:
    """Return the folder of a network given by name or by path.

    Raises
    ------
    NetworkError
        If there is no such network; names the nearest.
    """
    path = Path(name)
    if (path / "network.toml").is_file():
        return path
    named = networks_folder() / str(name)
    if path.name == str(name) and (named / "network.toml").is_file():
        return named
    known = network_names()
    raise NetworkError(
        f"there is no network '{name}'; "
        + (f"known are {', '.join(known)}" if not nearest(str(name), known) else
           did_you_mean(nearest(str(name), known)).removeprefix("; "))
    )  # fmt: skip


@lru_cache(maxsize=8)
def builder_of(folder: Path) -> NetworkBuilder:
    """Return the builder of a network folder (read once in a process)."""
    structure = read_structure(folder)
    return NetworkBuilder(
        structure, read_evidence(structure.evidence_folder), read_priors(structure.priors_file)
    )


__all__ = ["builder_of", "find_network", "network_digest", "network_names", "networks_folder"]
