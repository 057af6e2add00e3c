"""The same posteriors as pyAgrum and pgmpy on published networks, to 1e-9."""

from __future__ import annotations

import numpy as np
import pytest

from mesenbayes.inference import compile_network
from mesenbayes.testing import bundled_network, mask, sample, to_pyagrum

pytest.importorskip("pgmpy")

SMALL = ("asia", "cancer", "survey", "sachs", "child", "alarm", "insurance", "hailfinder")
MIDDLE = ("hepar2", "win95pts", "pathfinder", "andes", "pigs", "water", "barley", "mildew")
LARGE = ("munin1", "diabetes", "link")


def cases_of(network, n_cases, share, rng, panel):
    """Sampled cases: one panel of findings for all, or findings of its own for each."""
    n = len(network.variables)
    observed = max(1, round(share * n))
    complete = sample(network, n_cases, rng)
    if panel:
        codes = np.full_like(complete, -1)
        columns = rng.permutation(n)[:observed]
        codes[:, columns] = complete[:, columns]
        return codes
    return mask(complete, observed, range(n), rng)


@pytest.mark.parametrize("panel", [True, False], ids=["panel", "own"])
@pytest.mark.parametrize("name", [*SMALL, *MIDDLE])
def test_posterior_is_pyagrums(name: str, panel: bool) -> None:
    gum = pytest.importorskip("pyagrum")
    network = bundled_network(name)
    rng = np.random.default_rng(20240)
    codes = cases_of(network, 4, 0.3, rng, panel)
    hidden = np.flatnonzero((codes < 0).all(axis=0))
    targets = [network.variables[i].name for i in rng.permutation(hidden)[:2]]
    result = compile_network(network).run(codes, targets=targets)
    engine = gum.LazyPropagation(to_pyagrum(network))
    for row, case in enumerate(codes):
        engine.setEvidence(
            {network.variables[i].name: int(s) for i, s in enumerate(case) if s >= 0}
        )
        engine.makeInference()
        for target in targets:
            np.testing.assert_allclose(
                result.posterior[target][row], engine.posterior(target).toarray(), atol=1e-9
            )
        assert np.isclose(result.log_evidence[row], np.log(engine.evidenceProbability()), atol=1e-9)


@pytest.mark.parametrize("name", LARGE)
def test_panel_posterior_is_pyagrums_on_large_networks(name: str) -> None:
    """With many findings the tables of these networks become small enough."""
    gum = pytest.importorskip("pyagrum")
    network = bundled_network(name)
    rng = np.random.default_rng(3)
    codes = cases_of(network, 1, 0.6, rng, panel=True)
    codes = np.repeat(codes, 65, axis=0)  # Beyond a few cases the panel gets its own plan.
    target = network.variables[int(np.flatnonzero(codes[0] < 0)[0])].name
    result = compile_network(network).run(codes, targets=[target])
    engine = gum.LazyPropagation(to_pyagrum(network))
    engine.setEvidence(
        {network.variables[i].name: int(s) for i, s in enumerate(codes[0]) if s >= 0}
    )
    engine.makeInference()
    np.testing.assert_allclose(
        result.posterior[target][0], engine.posterior(target).toarray(), atol=1e-9
    )


@pytest.mark.parametrize("name", ["asia", "sachs", "child", "alarm", "hepar2", "win95pts"])
def test_every_marginal_is_pyagrums(name: str) -> None:
    gum = pytest.importorskip("pyagrum")
    network = bundled_network(name)
    codes = cases_of(network, 3, 0.2, np.random.default_rng(5), panel=False)
    every = compile_network(network).marginals(codes)
    engine = gum.LazyPropagation(to_pyagrum(network))
    for row, case in enumerate(codes):
        engine.setEvidence(
            {network.variables[i].name: int(s) for i, s in enumerate(case) if s >= 0}
        )
        engine.makeInference()
        for variable in network.variables:
            np.testing.assert_allclose(
                every[variable.name][row], engine.posterior(variable.name).toarray(), atol=1e-9
            )


@pytest.mark.parametrize("name", ["asia", "cancer", "survey", "sachs", "child", "alarm"])
def test_posterior_is_pgmpys(name: str) -> None:
    factors = pytest.importorskip("pgmpy.factors.discrete")
    models = pytest.importorskip("pgmpy.models")
    inference = pytest.importorskip("pgmpy.inference")
    network = bundled_network(name)
    other = models.DiscreteBayesianNetwork()
    other.add_nodes_from([v.name for v in network.variables])
    for v in network.variables:
        table = network.tables[v.name]
        other.add_edges_from([(p, v.name) for p in table.parents])
        other.add_cpds(
            factors.TabularCPD(
                v.name,
                v.cardinality,
                table.probability.reshape(-1, v.cardinality).T,
                evidence=list(table.parents) or None,
                evidence_card=[network.variable(p).cardinality for p in table.parents] or None,
            )
        )
    codes = cases_of(network, 2, 0.3, np.random.default_rng(7), panel=False)
    hidden = int(np.flatnonzero((codes < 0).all(axis=0))[0])
    target = network.variables[hidden].name
    result = compile_network(network).run(codes, targets=[target])
    engine = inference.VariableElimination(other)
    for row, case in enumerate(codes):
        evidence = {network.variables[i].name: int(s) for i, s in enumerate(case) if s >= 0}
        answer = engine.query([target], evidence=evidence, show_progress=False)
        np.testing.assert_allclose(result.posterior[target][row], answer.values, atol=1e-9)


def test_a_wrong_network_is_noticed() -> None:
    """The check above must fail when one table is wrong."""
    gum = pytest.importorskip("pyagrum")
    network = bundled_network("asia")
    right = to_pyagrum(network)
    wrong = compile_network(bundled_network("asia"))
    position = wrong.numbers("lung")[0]
    tables = list(wrong.skeleton.tables)
    tables[position] = tables[position][::-1].copy()
    object.__setattr__(wrong.skeleton, "tables", tuple(tables))
    codes = np.full((1, len(network.variables)), -1)
    codes[0, wrong.numbers("smoke")[0]] = 0
    engine = gum.LazyPropagation(right)
    engine.setEvidence({"smoke": 0})
    engine.makeInference()
    answer = wrong.run(codes, targets=["lung"]).posterior["lung"][0]
    assert abs(answer - engine.posterior("lung").toarray()).max() > 0.01
