"""A network passes on its own patients, whatever tests they had; a wrong network fails."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mesenbayes.cli import main
from mesenbayes.cohort.ordering import COMPLETE, OrderingPolicy, observe, simulate_cohort
from mesenbayes.cohort.scores import surprise
from mesenbayes.cohort.validation import compare, validate
from mesenbayes.facade import Network
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.table import Table
from mesenbayes.network.variable import NOT_OBSERVED

FEW = {"resamples": 50, "interval_cases": 20, "rng": 1}


@pytest.fixture(scope="module")
def network(gut: Network) -> Network:
    return gut


def cohort(network, n, policy=None, rng=2):
    return pd.concat(simulate_cohort(network, n, policy or OrderingPolicy(), rng=rng))


@pytest.fixture(scope="module")
def cases(network):
    return cohort(network, 3000)


def wrong(network: Network) -> Network:
    """The network with the findings of two tumours exchanged: GIST stains as leiomyoma does."""
    tables = dict(network.tables)
    states = network.variable("tumour").states
    swap = np.arange(len(states))
    a, b = states.index("GIST"), states.index("LM")
    swap[[a, b]] = b, a
    for name in ("CD117_expression", "DOG1_expression", "desmin_expression", "SMA_expression"):
        table = tables[name]
        axis = table.parents.index("tumour")
        tables[name] = Table(
            name, table.parents, table.rows, np.take(table.row_index, swap, axis=axis)
        )
    return Network(network.name, "wrong", network.variables, tables, "", network.builder)


def test_the_right_network_passes(network, cases):
    result = validate(network, cases, **FEW)
    assert result.is_consistent
    assert len(result.y) == 3000
    frequent = [c for c in result.calibration if c.n >= 100]
    assert frequent
    for kind in frequent:
        inside = (kind.low <= kind.predicted) & (kind.predicted <= kind.high)
        assert inside.mean() >= 0.7, kind.name  # 95 % each, a few bins a class
    assert result.coverage is not None
    assert result.confusion.sum() == 3000


def test_a_wrong_network_fails_and_compares_worse(network, cases):
    right, other = validate(network, cases, **FEW), validate(wrong(network), cases, **FEW)
    assert not other.is_consistent
    assert other.surprise.z > 5
    difference = compare(right, other, resamples=50, rng=1)
    assert difference.loc["log score", "low"] > 0
    assert difference.loc["top 1", "high"] < 0
    same = compare(right, right, resamples=20, rng=1)
    assert (same == 0).all().all()


def test_what_depends_on_results_alone_leaves_the_posterior_calibrated(network):
    """Ordered tests are missing at random; tests reported because of the truth are not, and the
    check must see that."""
    rng = np.random.default_rng(11)
    truth = sample_codes(network, 4000, rng)
    names = [v.name for v in network.variables]
    y = truth[:, names.index("tumour")]

    def test(codes):
        p = network.compiled.run(codes, targets=("tumour",)).posterior["tumour"]
        return surprise(p, y)

    ordered = observe(network, truth, OrderingPolicy(most=6), rng=rng)
    assert test(ordered).is_consistent
    # Positive stains are reported, negative ones only where the tumour is no GIST: the silence
    # itself speaks, and whoever takes it for "not looked at" is misled.
    biased = ordered.copy()
    gist = network.variable("tumour").index("GIST")
    for i, variable in enumerate(network.variables):
        if variable.group == "immunohistochemistry":
            biased[(y != gist) & (truth[:, i] == 0), i] = NOT_OBSERVED
    assert not test(biased).is_consistent


def test_the_policy_orders_what_splits_the_differential(network):
    few, many = OrderingPolicy(most=2), OrderingPolicy(most=20, enough=0.999)
    counts = []
    for policy in (few, many, COMPLETE):
        frame = cohort(network, 200, policy)
        ordered = [v.name for v in network.variables if v.group == "immunohistochemistry"
                   and v.role == "finding"]  # fmt: skip
        counts.append(frame[ordered].notna().sum(axis=1))
    assert (counts[0] <= 2).all()
    assert counts[0].mean() < counts[1].mean() < counts[2].mean()
    assert (counts[2] == len(ordered)).all()
    markers = cohort(network, 500, OrderingPolicy(most=3))[ordered].notna().mean()
    assert markers.max() > 5 * markers.median() + 0.05  # not at random: some are asked for always


def test_the_same_seed_gives_the_same_patients(network):
    pd.testing.assert_frame_equal(cohort(network, 50, rng=7), cohort(network, 50, rng=7))
    assert not cohort(network, 50, rng=7).equals(cohort(network, 50, rng=8))


def test_scikit_learn_takes_the_network_as_a_classifier(network, cases):
    selection = pytest.importorskip("sklearn.model_selection")
    X = cases.drop(columns=["true_tumour", "true_genotype"]).head(60)
    y = cases["true_tumour"].head(60).to_numpy()
    classifier = network.as_classifier()
    folds = selection.KFold(3)
    p = selection.cross_val_predict(classifier, X, cv=folds, method="predict_proba")
    fitted = classifier.fit(X, y)
    assert list(fitted.classes_) == sorted(network.variable("tumour").states)
    np.testing.assert_allclose(p, network.diagnose_frame(X)[fitted.classes_], rtol=1e-9)
    scored = selection.cross_val_score(classifier, X, y, cv=folds)
    assert scored.mean() == pytest.approx(classifier.score(X, y))
    assert classifier.score(X, y) == np.mean(fitted.predict(X) == y)


def test_the_command_writes_one_page_and_its_tables(
    cases, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "cases.csv"
    cases.head(400).assign(odd="x").to_csv(path, index=False)
    argv = ["mesenbayes", "validate", str(path), "--out", str(tmp_path / "v"), "--resamples", "20",
            "--prevalence", "GIST=0.5", "--ignore-unknown", "--interval-cases", "10",
            "--compare", "gi-mesenchymal"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "log score" in capsys.readouterr().out
    page = (tmp_path / "v" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http://www.w3.org", "")
    difference = pd.read_csv(tmp_path / "v" / "comparison.csv", index_col="score")
    assert (difference["difference"] == 0).all()  # with itself
    scores = pd.read_csv(tmp_path / "v" / "scores.csv", index_col="score")
    assert (scores["low"] <= scores["value"]).all()
    assert (scores["value"] <= scores["high"]).all()


def test_a_cohort_without_an_answer_is_refused(network, cases):
    with pytest.raises(ValueError, match="no column of answers, true_tumour"):
        validate(network, cases.drop(columns="true_tumour"), **FEW)
    bad = cases.head(3).assign(true_tumour=["GIST", "moon", None])
    result = validate(network, bad, **FEW)
    assert len(result.y) == 1
    assert [r[2] for r in result.rejected] == [
        "true_tumour: 'moon' is not a state of tumour", "true_tumour: the answer is missing"
    ]  # fmt: skip


def test_a_foreign_network_validates_too(network):
    bare = BayesianNetwork(network.name, "", network.variables, network.tables)
    alone = Network(bare.name, bare.version, bare.variables, bare.tables)
    result = validate(alone, cohort(network, 100), **FEW)
    assert result.benefit is None
    assert result.management.groups == network.variable("tumour").states
    assert replace(result, rejected=()).network.startswith("gi-mesenchymal")
