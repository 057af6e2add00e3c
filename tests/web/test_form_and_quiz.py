"""The app without a browser: what the form means, what the quiz scores, who may connect."""

import math

import numpy as np
import pytest

from mesenbayes.diagnosis.case import as_case
from mesenbayes.errors import CaseError, MesenbayesError
from mesenbayes.network.structure import TUMOUR
from mesenbayes.web import quiz as game
from mesenbayes.web.form import answer, example_cases, fields, load, paste
from mesenbayes.web.serve import is_loopback, listen


@pytest.fixture(scope="module")
def network(gut):
    return gut


def test_the_form_answers_as_the_facade_does(network):
    told = {"site": "stomach", "CD117": "negative", "size_cm": "4,5", "S100": " "}
    found = answer(network, told)
    wanted = network.diagnose({"site": "stomach", "CD117": "negative", "size_cm": 4.5})
    assert found.errors == {}
    np.testing.assert_array_equal(found.diagnosis.probabilities, wanted.probabilities)


def test_a_bad_field_is_named_and_the_others_count(network):
    found = answer(network, {"age": "300", "size_cm": "big", "CD117": "positive"})
    assert set(found.errors) == {"age", "size_cm"}
    assert "between 0 and 120" in found.errors["age"]
    wanted = network.diagnose({"CD117": "positive"})
    np.testing.assert_array_equal(found.diagnosis.probabilities, wanted.probabilities)


def test_hidden_variables_and_the_question_have_no_field(network):
    names = {v.name for group in fields(network).values() for v in group}
    assert TUMOUR not in names
    assert not any(name.endswith("_expression") for name in names)
    roles = {v.name for v in network.variables if v.role in ("finding", "specimen")}
    assert names == roles


def test_every_example_loads_into_the_form_and_back(network):
    examples = example_cases(network)
    assert len(examples) >= 5
    for case in examples.values():
        loaded = load(network, case)
        found = answer(network, loaded.values, loaded.extra)
        assert found.errors == {}
        wanted = network.diagnose(case, ignore_unknown=True)
        np.testing.assert_allclose(found.diagnosis.probabilities, wanted.probabilities)


def test_a_pasted_file_of_two_cases_is_refused(network):
    with pytest.raises(CaseError, match="holds 2 cases"):
        paste(network, "[{findings: {}}, {findings: {}}]")
    uncertain = {"findings": {"S100": {"likelihood": {"negative": 1, "focal": 2, "positive": 3}}}}
    loaded = load(network, as_case(uncertain))
    assert loaded.values == {}
    assert "likelihood" in loaded.extra["S100"]


def test_the_same_seed_draws_the_same_patient_and_seeds_reach_many_tumours(network):
    assert game.new_quiz(network, 7) == game.new_quiz(network, 7)
    drawn = {game.new_quiz(network, seed).truth for seed in range(8)}
    assert len(drawn) > 2
    assert "OTHER" not in drawn


def test_what_is_left_of_a_hundred_is_spread_over_the_blanks(network):
    states = network.variable(TUMOUR).states
    belief, errors = game.read_belief(network, {"GIST": "60 %", "LM": "0"})
    assert errors == {}
    assert sum(belief.values()) == pytest.approx(1)
    assert belief["GIST"] == 0.6
    assert belief["LM"] == 0
    assert belief["SCHW"] == pytest.approx(0.4 / (len(states) - 2))


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ({"GIST": "x"}, "GIST"), ({"GIST": "nan"}, "GIST"), ({"GIST": "-1"}, "GIST"),
        ({"GIST": "101"}, "GIST"), ({"GIST": "60", "LM": "50"}, ""),
    ],
)  # fmt: skip
def test_a_belief_that_is_none_is_refused_at_its_field(network, points, field):
    belief, errors = game.read_belief(network, points)
    assert belief == {}
    assert set(errors) == {field}


def test_the_log_score_is_proper_and_a_dishonest_one_is_not_better():
    truth = np.array([0.7, 0.2, 0.1])
    rng = np.random.default_rng(1)
    codes = ["A", "B", "C"]

    def expected(belief):
        named = dict(zip(codes, belief, strict=True))
        return sum(p * game.log_score(named, c) for p, c in zip(truth, codes, strict=True))

    honest = expected(truth)
    assert all(expected(other) < honest for other in rng.dirichlet(np.ones(3), 50))
    assert game.log_score({"A": 0.0}, "A") == -math.inf
    assert game.log_score({"A": 0.25}, "A") == -2


def test_the_network_keeps_to_the_budget_and_marks_by_its_own_posterior(network):
    quiz = game.new_quiz(network, 3)
    path = game.network_path(network, quiz)
    assert quiz.spent(path) <= game.BUDGET
    assert len(set(path)) == len(path)
    belief = game.network_belief(network, quiz.known(("CD117",)))
    you, same, own = game.mark(network, quiz, ("CD117",), belief)
    assert you.score == pytest.approx(same.score)
    assert own.ordered == path
    with pytest.raises(CaseError, match="more than"):
        game.mark(network, quiz, tuple(quiz.tests)[:20], belief)


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("10.0.0.3", False), ("example.org", False)],
)  # fmt: skip
def test_only_loopback_is_this_machine_alone(host, alone):
    assert is_loopback(host) is alone


def test_a_taken_port_is_one_sentence():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(MesenbayesError, match="try another --port"):
            listen("127.0.0.1", taken.getsockname()[1])


def test_the_server_refuses_foreign_names_and_forbids_other_hosts(address):
    import http.client

    host = address.removeprefix("http://")
    answers = {}
    for name in (host, "evil.example"):
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("GET", "/", headers={"Host": name})
        answers[name] = connection.getresponse()
        answers[name].read()
        connection.close()
    assert answers[host].status == 200
    assert "connect-src 'self'" in answers[host].getheader("content-security-policy")
    assert answers["evil.example"].status == 400
