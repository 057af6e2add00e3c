"""What must hold whatever the numbers are (METHODS.md, section 19)."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mesenbayes.inference import compile_network
from mesenbayes.inference.evidence import check_evidence
from mesenbayes.inference.factors import Question, Skeleton, assemble
from mesenbayes.inference.leaves import BatchLeaves
from mesenbayes.inference.plan import Operand, build
from mesenbayes.inference.program import Program
from mesenbayes.inference.semiring import LOG_SUM, SUM_PRODUCT
from mesenbayes.testing import (
    bundled_network,
    mask,
    network_from_arrays,
    random_network,
    sample,
    tumour_like_network,
)

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_evidence_does_not_depend_on_the_order_or_the_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 7, zeros=0.2)
    codes = mask(sample(network, 3, rng), 3, range(7), rng)
    evidence = check_evidence(network, codes)
    model = assemble(Skeleton.of(network), Question(evidence.seen(), whole=True))
    operands = [Operand(leaf.scope, leaf.batched, int(leaf.batched)) for leaf in model.leaves]
    constants = {i: x.table for i, x in enumerate(model.leaves) if x.table is not None}
    leaves = BatchLeaves(Skeleton.of(network), model)
    answers = []
    for _ in range(3):
        order = tuple(int(v) for v in rng.permutation(7))
        plan = build(operands, order, model.sizes, dict(enumerate("abcdefg")))
        for semiring in (SUM_PRODUCT, LOG_SUM):
            up = Program(plan, constants, semiring).up(*leaves.fill(evidence, semiring))
            value = up.tables[plan.root]
            value = value if semiring is LOG_SUM else np.log(value)
            answers.append(value + up.log_scales.get(plan.root, 0.0))
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0], atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_gradient_of_a_row_sums_to_its_share_of_the_evidence(seed: int) -> None:
    """Sum over x of theta G is P(e, parents = u); over all rows it is P(e)."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6, zeros=0.2)
    codes = mask(sample(network, 2, rng), 2, range(6), rng)
    compiled = compile_network(network)
    answer = compiled.gradient(codes)
    for name, table in network.tables.items():
        share = (table.probability * answer.evidence[name]).sum(axis=-1)
        np.testing.assert_allclose(share.reshape(2, -1).sum(axis=1), 1.0, atol=1e-11)
        if len(table.parents) == 1:
            parent = compiled.marginals(codes)[table.parents[0]]
            np.testing.assert_allclose(share, parent, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_slope_bound(seed: int) -> None:
    """|dq/dt| <= q(1-q) / (t(1-t)) (Chan & Darwiche, JAIR 17:265, 2002)."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6)
    codes = mask(sample(network, 1, rng), 2, range(1, 6), rng)
    hypothesis = (network.variables[0].name, 0)
    answer = compile_network(network).gradient(codes, hypothesis=hypothesis)
    q = answer.posterior[0]
    for name, table in network.tables.items():
        t = table.probability
        g0, gh = answer.evidence[name][0], answer.hypothesis[name][0]

        def against(g: np.ndarray, t: np.ndarray = t) -> np.ndarray:
            rest = (t * g).sum(axis=-1, keepdims=True) - t * g
            return g - rest / np.maximum(1 - t, 1e-300)

        slope = against(gh) - q * against(g0)
        assert (abs(slope) * t * (1 - t) <= q * (1 - q) + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_permuting_variables_and_states_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6, zeros=0.3)
    names = [v.name for v in network.variables]
    codes = mask(sample(network, 4, rng), 3, range(6), rng)
    turned = {v.name: rng.permutation(v.cardinality) for v in network.variables}
    arrays = {}
    for name, table in network.tables.items():
        scope = (*table.parents, name)
        arrays[name] = table.probability[np.ix_(*(turned[n] for n in scope))]
    shuffled = {n: network.variable(n).states for n in rng.permutation(names)}
    other = network_from_arrays(shuffled, {n: t.parents for n, t in network.tables.items()}, arrays)
    moved = np.full_like(codes, -1)
    for i, variable in enumerate(other.variables):
        column = codes[:, names.index(variable.name)]
        inverse = np.append(np.argsort(turned[variable.name]), -1)
        moved[:, i] = inverse[column]
    a = compile_network(network).run(codes, targets=names)
    b = compile_network(other).run(moved, targets=names)
    np.testing.assert_allclose(a.log_evidence, b.log_evidence, atol=1e-11)
    for name in names:
        np.testing.assert_allclose(
            a.posterior[name][:, turned[name]], b.posterior[name], atol=1e-12
        )


def test_gradient_is_the_difference_of_posteriors_on_a_published_network() -> None:
    """Two runs with one entry changed, through draws of the table."""
    network = bundled_network("alarm")
    rng = np.random.default_rng(1)
    compiled = compile_network(network)
    codes = mask(sample(network, 1, rng), 8, range(37), rng)
    answer = compiled.gradient(codes)
    base = compiled.run(codes).log_evidence[0]
    for name in ("VENTLUNG", "CATECHOL", "HYPOVOLEMIA", "SAO2"):
        table = network.tables[name].probability
        entries = rng.integers(0, table.size, 5)
        draws = np.repeat(table[None], 5, axis=0)
        draws.reshape(5, -1)[np.arange(5), entries] += 0.25
        moved = compiled.run(codes, tables={name: draws}).log_evidence
        slope = np.expm1(moved - base) / 0.25
        np.testing.assert_allclose(slope, answer.evidence[name].reshape(-1)[entries], atol=1e-9)


def test_batch_draws_and_single_cases_agree_on_a_tumour_like_network() -> None:
    """Stacked, sliced, compressed, drawn, whole: one answer."""
    rng = np.random.default_rng(2)
    network = tumour_like_network(rng, n_types=12, n_genotypes=5, n_stains=15, n_findings=15)
    compiled = compile_network(network)
    assert compiled.planner.compounds, "tumour and genotype share most of their states"
    columns = [i for i, v in enumerate(network.variables) if v.role == "finding"]
    codes = mask(sample(network, 700, rng), 8, columns, rng)
    targets = ("tumour", "genotype", ("tumour", "genotype"))
    batch = compiled.run(codes, targets=targets)
    every = compiled.marginals(codes[:100])
    for row in range(20):
        one = compiled.run(codes[row], targets=targets)
        draws = {v.name: network.tables[v.name].probability[None] for v in network.variables}
        drawn = compiled.run(codes[row], targets=targets, tables=draws)
        for target in targets:
            np.testing.assert_allclose(
                one.posterior[target][0], batch.posterior[target][row], atol=1e-12
            )
            np.testing.assert_allclose(
                drawn.posterior[target][0], batch.posterior[target][row], atol=1e-12
            )
        np.testing.assert_allclose(every["tumour"][row], batch.posterior["tumour"][row], atol=1e-12)
        np.testing.assert_allclose(drawn.log_evidence[0], batch.log_evidence[row], atol=1e-10)
