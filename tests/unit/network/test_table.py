"""Rows, tables, draws, and what a network refuses to be."""

import numpy as np
import pytest
from scipy import stats

from mesenbayes.errors import NetworkError
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import Variable

RNG = np.random.default_rng


def table(rows: list[Row], index: list[int]) -> Table:
    return Table("X", ("P",), tuple(rows), np.array(index))


def test_draws_are_the_dirichlet_of_the_row() -> None:
    row = Row(np.array([2.0, 3.0, 5.0]), "counts")
    drawn = table([row], [0]).draw(20_000, RNG(1))[:, 0]
    np.testing.assert_allclose(drawn.mean(axis=0), row.mean, atol=0.005)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    assert stats.kstest(drawn[:, 0], stats.beta(2, 8).cdf).pvalue > 0.001


def test_a_shared_row_is_drawn_once_and_a_definition_never() -> None:
    shared, fixed = Row(np.array([1.0, 1.0]), "counts"), Row(np.array([0.3, 0.7]), "definition")
    drawn = table([shared, fixed], [0, 0, 1]).draw(50, RNG(2))
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert len(np.unique(drawn[:, 0, 0])) == 50
    np.testing.assert_array_equal(drawn[:, 2], np.tile([0.3, 0.7], (50, 1)))


def test_an_excluded_state_is_never_drawn() -> None:
    drawn = table([Row(np.array([0.0, 2.0, 3.0]), "counts")], [0]).draw(100, RNG(3))
    assert (drawn[..., 0] == 0).all()
    assert Row(np.array([0.0, 4.0]), "counts").is_certain


def test_same_seed_same_draws() -> None:
    t = table([Row(np.array([1.0, 2.0]), "counts")], [0])
    np.testing.assert_array_equal(t.draw(5, RNG(4)), t.draw(5, RNG(4)))


def network(variables: list[Variable], tables: list[Table]) -> BayesianNetwork:
    return BayesianNetwork("n", "1", tuple(variables), {t.variable: t for t in tables})


A, B = Variable("A", ("no", "yes")), Variable("B", ("no", "yes"))
TABLE_A = Table("A", (), (Row(np.array([1.0, 3.0]), "counts"),), np.array(0))
TABLE_B = Table("B", ("A",), (Row(np.array([1.0, 1.0]), "counts"),), np.array([0, 0]))


@pytest.mark.parametrize(
    ("variables", "tables", "reason"),
    [
        ([A, B], [TABLE_A], "variable B has no table"),
        ([B, A], [TABLE_A, TABLE_B], "B stands before its parent A"),
        ([A, B], [TABLE_A, Table("B", ("A",), TABLE_B.rows, np.array([0]))], "has shape"),
    ],
)
def test_what_is_no_network_is_refused(variables, tables, reason) -> None:
    with pytest.raises(NetworkError, match=reason):
        network(variables, tables)


def test_sampled_cases_have_the_frequencies_of_the_tables() -> None:
    rows = tuple(Row(np.array(alpha), "counts") for alpha in ([9.0, 1.0], [1.0, 4.0]))
    b = Table("B", ("A",), rows, np.array([0, 1]))
    net = network([A, B], [TABLE_A, b])
    codes = sample_codes(net, 40_000, RNG(5))
    assert codes.shape == (40_000, 2)
    assert codes[:, 0].mean() == pytest.approx(0.75, abs=0.01)
    assert codes[codes[:, 0] == 1, 1].mean() == pytest.approx(0.8, abs=0.01)
    assert (sample_codes(net, 10, RNG(6), {"A": 0})[:, 0] == 0).all()
