"""Credible intervals: coverage by simulation, and the automatic choice on real networks."""

from __future__ import annotations

import numpy as np

from mesenbayes.diagnosis.certainty import certainty
from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.inference import compile_network
from mesenbayes.network.network import Network
from mesenbayes.network.table import Row, Table
from mesenbayes.network.variable import Variable


def star_with_counts(rates, n, rng):
    """Return a network whose rows are uniform priors with counts of `n` cases, and the truth."""
    states = ("no", "yes")
    variables = [Variable("tumour", ("A", "B"), role="tumour")]
    even = Row(np.array([1.0, 1.0]), "definition")
    tables = {"tumour": Table("tumour", (), (even,), np.array(0))}
    for j, pair in enumerate(rates):
        k = rng.binomial(n, pair)
        rows = tuple(Row(np.array([1.0 + n - x, 1.0 + x]), "counts") for x in k)
        name = f"f{j}"
        variables.append(Variable(name, states))
        tables[name] = Table(name, ("tumour",), rows, np.array([0, 1]))
    return Network("star", "test", tuple(variables), tables)


def test_coverage_of_the_interval_is_what_it_says():
    """Truth drawn from the prior, counts from the truth: 95 % intervals hold the true posterior
    about 95 times in 100, whichever method was chosen (Van Allen, Greiner & Hooper 2008)."""
    rng = np.random.default_rng(11)
    hits, methods = [], set()
    for _ in range(300):
        rates = rng.beta(1, 1, size=(3, 2))
        n = int(rng.choice([3, 10, 30, 100]))
        network = star_with_counts(rates, n, rng)
        seen = rng.integers(2, size=3)
        likelihood = np.where(seen[:, None] == 1, rates, 1 - rates).prod(axis=0)
        truth = likelihood[0] / likelihood.sum()
        found = certainty(
            network, compile_network(network), Encoded(np.array([-1, *seen]), {}), "tumour",
            draws=400, rng=rng,
        )  # fmt: skip
        methods.add(found.method)
        low, high = found.interval[0]
        hits.append(low <= truth <= high)
    # Standard error of 300 cases is 1.3 %; Beta intervals of the delta method lose a little.
    assert 0.91 <= np.mean(hits) <= 0.985
    assert methods == {"delta", "monte carlo"}


def test_the_flagship_says_how_and_on_what_it_rests(flagship):
    answer = flagship.diagnose(
        {"site": "stomach", "morphology": "spindle", "CD117": "positive", "DOG1": "positive"}
    )
    c = answer.certainty
    assert c.method in c.sentence
    assert c.reason in c.sentence
    assert c.top.sum() == np.float64(1) or abs(c.top.sum() - 1) < 1e-9
    assert (c.interval[:, 0] <= c.mean + 1e-12).all()
    assert (c.interval[:, 1] >= c.mean - 1e-12).all()
    assert 0.9 < sum(s.share for s in c.sources) <= 1 + 1e-9
    known = {x.source_id for s in c.shares for x in s.row.studies}
    assert {s.source for s in c.sources if s.source in known}


def test_more_cases_narrow_the_interval():
    rng = np.random.default_rng(0)
    widths = []
    for n in (10, 100, 1000):
        network = star_with_counts(np.array([[0.8, 0.3], [0.6, 0.4]]), n, rng)
        found = certainty(
            network, compile_network(network), Encoded(np.array([-1, 1, 1]), {}), "tumour",
            method="delta",
        )  # fmt: skip
        widths.append(float(np.diff(found.interval[0])[0]))
    assert widths == sorted(widths, reverse=True)
