"""Published joint counts against the model: by hand, by coverage, and one that must fail."""

import numpy as np
import pytest

from mesenbayes.sensitivity.joint_patterns import JointCheck, _Checker


@pytest.fixture(scope="module")
def result(tiny) -> JointCheck:
    return tiny.check_joint_patterns(draws=400, rng=1)


def test_the_probability_of_a_pattern_is_that_of_its_tables(tiny, result) -> None:
    kit = tiny.tables["CD117_expression"].probability[0, 1]
    s100 = tiny.tables["S100_expression"].probability[0, 1]
    fits, _ = result.patterns
    assert fits.p == pytest.approx(kit * (1 - s100))
    assert fits.p_independent == pytest.approx(fits.p)  # nothing couples them in this network
    assert fits.low_p < fits.p < fits.high_p


def test_a_pattern_that_the_structure_gets_wrong_is_outside(result) -> None:
    fits, wrong = result.patterns
    assert fits.is_inside
    assert not wrong.is_inside
    assert result.share_inside == 0.5
    assert "1 of 2 published joint counts (50%)" in result.sentence


def test_what_cannot_be_checked_is_said(result) -> None:
    assert result.set_aside == ("evidence/joint_patterns.csv:4: colour is not modelled",)


def test_the_interval_covers_laboratories_drawn_from_the_model(tiny, result) -> None:
    rng = np.random.default_rng(99)
    checker = _Checker(tiny, tiny.compiled, tiny.builder, 2000, rng)
    names = ("CD117_expression", "S100_expression")
    mean, drawn = checker.joint("GIST", (), names)
    p, precision = drawn[:, 1, 0], 1 / checker.rho(names, float(mean[1, 0])) - 1
    k = rng.binomial(60, rng.beta(p * precision, (1 - p) * precision))
    fits = result.patterns[0]
    # Counts are discrete: a tail beyond the end is at most 2.5 %, and more with the end itself.
    for beyond, with_end in (
        ((k < fits.low).mean(), (k <= fits.low).mean()),
        ((k > fits.high).mean(), (k >= fits.high).mean()),
    ):
        assert beyond < 0.025 + 0.012
        assert with_end > 0.025 - 0.012


def test_the_same_seed_is_the_same_table(tiny, result) -> None:
    assert tiny.check_joint_patterns(draws=400, rng=1) == result
    assert len(result.to_frame()) == 2
    assert result.to_dict()["share_inside"] == 0.5


def test_two_findings_coupled_by_the_genotype_are_not_independent(flagship) -> None:
    """CD117 and DOG1 in GIST both depend on the genotype: they fail together."""
    builder = flagship.builder
    checker = _Checker(flagship, flagship.compiled, builder, 50, np.random.default_rng(1))
    mean, drawn = checker.joint("GIST", (), ("CD117_expression", "DOG1_expression"))
    assert mean.sum() == pytest.approx(1)
    np.testing.assert_allclose(drawn.sum(axis=(1, 2)), 1)
    product = np.outer(mean.sum(axis=1), mean.sum(axis=0))
    assert mean[0, 0] > product[0, 0]


def test_the_site_is_that_of_the_tumours_own_series(flagship) -> None:
    builder = flagship.builder
    checker = _Checker(flagship, flagship.compiled, builder, 50, np.random.default_rng(1))
    codes = np.full((1, len(flagship.variables)), -1)
    codes[0, checker.position["tumour"]] = flagship.variable("tumour").index("GIST")
    weights = {"site": checker.site_weights("GIST")}
    found = flagship.compiled.run(codes, weights, targets=("site",)).posterior["site"][0]
    series = builder.prevalence.site_row("GIST").mean
    sites = [builder.structure.every_site.index(s) for s in flagship.variable("site").states]
    np.testing.assert_allclose(found, series[sites] / series[sites].sum(), atol=1e-9)
