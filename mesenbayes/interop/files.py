"""Networks as files of other programs, by the ending of the name.

=========================  =====================================  ==========================
ending                     read and written by                    what is kept
=========================  =====================================  ==========================
``.bif``                   pgmpy, bnlearn, pyAgrum                names, states, numbers
``.xmlbif``, ``.bifxml``   pgmpy, pyAgrum, JavaBayes, Weka        the same
``.xdsl``                  GeNIe, SMILE, pgmpy, pyAgrum           the same
``.net``                   Hugin, pgmpy, pyAgrum                  labels too
``.uai``                   solvers of the UAI competitions        numbers; names beside it
``.jsonld``                mesenbayes                             everything, counts and sources
=========================  =====================================  ==========================
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from mesenbayes.errors import NetworkError
from mesenbayes.interop.bif import read_bif, write_bif
from mesenbayes.interop.hugin import read_net, write_net
from mesenbayes.interop.jsonld import read_jsonld, write_jsonld
from mesenbayes.interop.uai import NAMES, names_of, read_uai, write_uai
from mesenbayes.interop.xml_formats import read_xdsl, read_xmlbif, write_xdsl, write_xmlbif
from mesenbayes.network.network import BayesianNetwork

READERS: dict[str, Callable[[str, str], BayesianNetwork]] = {
    ".bif": read_bif, ".xmlbif": read_xmlbif, ".bifxml": read_xmlbif, ".xml": read_xmlbif,
    ".xdsl": read_xdsl, ".net": read_net, ".uai": read_uai, ".jsonld": read_jsonld,
}  # fmt: skip
WRITERS: dict[str, Callable[[BayesianNetwork], str]] = {
    ".bif": write_bif, ".xmlbif": write_xmlbif, ".bifxml": write_xmlbif, ".xdsl": write_xdsl,
    ".net": write_net, ".uai": write_uai, ".jsonld": write_jsonld,
}  # fmt: skip


def is_network_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name has the ending of a network file."""
    return Path(path).suffix.lower() in READERS


def read_network(path: str | os.PathLike[str]) -> BayesianNetwork:
    """Read a network file.

    Raises
    ------
    NetworkError
        If there is no such file, the ending is unknown, or it describes no network.
    """
    file = Path(path)
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise NetworkError(f"{file}: a network file ends in {', '.join(READERS)}")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NetworkError(f"{file}: there is no such file") from None
    except UnicodeDecodeError:
        raise NetworkError(f"{file}: this is not a text file in UTF-8") from None
    beside = file.with_name(file.name + NAMES)
    if reader is read_uai and beside.is_file():
        return read_uai(text, file.stem, json.loads(beside.read_text(encoding="utf-8")))
    return reader(text, file.stem)


def write_network(network: BayesianNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network file.

    Raises
    ------
    NetworkError
        If the ending is unknown.
    """
    file = Path(path)
    writer = WRITERS.get(file.suffix.lower())
    if writer is None:
        raise NetworkError(f"{file}: a network can be written as {', '.join(WRITERS)}")
    file.write_text(writer(network), encoding="utf-8", newline="\n")
    if writer is write_uai:
        beside = file.with_name(file.name + NAMES)
        beside.write_text(json.dumps(names_of(network), indent=1), encoding="utf-8", newline="\n")
