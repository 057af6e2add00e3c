"""The shapes of the one object: frames in, frames out, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

import mesenbayes as mb
from mesenbayes.errors import CaseError, UnknownFinding, UnknownState


@pytest.fixture(scope="module")
def network():
    return mb.load_network("gist-basics")


FRAME = pd.DataFrame(
    {"CD117": ["positive", None, "negative"], "S100": ["negative", np.nan, "positive"]},
    index=["a", "b", "c"],
)


def test_posterior_keeps_the_index_and_the_order_of_the_states(network) -> None:
    found = network.posterior(FRAME)
    assert list(found.index) == ["a", "b", "c"]
    assert tuple(found.columns) == network.variable("tumour").states
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found.loc["a"].idxmax() == "GIST"
    assert found.loc["c"].idxmax() == "SCHW"


def test_a_row_is_the_same_alone_and_in_company(network) -> None:
    together = network.posterior(FRAME)
    for name in FRAME.index:
        alone = network.posterior(FRAME.loc[[name]])
        np.testing.assert_allclose(alone.loc[name], together.loc[name], atol=1e-12)


def test_missing_is_not_observed_and_not_negative(network) -> None:
    found = network.posterior(FRAME)
    nothing = network.posterior(pd.DataFrame(index=[0]))
    np.testing.assert_allclose(found.loc["b"], nothing.loc[0], atol=1e-12)
    codes = network.codes(FRAME)
    assert codes.shape == (3, len(network.variables))
    assert (codes == -1).sum(axis=1).tolist() == [
        len(network.variables) - 2, len(network.variables), len(network.variables) - 2,
    ]  # fmt: skip


def test_the_order_of_columns_and_categories_means_nothing(network) -> None:
    turned = FRAME[["S100", "CD117"]].astype("category")
    turned["CD117"] = turned["CD117"].cat.set_categories(["positive", "focal", "negative"])
    pd.testing.assert_frame_equal(network.posterior(turned), network.posterior(FRAME))


def test_no_cases_are_no_rows(network) -> None:
    found = network.posterior(FRAME.iloc[:0])
    assert found.shape == (0, len(network.variable("tumour").states))


def test_a_frame_answers_as_a_case_does(network) -> None:
    single = network.diagnose({"CD117": "positive", "S100": "negative"})
    np.testing.assert_allclose(network.posterior(FRAME).loc["a"], single.probabilities, atol=1e-12)


def test_unknown_columns_and_states_name_the_nearest(network) -> None:
    with pytest.raises(UnknownFinding, match="column: unknown finding 'CD17'; did you mean CD117"):
        network.posterior(pd.DataFrame({"CD17": ["positive"]}))
    with pytest.raises(UnknownState, match="row b: CD117 cannot be 'purple'"):
        network.posterior(pd.DataFrame({"CD117": [None, "purple"]}, index=["a", "b"]))


def test_simulated_cases_are_complete_typed_and_repeatable(network) -> None:
    cases = network.simulate(200, rng=7)
    assert list(cases.columns) == [v.name for v in network.variables]
    assert not cases.isna().any().any()
    for variable in network.variables:
        assert tuple(cases[variable.name].cat.categories) == variable.states
    pd.testing.assert_frame_equal(cases, network.simulate(200, rng=7))
    assert not cases.equals(network.simulate(200, rng=8))
    assert len(network.simulate(0)) == 0
    with pytest.raises(CaseError, match="cannot simulate -1 cases"):
        network.simulate(-1)


def test_posteriors_of_simulated_cases_are_calibrated(network) -> None:
    """Mean P(GIST) over simulated cases is the share of GIST among them."""
    cases = network.simulate(4000, rng=1)
    p = network.posterior(cases[["CD117", "DOG1", "S100"]])["GIST"]
    share = (cases["tumour"] == "GIST").mean()
    assert p.mean() == pytest.approx(share, abs=3 * (0.25 / 4000) ** 0.5)


def test_several_cases_in_one_file_are_not_one_case(network, tmp_path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("- findings: {CD117: positive}\n- findings: {CD117: negative}\n")
    with pytest.raises(CaseError, match="holds 2 cases"):
        network.diagnose(file)


def test_an_unknown_target_names_the_nearest(network) -> None:
    with pytest.raises(UnknownFinding, match="did you mean tumour"):
        network.diagnose({"CD117": "positive"}, target="tumor")
