"""The same compiled form on another array library gives the same answers."""

import numpy as np
import pytest

from mesenbayes.errors import MesenbayesError
from mesenbayes.inference import compile_network
from mesenbayes.inference.arrays import array_library, on_host
from mesenbayes.network.sampling import sample_codes


@pytest.fixture
def exact_jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def network(gut):
    return gut


@pytest.fixture(scope="module")
def codes(network):
    drawn = sample_codes(network, 200, np.random.default_rng(7))
    hidden = [i for i, v in enumerate(network.variables) if v.role in ("tumour", "latent")]
    drawn[np.random.default_rng(8).random(drawn.shape) < 0.6] = -1
    drawn[:, hidden] = -1
    return drawn


@pytest.mark.usefixtures("exact_jax")
def test_every_answer_on_jax_is_that_on_numpy(network, codes) -> None:
    here, there = compile_network(network), compile_network(network, arrays="jax")
    ours, theirs = (c.run(codes, None, ["tumour", ("tumour", "age")]) for c in (here, there))
    np.testing.assert_allclose(theirs.log_evidence, ours.log_evidence, rtol=1e-12)
    for target, answer in ours.posterior.items():
        np.testing.assert_allclose(theirs.posterior[target], answer, atol=1e-12)
    few = codes[:5]
    for one, two in zip(here.marginals(few).values(), there.marginals(few).values(), strict=True):
        np.testing.assert_allclose(two, one, atol=1e-12)
    for one, two in zip(
        here.retractions(few).values(), there.retractions(few).values(), strict=True
    ):
        np.testing.assert_allclose(two, one, atol=1e-12)
    a, b = (c.gradient(few[:1], None, ("tumour", "GIST")) for c in (here, there))
    for name, slope in a.hypothesis.items():
        np.testing.assert_allclose(b.hypothesis[name], slope, atol=1e-10)


def test_single_precision_is_refused(network) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False), pytest.raises(MesenbayesError, match="JAX_ENABLE_X64=1"):
        compile_network(network, arrays="jax")


def test_an_unknown_library_is_named_with_the_nearest() -> None:
    with pytest.raises(MesenbayesError, match=r"no array library 'jaxx'.*jax"):
        array_library("jaxx")


def test_a_missing_library_is_said(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    with pytest.raises(MesenbayesError, match="'cupy' is not installed"):
        array_library("cupy")


def test_numbers_and_arrays_come_to_the_host() -> None:
    assert on_host(0.0) == 0.0
    assert on_host(np.ones(3)).tolist() == [1, 1, 1]
