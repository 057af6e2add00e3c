"""Seeded networks and slow, obvious answers, for tests and benchmarks.

Nothing here shares a line with :mod:`mesenbayes.inference`: :func:`enumerate_joint` builds
the whole joint distribution, which is the judge of every faster method.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import NOT_OBSERVED, Role, Variable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def table_from_probability(
    variable: str, parents: Sequence[str], probability: ArrayLike, strength: float = 100.0
) -> Table:
    """Return a table whose rows are Dirichlets with these means, each worth `strength` cases.

    Parameters
    ----------
    probability : (*parents, states)
        Conditional probabilities; equal rows are not shared.
    """
    array = np.asarray(probability, dtype=np.float64)
    flat = array.reshape(-1, array.shape[-1])
    rows = tuple(Row(alpha=row * strength, origin="prior") for row in flat)
    row_index = np.arange(len(rows), dtype=np.intp).reshape(array.shape[:-1])
    return Table(variable, tuple(parents), rows, row_index)


def network_from_arrays(
    states: Mapping[str, Sequence[str]],
    parents: Mapping[str, Sequence[str]],
    probabilities: Mapping[str, ArrayLike],
    roles: Mapping[str, Role] | None = None,
    name: str = "network",
) -> Network:
    """Return a network from plain arrays of shape (*parents, states); any variable order."""
    placed: dict[str, None] = {}

    def place(variable: str) -> None:
        for parent in parents.get(variable, ()):
            if parent not in placed:
                place(parent)
        placed[variable] = None

    for variable in states:
        if variable not in placed:
            place(variable)
    role = roles or {}
    variables = tuple(Variable(v, tuple(states[v]), role=role.get(v, "finding")) for v in placed)
    tables = {
        v: table_from_probability(v, tuple(parents.get(v, ())), probabilities[v]) for v in placed
    }
    return Network(name, "test", variables, tables)


def random_network(
    rng: np.random.Generator,
    n_variables: int = 6,
    max_parents: int = 3,
    max_states: int = 4,
    zeros: float = 0.0,
) -> Network:
    """Return a random network; a fraction `zeros` of the entries is impossible."""
    names = [f"V{i}" for i in range(n_variables)]
    cards = rng.integers(2, max_states + 1, n_variables)
    parents: dict[str, list[str]] = {}
    probabilities: dict[str, FloatArray] = {}
    for i, name in enumerate(names):
        k = int(rng.integers(0, min(i, max_parents) + 1))
        chosen = np.sort(rng.choice(i, k, replace=False)) if k else np.zeros(0, dtype=np.intp)
        parents[name] = [names[j] for j in chosen]
        shape = (*(int(cards[j]) for j in chosen), int(cards[i]))
        array = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        kept = rng.random(shape) >= zeros
        array = array * kept
        # A row that lost every entry keeps one, so that it can be normalised.
        array[..., 0] += array.sum(axis=-1) == 0
        probabilities[name] = array / array.sum(axis=-1, keepdims=True)
    states = {n: [f"s{j}" for j in range(c)] for n, c in zip(names, cards, strict=True)}
    return network_from_arrays(states, parents, probabilities, name="random")


def tumour_like_network(
    rng: np.random.Generator,
    n_types: int = 45,
    n_genotypes: int = 14,
    n_stains: int = 60,
    n_findings: int = 70,
) -> Network:
    """Return a network with the shape of the flagship and made-up numbers.

    A tumour type, a genotype that applies to type 0 only, a specimen with two kinds of
    cellularity, `n_stains` stains (antigen expressed by type or by type and genotype,
    hidden; read off the slide in a specimen) and `n_findings` findings of type.
    """
    states: dict[str, list[str]] = {
        "tumour": [f"T{i}" for i in range(n_types)],
        "genotype": ["not_applicable", *(f"g{i}" for i in range(1, n_genotypes))],
        "cells": ["ample", "scant"],
    }
    roles: dict[str, Role] = {"tumour": "tumour", "genotype": "genotype", "cells": "specimen"}
    parents: dict[str, list[str]] = {"tumour": [], "genotype": ["tumour"], "cells": []}
    genotype = np.zeros((n_types, n_genotypes))
    genotype[:, 0] = 1.0
    genotype[0] = [0.0, *rng.dirichlet(np.ones(n_genotypes - 1))]
    tables: dict[str, FloatArray] = {
        "tumour": rng.dirichlet(np.ones(n_types)),
        "genotype": genotype,
        "cells": np.array([0.8, 0.2]),
    }
    for i in range(n_stains):
        hidden, read = f"stain{i}_expression", f"stain{i}"
        by_genotype = i % 4 == 0
        states[hidden] = ["absent", "present"]
        states[read] = ["negative", "focal", "positive"]
        roles[hidden] = "latent"
        parents[hidden] = ["tumour", "genotype"] if by_genotype else ["tumour"]
        parents[read] = [hidden, "cells"]
        shape = (n_types, n_genotypes) if by_genotype else (n_types,)
        tables[hidden] = rng.dirichlet([0.5, 0.5], size=shape)
        tables[read] = rng.dirichlet([2.0, 1.0, 2.0], size=(2, 2))
    for i in range(n_findings):
        name, card = f"finding{i}", int(rng.integers(2, 5))
        states[name] = [f"s{j}" for j in range(card)]
        by_genotype = i % 5 == 0
        parents[name] = ["tumour", "genotype"] if by_genotype else ["tumour"]
        shape = (n_types, n_genotypes) if by_genotype else (n_types,)
        tables[name] = rng.dirichlet(np.ones(card), size=shape)
    return network_from_arrays(states, parents, tables, roles, name="tumour-like")


def sample(network: Network, size: int, rng: np.random.Generator) -> IntArray:
    """Draw `size` complete cases, shape (size, variables), states as indices."""
    position = {v.name: i for i, v in enumerate(network.variables)}
    codes = np.empty((size, len(network.variables)), dtype=np.intp)
    for i, variable in enumerate(network.variables):
        table = network.tables[variable.name]
        rows = table.probability[tuple(codes[:, position[p]] for p in table.parents)]
        cumulative = np.broadcast_to(rows, (size, variable.cardinality)).cumsum(axis=1)
        u = rng.random((size, 1)) * cumulative[:, -1:]
        codes[:, i] = (u >= cumulative).sum(axis=1).clip(max=variable.cardinality - 1)
    return codes


def mask(
    codes: IntArray, n_observed: int, columns: Sequence[int], rng: np.random.Generator
) -> IntArray:
    """Return a copy in which each case keeps `n_observed` random `columns` and no others."""
    masked = np.full_like(codes, NOT_OBSERVED)
    order = rng.random((len(codes), len(columns))).argsort(axis=1)[:, :n_observed]
    kept = np.asarray(columns)[order]
    rows = np.arange(len(codes))[:, None]
    masked[rows, kept] = codes[rows, kept]
    return masked


def enumerate_joint(
    network: Network,
    codes: ArrayLike | None = None,
    likelihoods: Mapping[str, ArrayLike] | None = None,
    tables: Mapping[str, ArrayLike] | None = None,
) -> FloatArray:
    """Return P(every configuration, evidence) of one case as one array, one axis a variable.

    Parameters
    ----------
    codes : (variables,)
        States as indices, -1 where not observed.
    likelihoods
        Variable -> (states,).
    tables
        Variable -> (*parents, states), in place of the network's means.
    """
    position = {v.name: i for i, v in enumerate(network.variables)}
    joint = np.ones([v.cardinality for v in network.variables])
    for name, table in network.tables.items():
        scope = [*(position[p] for p in table.parents), position[name]]
        array = np.asarray((tables or {}).get(name, table.probability), dtype=np.float64)
        joint = joint * _spread(array, scope, joint.ndim)
    if codes is not None:
        for i, code in enumerate(np.asarray(codes)):
            if code != NOT_OBSERVED:
                hit = np.zeros(joint.shape[i])
                hit[code] = 1.0
                joint = joint * _spread(hit, [i], joint.ndim)
    for name, likelihood in (likelihoods or {}).items():
        joint = joint * _spread(np.asarray(likelihood), [position[name]], joint.ndim)
    return joint


def _spread(array: FloatArray, scope: Sequence[int], ndim: int) -> FloatArray:
    """Return `array` with its axes moved to the places in `scope` among `ndim`."""
    order = np.argsort(scope)
    shape = [1] * ndim
    for axis in scope:
        shape[axis] = array.shape[list(scope).index(axis)]
    return np.asarray(array.transpose(order).reshape(shape))


def bundled_network(name: str) -> Network:
    """Return one of the published networks that come with pgmpy (``alarm``, ``hepar2``, ...)."""
    folder = Path(next(iter(find_package("pgmpy")))) / "utils" / "example_models"
    with gzip.open(folder / f"{name}.bif.gz", "rt") as file:
        return read_bif(file.read(), name)


def find_package(name: str) -> list[str]:
    """Return the folders of an installed package without importing it."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"this needs {name}: pip install {name}")
    return list(spec.submodule_search_locations)


def read_bif(text: str, name: str = "network") -> Network:
    """Return the network of a BIF file, in double precision, rows normalised."""
    states = {
        match[1]: [state.strip() for state in match[2].split(",")]
        for match in re.finditer(r"variable\s+(\S+)\s*\{.*?\{(.*?)\}", text, re.S)
    }
    parents: dict[str, list[str]] = {}
    tables: dict[str, FloatArray] = {}
    for match in re.finditer(r"probability\s*\(\s*(.*?)\s*\)\s*\{(.*?)\n\}", text, re.S):
        child, _, given = (part.strip() for part in match[1].partition("|"))
        parents[child] = [p.strip() for p in given.split(",")] if given else []
        place = [{s: i for i, s in enumerate(states[p])} for p in parents[child]]
        table = np.empty([*(len(p) for p in place), len(states[child])])
        for row in match[2].split(";"):
            key, _, numbers = re.sub(r"^\s*table", "()", row).rpartition(")")
            if not numbers.strip():
                continue
            labels = [s.strip() for s in key.strip().lstrip("(").split(",")] if place else []
            index = tuple(p[s] for p, s in zip(place, labels, strict=True))
            table[index] = [float(x) for x in numbers.split(",")]
        tables[child] = table / table.sum(axis=-1, keepdims=True)
    return network_from_arrays(states, parents, tables, name=name)


def to_pyagrum(network: Network) -> Any:
    """Return the network as a pyAgrum BayesNet with the same names and state order."""
    gum: Any = import_module("pyagrum")

    other = gum.BayesNet(network.name)
    for v in network.variables:
        # States are numbered: pyAgrum refuses some of the labels found in published files.
        other.add(gum.LabelizedVariable(v.name, v.name, v.cardinality))
    for v in network.variables:
        for parent in network.tables[v.name].parents:
            other.addArc(parent, v.name)
    for v in network.variables:
        table = network.tables[v.name]
        cpt = other.cpt(v.name)
        scope = (*table.parents, v.name)
        # pyAgrum hands out the axes in the reverse of cpt.names.
        axes = [scope.index(n) for n in reversed(cpt.names)]
        cpt.fillWith(np.ascontiguousarray(table.probability.transpose(axes)).ravel().tolist())
    return other
