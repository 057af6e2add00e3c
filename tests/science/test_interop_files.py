"""Networks to other programs and back: pgmpy and pyAgrum read what we write and answer alike."""

import json
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mesenbayes.cli import main
from mesenbayes.errors import NetworkError
from mesenbayes.facade import load_network, of_tables
from mesenbayes.interop.files import WRITERS, read_network, write_network
from mesenbayes.interop.jsonld import counts_frame
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.testing import random_network

ASIA = """network "asia" { property version 1; }
// Lauritzen & Spiegelhalter 1988, JRSS B 50:157-224
variable asia { type discrete [ 2 ] { yes, no }; }
variable tub { type discrete [ 2 ] { yes, no }; }
variable smoke { type discrete [ 2 ] { yes, no }; property position = (1, 2); }
variable lung { type discrete [ 2 ] { yes, no }; }
variable bronc { type discrete [ 2 ] { yes, no }; }
variable either { type discrete [ 2 ] { yes, no }; }
variable xray { type discrete [ 2 ] { yes, no }; }
variable dysp { type discrete [ 2 ] { yes, no }; }
probability ( asia ) { table 0.01, 0.99; }
probability ( tub | asia ) { (yes) 0.05, 0.95; (no) 0.01, 0.99; }
probability ( smoke ) { table 0.5, 0.5; }
probability ( lung | smoke ) { (yes) 0.1, 0.9; (no) 0.01, 0.99; }
probability ( bronc | smoke ) { table 0.6, 0.3, 0.4, 0.7; }
probability ( either | lung, tub ) { (no, no) 0.0, 1.0; default 1.0, 0.0; }
probability ( xray | either ) { (yes) 0.98, 0.02; (no) 0.05, 0.95; }
probability ( dysp | bronc, either ) {
  (yes, yes) 0.9, 0.1; (no, yes) 0.7, 0.3; (yes, no) 0.8, 0.2; (no, no) 0.1, 0.9; }
"""


@pytest.fixture(scope="module")
def small() -> BayesianNetwork:
    return random_network(np.random.default_rng(5), n_variables=8, max_parents=3, zeros=0.1)


def largest_difference(a: BayesianNetwork, b: BayesianNetwork) -> float:
    """Compare tables by the names of variables and states, whatever their order."""
    worst = 0.0
    assert {v.name: set(v.states) for v in a.variables} == {
        v.name: set(v.states) for v in b.variables
    }
    for v in a.variables:
        one, other = a.tables[v.name], b.tables[v.name]
        axes = [other.parents.index(p) for p in one.parents] + [len(other.parents)]
        moved = np.transpose(other.probability, axes)
        for axis, name in enumerate((*one.parents, v.name)):
            states = b.variable(name).states
            moved = np.take(moved, [states.index(s) for s in a.variable(name).states], axis)
        worst = max(worst, float(np.abs(moved - one.probability).max()))
    return worst


@pytest.mark.parametrize("ending", sorted(WRITERS))
def test_our_own_round_trip_is_exact(gut, small, tmp_path, ending):
    for network in (gut, small):
        path = tmp_path / f"network{ending}"
        write_network(network, path)
        assert largest_difference(network, read_network(path)) < 1e-15


def pgmpy_readers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy import readwrite as rw
    return {
        ".bif": (rw.BIFReader, rw.BIFWriter, "write"),
        ".xmlbif": (rw.XMLBIFReader, rw.XMLBIFWriter, "write"),
        ".xdsl": (rw.XDSLReader, rw.XDSLWriter, "write"),
        ".net": (rw.NETReader, rw.NETWriter, "write"),
    }


@pytest.mark.parametrize("ending", [".bif", ".xmlbif", ".xdsl", ".net"])
def test_pgmpy_reads_ours_and_we_read_pgmpys(small, tmp_path, ending):
    from mesenbayes.interop.pgmpy import from_pgmpy, to_pgmpy

    reader, writer, write = pgmpy_readers()[ending]
    path = tmp_path / f"ours{ending}"
    write_network(small, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = reader(str(path)).get_model()
        assert largest_difference(small, from_pgmpy(theirs)) < 1e-6
        back = tmp_path / f"theirs{ending}"
        getattr(writer(to_pgmpy(small)), write)(str(back))
    assert largest_difference(small, read_network(back)) < 1e-6


@pytest.mark.parametrize("ending", [".bif", ".bifxml", ".net"])
def test_pyagrum_reads_ours_and_answers_alike(gut, tmp_path, ending):
    gum = pytest.importorskip("pyagrum", reason="needs the extra 'interop'")
    path = tmp_path / f"ours{ending}"
    write_network(gut, path)
    theirs = gum.loadBN(str(path))
    findings = {"site": "stomach", "CD117": "positive", "size_cm": "gt_10"}
    engine = gum.LazyPropagation(theirs)
    engine.setEvidence(findings)
    engine.makeInference()
    ours = gut.diagnose(findings).probabilities
    assert_allclose(engine.posterior("tumour").tolist(), ours, atol=1e-6)


@pytest.mark.parametrize("ending", [".bif", ".bifxml", ".xdsl", ".net"])
def test_we_read_what_pyagrum_writes(tmp_path, ending):
    gum = pytest.importorskip("pyagrum", reason="needs the extra 'interop'")
    theirs = gum.fastBN("T{GIST|LM|SCHW}->K{neg|pos}<-S{a|b};T->D{x|y|z}")
    path = tmp_path / f"theirs{ending}"
    gum.saveBN(theirs, str(path))
    ours = read_network(path)
    for v in ours.variables:
        table = ours.tables[v.name]
        for place in np.ndindex(table.probability.shape):
            names = (*table.parents, v.name)
            at = {n: ours.variable(n).states[i] for n, i in zip(names, place, strict=True)}
            assert theirs.cpt(v.name)[at] == pytest.approx(table.probability[place], abs=1e-6)


def test_uai_is_what_the_competitions_define(tmp_path):
    # http://www.hlt.utdallas.edu/~vgogate/uai14-competition/modelformat.html: scope in order, the
    # last variable fastest. P(B = 1 | A = 0) = 0.872 is the second number of the second table.
    text = "BAYES\n2\n2 2\n2\n1 0\n2 0 1\n\n2\n0.436 0.564\n\n4\n0.128 0.872\n0.920 0.080\n"
    (tmp_path / "a.uai").write_text(text)
    network = read_network(tmp_path / "a.uai")
    assert_allclose(network.tables["X1"].probability, [[0.128, 0.872], [0.92, 0.08]])
    write_network(network, tmp_path / "b.uai")
    assert (tmp_path / "b.uai").read_text().split() == text.replace("0.920", "0.92").replace(
        "0.080", "0.08").split()  # fmt: skip


@pytest.mark.parametrize("ending", [".xdsl", ".uai"])
def test_pyagrum_reads_the_rest_where_nobody_has_two_parents(tmp_path, ending):
    gum = pytest.importorskip("pyagrum", reason="needs the extra 'interop'")
    chain = random_network(np.random.default_rng(3), n_variables=6, max_parents=1)
    write_network(chain, tmp_path / f"c{ending}")
    theirs = gum.loadBN(str(tmp_path / f"c{ending}"))
    for i, v in enumerate(chain.variables):
        ours = chain.tables[v.name].probability
        known_as = str(i) if ending == ".uai" else v.name
        read = theirs.cpt(known_as).toarray().reshape(ours.shape)
        assert_allclose(read, ours, atol=1e-6)


def test_counts_and_sources_survive_json_ld(gut, tmp_path):
    path = tmp_path / "gi.jsonld"
    write_network(gut, path)
    back = load_network(path)
    assert (back.name, back.version, back.digest) == (gut.name, gut.version, gut.digest)
    assert back.variables == gut.variables
    for name, table in gut.tables.items():
        for row, read in zip(table.rows, back.tables[name].rows, strict=True):
            assert_allclose(read.alpha, row.alpha, rtol=0)
            assert (read.origin, read.reason, read.studies) == (row.origin, row.reason, row.studies)
    stains = [back.tables[n].rows[0] for n in ("CD117", "DOG1")]
    assert (stains[0] is stains[1]) == (
        gut.tables["CD117"].rows[0] is gut.tables["DOG1"].rows[0]
    )  # what moved together still does
    assert json.loads(path.read_text(encoding="utf-8"))["@context"]["prov"].startswith("http")
    case = {"site": "stomach", "CD117": "positive"}
    assert_allclose(back.diagnose(case).certainty.interval, gut.diagnose(case).certainty.interval)


def test_the_table_of_counts_names_every_source(gut):
    table = counts_frame(gut)
    counted = table.dropna(subset=["k"])
    assert len(counted) > 1000
    assert (counted["k"] <= counted["n"]).all()
    named = {s.source_id for t in gut.tables.values() for r in t.rows for s in r.studies}
    assert set(table["source_id"].dropna()) == named


def test_a_network_of_others_answers_every_question(tmp_path, monkeypatch, capsys):
    # Lauritzen & Spiegelhalter's clinic; the answers below are those of the enumeration.
    (tmp_path / "asia.bif").write_text(ASIA)
    asia = load_network(tmp_path / "asia.bif")
    assert asia.tables["bronc"].probability[0, 0] == 0.6  # table: the child runs slowest
    assert asia.tables["either"].probability[0, 1, 0] == 1
    # P(lung | smoke) = 1/10 by the table; P(tub) = 0.01 * 0.05 + 0.99 * 0.01 = 0.0104.
    assert_allclose(asia.diagnose({"smoke": "yes"}, target="lung").probabilities[0], 0.1)
    assert_allclose(asia.diagnose({}, target="tub").probabilities[0], 0.0104)
    answer = asia.diagnose({"dysp": "yes", "smoke": "yes"}, target="lung")
    assert {test.variable for test in answer.next_tests} >= {"xray", "bronc"}
    text = json.dumps(answer.to_dict(), allow_nan=False)
    assert "NaN" not in text
    (tmp_path / "case.yaml").write_text("findings: {dysp: yes, smoke: yes}\n")
    argv = ["mesenbayes", "diagnose", str(tmp_path / "case.yaml"), "--target", "lung",
            "--network", str(tmp_path / "asia.bif")]  # fmt: skip
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "smoke" in capsys.readouterr().out


def test_the_posterior_of_a_network_of_others_agrees_with_enumeration(small):
    from mesenbayes.testing import enumerate_joint

    network = of_tables(small)
    joint = enumerate_joint(small)
    names = [v.name for v in small.variables]
    target, seen = names[0], names[-1]
    state = small.variable(seen).states[0]
    given = np.take(joint, 0, axis=len(names) - 1)
    expected = given.reshape(given.shape[0], -1).sum(axis=1)
    answer = network.diagnose({seen: state}, target=target).probabilities
    assert_allclose(answer, expected / expected.sum(), rtol=1e-10)


def bif(body: str) -> str:
    return "network n { }\nvariable a { type discrete [ 2 ] { x, y }; }\n" + body


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.bif", bif(""), "a has no table"),
        ("a.bif", bif("probability ( a ) { table 0.5, 0.6; }"), "adds up to 1.1"),
        ("a.bif", bif("probability ( a ) { table 0.5; }"), "1 numbers, not 2"),
        ("a.bif", bif("probability ( a ) { table 0.5, many; }"), "not made of numbers"),
        ("a.bif", bif("probability ( a | a ) { default 0.5, 0.5; }"), "circle"),
        ("a.bif", bif("probability ( a | b ) { default 0.5, 0.5; }"), "unknown variable 'b'"),
        ("a.bif", bif("probability ( a ) { table"), "ends in the middle"),
        ("a.bif", "hello", "'hello' stands where"),
        ("a.bif", "", "has no variables"),
        ("a.xmlbif", "<BIF>", "not XML"),
        ("a.xmlbif", "<BIF/>", "no NETWORK"),
        ("a.xdsl", "<smile/>", "not XDSL"),
        ("a.xdsl", '<smile><nodes><noisymax id="q"/></nodes></smile>', "q is a node of kind noisy"),
        ("a.net", "utility U { }", "a utility node; only"),
        ("a.net", "potential ( a ) { data = (1) ", "ends in the middle"),
        ("a.uai", "MARKOV", "not a Bayesian network"),
        ("a.uai", "BAYES 1 2 1 1 0 2 0.5", "ends in the middle"),
        ("a.jsonld", "{}", "not a network of the format"),
        ("a.jsonld", "{", "not JSON"),
    ],
)
def test_a_file_that_is_no_network_is_refused_in_a_sentence(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    with pytest.raises(NetworkError, match=reason):
        load_network(tmp_path / name)


def test_rounded_rows_are_accepted_and_normalised(tmp_path):
    (tmp_path / "a.bif").write_text(bif("probability ( a ) { table 0.333, 0.666; }"))
    assert_allclose(read_network(tmp_path / "a.bif").tables["a"].probability, [1 / 3, 2 / 3])
