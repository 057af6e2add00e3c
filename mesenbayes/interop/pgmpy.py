"""To and from pgmpy's ``DiscreteBayesianNetwork``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mesenbayes.errors import NetworkError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import Role, Variable


def to_pgmpy(network: BayesianNetwork) -> Any:
    """Return the mean tables as a ``DiscreteBayesianNetwork`` with state names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgmpy warns about its own modules at import
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

    edges = [(p, v.name) for v in network.variables for p in network.tables[v.name].parents]
    model = DiscreteBayesianNetwork(edges)
    model.add_nodes_from([v.name for v in network.variables])
    for variable in network.variables:
        table = network.tables[variable.name]
        parents = [network.variable(p) for p in table.parents]
        values = table.probability.reshape(-1, variable.cardinality).T
        model.add_cpds(
            TabularCPD(
                variable.name,
                variable.cardinality,
                values,
                evidence=[p.name for p in parents] or None,
                evidence_card=[p.cardinality for p in parents] or None,
                state_names={v.name: list(v.states) for v in (variable, *parents)},
            )
        )
    model.check_model()
    return model


def from_pgmpy(model: Any, name: str = "from pgmpy") -> BayesianNetwork:
    """Return a network with the tables of a ``DiscreteBayesianNetwork``.

    The probabilities of another program come without counts: every row holds as given
    (``origin="definition"``) and is normalised to sum to 1 exactly.

    Raises
    ------
    NetworkError
        If a variable has no table.
    """
    import networkx as nx

    variables, tables = [], {}
    for node in nx.lexicographical_topological_sort(model, key=str):
        cpd = model.get_cpds(node)
        if cpd is None:
            raise NetworkError(f"{name}: {node} has no table")
        states = tuple(str(s) for s in cpd.state_names[node])
        parents = tuple(str(p) for p in cpd.variables[1:])
        roles: dict[str, Role] = {"tumour": "tumour", "genotype": "genotype"}
        variables.append(
            Variable(str(node), states, label=str(node), role=roles.get(str(node), "finding"))
        )
        values = np.moveaxis(np.asarray(cpd.values, dtype=float), 0, -1)
        flat = values.reshape(-1, len(states))
        rows = tuple(
            Row(row / row.sum(), "definition", "as given by another program") for row in flat
        )
        index = np.arange(len(rows)).reshape(values.shape[:-1])
        tables[str(node)] = Table(str(node), parents, rows, index)
    return BayesianNetwork(name, "", tuple(variables), tables)
