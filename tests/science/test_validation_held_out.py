"""The network tested on the literature: a source left out is predicted, a wrong one is not."""

import numpy as np
import pytest

from mesenbayes.cohort.held_out import _predict, _usable, leave_one_source_out
from mesenbayes.errors import CaseError
from mesenbayes.facade import of_tables


@pytest.fixture(scope="module")
def usable(gut):
    assert gut.builder is not None
    return _usable(gut.builder, gut)


@pytest.fixture(scope="module")
def sources(usable):
    """Two sources with several counts, whatever the evidence holds just now."""
    # Of a GIST most findings have a row for each genotype, and no single prediction.
    return sorted(usable, key=lambda s: (-sum(c.tumour != "GIST" for c in usable[s]), s))[:2]


@pytest.fixture(scope="module")
def held_out(gut, sources):
    return leave_one_source_out(gut, sources)


def test_left_out_counts_are_predicted(held_out, sources):
    frame = held_out.frame
    assert set(frame["source_id"]) <= set(sources)
    assert len(frame) >= 3
    assert ((frame["low"] >= 0) & (frame["low"] <= frame["high"]) & (frame["high"] <= 1)).all()
    inside = (frame["low"] <= frame["k"] / frame["n"]) & (frame["k"] / frame["n"] <= frame["high"])
    assert (inside == frame["inside"]).all()
    assert held_out.coverage >= 0.6  # of a handful; 95 in 100 of all
    assert len(held_out.surprises) == (~frame["inside"]).sum()


def test_a_source_that_says_the_opposite_falls_outside(gut, usable, sources):
    (source,) = sources[:1]
    honest = list(_predict(gut.builder, source, usable[source]))
    farthest = max(honest, key=lambda r: abs(r["predicted"] - 0.5))
    count = next(
        c for c in usable[source]
        if (c.finding, c.state, c.tumour)
        == (farthest["finding"], farthest["state"], farthest["tumour"])
    )  # fmt: skip
    as_said = round(farthest["predicted"] * count.n)
    wrong = count.n if farthest["predicted"] < 0.5 else 0
    expected, turned = (
        line
        for k in (as_said, wrong)
        for line in _predict(gut.builder, source, [count.model_copy(update={"k": k})])
    )
    assert expected["inside"]
    assert turned["log_probability"] < expected["log_probability"] - 2
    assert np.isfinite(turned["log_probability"])


def test_what_cannot_be_left_out_is_refused(gut):
    with pytest.raises(CaseError, match="no count to predict comes from 'nobody'"):
        leave_one_source_out(gut, ["nobody"])
    with pytest.raises(CaseError, match="came without its evidence"):
        leave_one_source_out(of_tables(gut))
