"""The bundled network through the facade and the command line: behaviour, not numbers."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import mesenbayes as mb
from mesenbayes.cli import main
from mesenbayes.errors import CaseError, UnknownFinding, UnknownState
from mesenbayes.sensitivity import Sensitivity, evpi, evppi, for_cases
from mesenbayes.sensitivity.outcomes import outcome_indices, salib_problem
from mesenbayes.sensitivity.probabilistic import probabilistic

mpl.use("Agg")


CASE = {
    "site": "stomach", "age": 60, "size_cm": 4, "morphology": "spindle",
    "CD117": "negative", "S100": "positive", "mitoses_per_5mm2": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def network(gut: mb.Network) -> mb.Network:
    return gut


@pytest.fixture(scope="module")
def answer(network: mb.Network) -> Sensitivity:
    return network.sensitivity(CASE)


def test_the_problem_is_the_diagnosis(answer: Sensitivity) -> None:
    np.testing.assert_allclose(answer.problem.mass, answer.diagnosis.probabilities, atol=1e-12)
    classes = answer.treatment_problem
    np.testing.assert_allclose(classes.mass.sum(), 1)
    gist = classes.by_diagnosis(classes.mass)[list(classes.groups).index("GIST")]
    assert gist == pytest.approx(answer.problem.mass[answer.problem.names.index("GIST")])


def test_the_choice_is_that_of_the_treatment_model(answer: Sensitivity) -> None:
    decision = answer.diagnosis.decision
    choice = answer.treatment_choice
    assert decision is not None
    assert choice is not None
    assert choice.options == decision.option_names
    expected = choice.expected(answer.treatment_problem.mass)
    for d, name in enumerate(choice.options):
        # rare classes, left out of the decision, are in here
        assert expected[d] == pytest.approx(decision.option(name).expected_utility, abs=0.1)
    # One rule among equals: fewest departures from the guidelines, then the least intensive.
    assert choice.options[int(choice.recommended(answer.treatment_problem.mass))] == (
        decision.recommended
    )


def test_default_analyses_have_tables_sentences_and_pictures(answer: Sensitivity) -> None:
    for bars in (answer.tornado(), answer.treatment_tornado()):
        frame = bars.to_frame()
        assert {"low", "high", "at_low", "at_high", "sources"} <= set(frame.columns)
        assert bars.sentence.endswith(".")
        assert len(bars.plot().patches) == 2 * len(frame)
    frame = answer.one_way.to_frame()
    assert (frame["derivative"].abs() <= frame["bound"] * (1 + 1e-9)).all()
    flips = answer.flips()
    assert set(flips.impossible) == {"parameter", "row", "source", "finding"}
    assert flips.to_frame()["distance"].is_monotonic_increasing
    assert answer.treatment_flips(("parameter",)).choice.kind == "treatment"
    assert "<table" in flips._repr_html_()
    assert len(answer.without_each_finding()) == len(answer.diagnosis.case.findings)
    assert answer.worst_and_best()["completion"].tolist() == ["worst", "best"]
    sources = answer.sources()
    assert sources["share"].between(0, 1).all()


def test_everything_has_a_sentence_and_a_picture(answer: Sensitivity) -> None:
    from mesenbayes.plots.tornado import plot_bars

    flips = answer.flips(("parameter", "finding"))
    assert len(flips.plot().patches) == np.isfinite(flips.to_frame()["distance"][:15]).sum()
    for result in (answer.sobol("table", n=16, rng=1), answer.robust(), answer.structural()):
        assert result.sentence.endswith(".")
        assert result.plot().get_xlabel()
    drawn = answer.probabilistic(50, rng=1)
    assert len(drawn.plot(shown=4).get_yticks()) == 4
    for frame, label, value in (
        (answer.without_each_finding(), "finding", "change"),
        (answer.sources(), "source", "share"),
        (answer.morris(trajectories=2, rng=1), "row", "mu_star"),
        (evppi(drawn, ["rows"]), "group", "evppi"),
    ):
        assert frame.attrs["sentence"].endswith(".")
        assert len(plot_bars(frame.head(5), label, value).patches) == min(5, len(frame))


def test_the_same_for_the_treatment(answer: Sensitivity) -> None:
    choice = answer.treatment_choice
    assert choice is not None
    assert set(answer.without_each_finding(treatment=True)["chosen_without"]) <= set(choice.options)
    assert set(answer.every_result(treatment=True)["chosen"]) <= set(choice.options)
    now = choice.options[int(choice.recommended(answer.treatment_problem.mass))]
    assert now in answer.robust(1.0, treatment=True).survivors
    indices = answer.sobol("table", n=8, most=3, treatment=True, rng=1)
    assert set(choice.options) <= set(indices.outputs)
    assert answer.sources("study", treatment=True)["choice_changes"].dtype == bool


def test_curves_and_surfaces(answer: Sensitivity) -> None:
    from mesenbayes.plots.curves import plot_function

    first = answer.parameter("S100_expression", "present", tumour="SCHW")
    second = answer.parameter("S100_expression", "present", tumour="LM")
    surface = answer.two_way(first, second, points=21)
    assert surface.plot().get_xlabel() == surface.function.labels[0]
    assert answer.two_way(first, second, treatment=True, points=5).region.shape == (5, 5)
    axes = plot_function(answer.one_way, first)
    assert axes.get_xlabel().startswith("P(S100_expression=present")
    f = answer.function("S100_expression", "present", "uniform", tumour="SCHW")
    assert f.domain == (0.0, 1.0)
    with pytest.raises(CaseError, match="state also"):
        answer.parameter("S100_expression", "present")
    with pytest.raises(UnknownFinding, match="did you mean S100_expression"):
        answer.parameter("S100_expresion", "present")


def test_probabilistic_and_value_of_research(answer: Sensitivity) -> None:
    from mesenbayes.plots.acceptability import plot_acceptability, plot_expected_loss

    seen: list[tuple[int, int]] = []
    drawn = answer.probabilistic(300, rng=1, progress=lambda d, t: seen.append((d, t)))
    assert seen[-1] == (600, 600)
    again = answer.probabilistic(300, rng=1)
    np.testing.assert_array_equal(drawn.net_benefit, again.net_benefit)
    assert drawn.options()["probability_best"].sum() == pytest.approx(1)
    assert len(drawn.to_frame()) == 300
    most = evpi(drawn)
    frame = evppi(drawn, ["S100", "rows", "outcomes", "utilities"])
    assert frame["evppi"].between(0, most.value + 1e-12).all()
    shares = outcome_indices(drawn)
    assert shares["share"].between(-1e-9, 1).all()
    assert len(shares) == len(drawn.outcomes) == salib_problem(drawn)["num_vars"]
    with pytest.raises(UnknownState, match="the option cannot be 'prayer'"):
        outcome_indices(drawn, "prayer")
    options = drawn.options()["option"]
    cost = {option: 1000.0 * i for i, option in enumerate(options)}
    curve = drawn.acceptability(cost, np.linspace(0, 1e5, 5))
    assert len(plot_acceptability(curve).lines) == 2 * len(options)
    assert plot_expected_loss(curve).get_ylabel() == "expected loss"
    with pytest.raises(CaseError, match="needs draws"):
        probabilistic(answer.diagnosis, 0)


def test_batch_of_cases(network: mb.Network) -> None:
    cases = [CASE, {**CASE, "CD117": "positive"}]
    frame = for_cases(map(network.sensitivity, cases), Sensitivity.without_each_finding)
    assert frame.groupby("case", sort=False).ngroups in (1, 2)
    assert len(frame) == 2 * len(CASE)
    with pytest.raises(CaseError, match="no case"):
        for_cases([], Sensitivity.sources)


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"id": "one", "findings": CASE}))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str):
    monkeypatch.setattr("sys.argv", ["mesenbayes", "sensitivity", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "One-way: each parameter"),
        (("--flip",), "What would put another diagnosis first"),
        (("--psa", "60", "--evppi", "S100"), "EVPI"),
        (("--sources", "--structural", "--robust", "1", "--sobol", "table"), "Robust bounds"),
    ],
)
def test_command(options, said, case_file, capsys, monkeypatch) -> None:
    code, out, err = run(capsys, monkeypatch, case_file, *options)
    assert (code, err) == (0, "")
    assert said in out
    assert "research and teaching" in out


def test_command_prints_data(case_file, capsys, monkeypatch) -> None:
    words = ("--flip", "--sources", "--psa", "40", "--evppi", "rows", "--structural", "--json")
    code, out, err = run(capsys, monkeypatch, case_file, *words)
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert sum(data["posterior"].values()) == pytest.approx(1)
    assert {"flip", "treatment_flip", "sources", "probabilistic", "evppi", "evpi"} <= set(data)


def test_command_refuses_in_one_line(case_file, capsys, monkeypatch) -> None:
    code, out, err = run(capsys, monkeypatch, case_file, "--psa", "20", "--evppi", "S10")
    assert (code, out) == (2, "")
    assert "did you mean" in err
    assert err.count("\n") == 1
    code, _, err = run(capsys, monkeypatch, case_file, "--sobol", "moon")
    assert code == 2
    assert "not by moon" in err
