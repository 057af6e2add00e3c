"""Learning: conjugate where complete, EM where not, judged by pgmpy and by enumeration."""

import itertools
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mesenbayes.cli import main
from mesenbayes.cohort.learn import expected_counts, fit, learn
from mesenbayes.cohort.ordering import OrderingPolicy, simulate_cohort
from mesenbayes.cohort.prevalence import set_prevalence
from mesenbayes.diagnosis.rows import distinct_rows
from mesenbayes.errors import CaseError
from mesenbayes.facade import load_network, of_tables
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.table import Row, Table
from mesenbayes.testing import enumerate_joint, network_from_arrays, random_network


@pytest.fixture(scope="module")
def small():
    return of_tables(random_network(np.random.default_rng(12), n_variables=5, max_parents=2))


def frame_of(network, codes):
    """A frame of state names; the first variable is the diagnosis."""
    columns = {}
    for i, v in enumerate(network.variables):
        words = np.array([*v.states, None], dtype=object)[codes[:, i]]
        columns[f"true_{v.name}" if i == 0 else v.name] = words
    return pd.DataFrame(columns)


def test_complete_data_are_counted(small):
    # A Dirichlet prior and counts: alpha' = w alpha + n, cell by cell.
    codes = sample_codes(small, 300, np.random.default_rng(1))
    target = small.variables[0].name
    learned = learn(small, frame_of(small, codes), target=target, prior_weight=0.25).network
    for i, v in enumerate(small.variables):
        table = small.tables[v.name]
        parents = [[u.name for u in small.variables].index(p) for p in table.parents]
        for place in np.ndindex(table.row_index.shape):
            here = np.all([codes[:, p] == s for p, s in zip(parents, place, strict=True)], axis=0)
            inside = codes[here, i] if parents else codes[:, i]
            n = np.bincount(inside, minlength=v.cardinality)
            row = learned.tables[v.name].rows[table.row_index[place]]
            expected = 0.25 * table.rows[table.row_index[place]].alpha + n
            assert_allclose(row.alpha, expected, rtol=1e-8)


def test_pgmpy_agrees_on_complete_data(small):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.estimators import BayesianEstimator
        from pgmpy.models import DiscreteBayesianNetwork
    codes = sample_codes(small, 200, np.random.default_rng(2))
    frame = frame_of(small, codes)
    target = small.variables[0].name
    learned = learn(small, frame, target=target).network
    frame.columns = [c.removeprefix("true_") for c in frame.columns]
    edges = [(p, v.name) for v in small.variables for p in small.tables[v.name].parents]
    states = {v.name: list(v.states) for v in small.variables}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = DiscreteBayesianNetwork(edges)
        model.add_nodes_from(states)
        judge = BayesianEstimator(model, frame, state_names=states)
        for v in small.variables:
            table = small.tables[v.name]
            # pgmpy sorts the parents of its tables by name.
            order = sorted(table.parents)
            alpha = np.stack([r.alpha for r in table.rows])[table.row_index]
            axes = [table.parents.index(p) for p in order] + [len(order)]
            pseudo = np.transpose(alpha, axes).reshape(-1, v.cardinality).T
            cpd = judge.estimate_cpd(v.name, prior_type="dirichlet", pseudo_counts=pseudo)
            ours = np.transpose(learned.tables[v.name].probability, axes)
            assert list(cpd.variables[1:]) == order
            assert_allclose(np.moveaxis(np.asarray(cpd.values), 0, -1), ours, atol=1e-9)


def hide(codes, rng, share=0.4):
    hidden = codes.copy()
    hidden[rng.random(codes.shape) < share] = -1
    return hidden


def test_expected_counts_agree_with_enumeration(small):
    rng = np.random.default_rng(3)
    codes = hide(sample_codes(small, 40, rng), rng)
    names = [v.name for v in small.variables]
    distinct = distinct_rows(small, names)
    log_evidence, counts = expected_counts(
        small, distinct, [r.alpha for r in distinct.rows], codes, np.ones(len(codes), dtype=int)
    )
    joint = enumerate_joint(small)
    expected = [np.zeros_like(r.alpha) for r in distinct.rows]
    total = 0.0
    for case in codes:
        index = tuple(slice(None) if s < 0 else slice(s, s + 1) for s in case)
        possible = np.zeros_like(joint)
        possible[index] = joint[index]
        total += np.log(possible.sum())
        possible /= possible.sum()
        for full in itertools.product(*(range(v.cardinality) for v in small.variables)):
            for i, name in enumerate(names):
                table = small.tables[name]
                at = tuple(full[names.index(p)] for p in table.parents)
                row = distinct.places[name][table.row_index[at]]
                expected[row][full[i]] += possible[full]
    assert_allclose(log_evidence, total)
    for ours, theirs in zip(counts, expected, strict=True):
        assert_allclose(ours, theirs, atol=1e-9)


def test_the_objective_never_falls(small):
    rng = np.random.default_rng(4)
    frame = frame_of(small, hide(sample_codes(small, 200, rng), rng, 0.6))
    learned = learn(small, frame, target=small.variables[0].name, prior_weight=0.01)
    assert len(learned.objective) > 3
    assert (np.diff(learned.objective) >= -1e-9 * np.abs(learned.objective[0])).all()


def test_a_finding_that_nobody_looked_for_teaches_nothing(small):
    rng = np.random.default_rng(5)
    codes = sample_codes(small, 100, rng)
    last = small.variables[-1]
    codes[:, -1] = -1
    learned = learn(small, frame_of(small, codes), target=small.variables[0].name)
    for row, before in zip(
        learned.network.tables[last.name].rows, small.tables[last.name].rows, strict=True
    ):
        assert_allclose(row.alpha, before.alpha, rtol=1e-6)
    assert last.name not in set(learned.moved["variable"])


def flat(network, strength=2.0):
    """The network with every row worth little and saying nothing."""
    tables = {
        name: Table(name, t.parents, tuple(
            Row(np.where(r.alpha > 0, strength / (r.alpha > 0).sum(), 0.0), "prior")
            for r in t.rows), t.row_index)
        for name, t in network.tables.items()
    }  # fmt: skip
    return replace(network, tables=tables)


def error(network, truth):
    return max(
        float(np.abs(network.tables[n].probability - t.probability).max())
        for n, t in truth.tables.items()
    )


def test_the_truth_is_found_from_incomplete_data_and_a_heavy_prior_does_not_move():
    truth = of_tables(random_network(np.random.default_rng(21), n_variables=4, max_parents=1,
                                     max_states=2))  # fmt: skip
    rng = np.random.default_rng(6)
    codes = sample_codes(truth, 6000, rng)
    codes[:, 1:] = hide(codes[:, 1:], rng, 0.3)
    start, frame = flat(truth), frame_of(truth, codes)
    target = truth.variables[0].name
    assert error(start, truth) > 0.2
    assert error(learn(start, frame, target=target).network, truth) < 0.06
    stubborn = learn(start, frame, target=target, prior_weight=1e7).network
    assert error(stubborn, start) < 0.01


def test_leaving_out_by_the_truth_misleads_and_the_check_sees_it():
    """The method needs missing at random: results withheld where they are positive mislead."""
    truth = of_tables(random_network(np.random.default_rng(21), n_variables=4, max_parents=1,
                                     max_states=2))  # fmt: skip
    rng = np.random.default_rng(7)
    codes = sample_codes(truth, 6000, rng)
    for i in range(1, 4):
        codes[(codes[:, i] == 0) & (rng.random(6000) < 0.7), i] = -1
    learned = learn(flat(truth), frame_of(truth, codes), target=truth.variables[0].name)
    assert error(learned.network, truth) > 0.1


@pytest.fixture(scope="module")
def cohort(gut):
    return pd.concat(simulate_cohort(gut, 60, OrderingPolicy(most=4), rng=3))


@pytest.fixture(scope="module")
def learned(gut, cohort):
    some = cohort.copy()
    some.loc[some.index[::3], ["true_tumour", "true_genotype"]] = None
    return learn(gut, some, rounds=4)


def test_definitions_stay_and_shared_rows_stay_shared(gut, learned):
    new = learned.network
    for name, table in gut.tables.items():
        for before, after in zip(table.rows, new.tables[name].rows, strict=True):
            if before.is_certain:
                assert after is before
            assert ((after.alpha == 0) == (before.alpha == 0)).all()
    same = gut.tables["CD117"].rows[0] is gut.tables["DOG1"].rows[0]
    assert (new.tables["CD117"].rows[0] is new.tables["DOG1"].rows[0]) == same
    assert new.digest != gut.digest
    assert new.version.endswith("+local")


def test_what_moved_says_why(learned):
    moved = learned.moved
    assert learned.n_cases == 60
    assert (moved["z"].abs().diff().dropna() <= 1e-12).all()
    assert (moved["informative_cases"] <= 1.05 * moved["local_cases"] + 0.01).all()
    between = moved[["before", "local_share"]]
    assert (moved["after"] >= between.min(axis=1) - 1e-2).all()
    assert (moved["after"] <= between.max(axis=1) + 1e-2).all()
    assert moved["reason"].str.contains("local cases").all()
    studies = {s.source_id for t in learned.network.tables.values() for r in t.rows
               for s in r.studies}  # fmt: skip
    assert "local_cohort" in studies


def test_only_the_tables_asked_for_move(gut, cohort):
    new = learn(gut, cohort, variables=["tumour"], rounds=3).network
    for name, table in gut.tables.items():
        if name != "tumour":
            assert new.tables[name].rows == table.rows
    assert any(
        a is not b
        for a, b in zip(new.tables["tumour"].rows, gut.tables["tumour"].rows, strict=True)
    )


def test_a_declared_prevalence_holds_and_nothing_else_changes(gut):
    new = set_prevalence(gut, {"GIST": 0.8, "SCHW": 0.01})
    nobody = np.full((1, len(gut.variables)), -1)
    before, after = (
        n.compiled.run(nobody, targets=("tumour",)).posterior["tumour"][0] for n in (gut, new)
    )
    states = gut.variable("tumour").states
    assert_allclose(after[states.index("GIST")], 0.8, atol=1e-9)
    assert_allclose(after[states.index("SCHW")], 0.01, atol=1e-9)
    others = [i for i, s in enumerate(states) if s not in ("GIST", "SCHW")]
    assert_allclose(after[others] / after[others].sum(), before[others] / before[others].sum())
    # Odds ratios between two sites and two tumours are those of the literature.
    old, moved = (n.tables["tumour"].probability for n in (gut, new))
    a, b = states.index("GIST"), states.index("LM")
    for table, other in ((moved, old),):
        assert_allclose(
            table[0, 0, a] * table[3, 0, b] / (table[0, 0, b] * table[3, 0, a]),
            other[0, 0, a] * other[3, 0, b] / (other[0, 0, b] * other[3, 0, a]),
        )
    with pytest.raises(CaseError, match=r"add up to 1\.2"):
        set_prevalence(gut, {"GIST": 0.8, "SCHW": 0.4})
    with pytest.raises(CaseError, match="did you mean GIST"):
        set_prevalence(gut, {"GSIT": 0.8})


def test_a_prevalence_that_the_places_do_not_allow_is_refused():
    # B occurs at the second place only, which holds 3 of 10: it cannot be half of all.
    places = {"site": np.array([0.7, 0.3]), "tumour": np.array([[1.0, 0.0], [0.5, 0.5]])}
    network = of_tables(
        network_from_arrays(
            {"site": ["a", "b"], "tumour": ["A", "B"]}, {"site": [], "tumour": ["site"]}, places
        )
    )
    assert_allclose(
        set_prevalence(network, {"B": 0.2}).tables["tumour"].probability[1], [1 / 3, 2 / 3]
    )
    with pytest.raises(CaseError, match=r"B cannot come to 0\.5"):
        set_prevalence(network, {"B": 0.5})


def test_the_classifier_learns_in_cross_validation(gut, cohort):
    X = cohort.drop(columns=["true_tumour", "true_genotype"])
    classifier = gut.as_classifier(prior_weight=1.0)
    classifier.fit(X.head(10), cohort["true_tumour"].head(10).to_numpy())
    assert classifier.network_.version.endswith("+local")
    assert_allclose(classifier.predict_proba(X.head(3)).sum(axis=1), 1)


def test_the_command_writes_network_and_report(cohort, tmp_path, monkeypatch, capsys):
    cohort.head(20).to_csv(tmp_path / "c.csv", index=False)
    out = tmp_path / "here.jsonld"
    argv = ["mesenbayes", "learn", str(tmp_path / "c.csv"), "--out", str(out), "--only", "tumour"]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "learned from 20 cases" in capsys.readouterr().out
    back = load_network(out)
    assert back.version.endswith("+local")
    assert back.treatment is not None  # it is still ours
    old = tmp_path / "old.jsonld"
    old.write_text(out.read_text().replace(back.version, "0.0.1+local"))
    assert load_network(old).treatment is None  # our words need not fit another version
    assert len(pd.read_csv(tmp_path / "here.moved.csv")) > 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"prior_weight": 0}, "not above 0"), ({"variables": ["tumor"]}, "did you mean tumour")],
)
def test_what_cannot_be_learned_is_refused(gut, cohort, settings, reason):
    with pytest.raises(CaseError, match=reason):
        learn(gut, cohort.head(2), **settings)


def test_cases_with_an_unknown_diagnosis_are_left_out_by_name(gut, cohort):
    some = cohort.head(3).copy()
    some["true_tumour"] = ["GIST", "moon", None]
    some["true_genotype"] = None
    result = learn(gut, some, rounds=2)
    assert result.n_cases == 2
    assert "'moon' is not a state of tumour" in result.rejected[0][2]


def test_fit_of_nothing_is_the_prior(small):
    distinct = distinct_rows(small, [v.name for v in small.variables])
    start = [r.alpha for r in distinct.rows]
    nothing = np.full((1, len(small.variables)), -1)
    alphas, _, _ = fit(small, distinct, start, [True] * len(start), nothing)
    for a, b in zip(alphas, start, strict=True):
        assert_allclose(a / a.sum(), b / b.sum(), atol=1e-9)
