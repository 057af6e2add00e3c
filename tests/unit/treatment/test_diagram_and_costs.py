"""The decision as an influence diagram, and costs where a user brings them."""

from __future__ import annotations

import warnings
from xml.etree import ElementTree

import numpy as np
import pytest

from mesenbayes.errors import CaseError
from mesenbayes.treatment import CostTable, TreatmentBelief, TreatmentModel, influence_diagram
from mesenbayes.treatment.costs import frontier

CASE = TreatmentBelief(
    {"GIST": 0.6, "SCHW": 0.3, "LMS": 0.1},
    {"KIT_ex11": 0.8, "PDGFRA_D842V": 0.2},
    {"site": "stomach", "size_cm": 7.0, "mitoses_per_5mm2": 12, "age": 62},
)


def test_diagram_has_the_expected_utility_of_the_decision(model: TreatmentModel) -> None:
    decision = model.decide(CASE)
    value, best = influence_diagram(decision).solve()
    assert best[""] == decision.options[0].name
    assert value == pytest.approx(decision.options[0].expected_utility, abs=1e-12)


def test_pyagrum_solves_the_diagram_to_the_same_answer(model: TreatmentModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyAgrum warns, and then crashes, while it is loaded
        gum = pytest.importorskip("pyagrum")
        solver = gum.ShaferShenoyLIMIDInference
    decision = model.decide(CASE)
    plain = influence_diagram(decision)
    # a stain that is positive in GIST and not in the others, then with the test in between
    positive = np.array([0.95 if name.startswith("GIST") else 0.05 for name in plain.classes])
    tested = plain.with_test(
        "CD117", ("negative", "positive"), np.stack([1 - positive, positive], 1)
    )
    for diagram in (plain, tested):
        inference = solver(diagram.to_pyagrum())
        inference.makeInference()
        value, best = diagram.solve()
        assert inference.MEU()["mean"] == pytest.approx(value, abs=1e-9)
        policy = inference.optimalDecision("treatment")
        for position, result in enumerate(diagram.results or ("",)):
            row = policy[{"CD117": position}] if diagram.results else policy[{}]
            assert diagram.options[int(np.argmax(row))] == best[result]
    assert tested.solve()[0] >= plain.solve()[0] - 1e-12  # a test never costs


def test_xdsl_holds_the_same_numbers(model: TreatmentModel) -> None:
    diagram = influence_diagram(model.decide(CASE))
    root = ElementTree.fromstring(diagram.to_xdsl())
    utility = root.find("nodes/utility/utilities")
    assert utility is not None
    assert utility.text is not None
    got = np.array([float(x) for x in utility.text.split()]).reshape(diagram.utility.shape)
    np.testing.assert_array_equal(got, diagram.utility)
    assert [s.get("id") for s in root.findall("nodes/decision/state")] == list(diagram.options)


def test_a_test_must_be_a_distribution(model: TreatmentModel) -> None:
    diagram = influence_diagram(model.decide(CASE))
    with pytest.raises(CaseError, match="sum to 1"):
        diagram.with_test("CD117", ("negative", "positive"), np.ones((len(diagram.classes), 2)))


def test_textbook_frontier() -> None:
    """Five programmes; B is dominated by C, D extendedly dominated by C and E."""
    points = frontier(
        ("A", "B", "C", "D", "E"), (0.0, 120.0, 100.0, 300.0, 400.0), (0.0, 8.0, 10.0, 12.0, 16.0)
    )
    by_name = {p.name: p for p in points}
    assert by_name["B"].status == "dominated"
    assert by_name["D"].status == "extendedly dominated"
    assert by_name["C"].icer == pytest.approx(10.0)
    assert by_name["E"].icer == pytest.approx(50.0)
    assert by_name["A"].icer is None


def test_costs_of_a_case(model: TreatmentModel) -> None:
    states = (
        "watched", "recurrence_free", "local_recurrence", "first_line", "second_line", "third_line",
    )  # fmt: skip
    options = model.decide(CASE, draws=2).option_names
    free = CostTable(dict.fromkeys(states, 0.0), dict.fromkeys(options, 1000.0), 0.0, "EUR")
    got = model.cost_effectiveness(CASE, free, draws=10)
    assert {round(p.cost, 6) for p in got.points} == {1000.0}
    assert sum(p.status == "frontier" for p in got.points) == 1
    dear = CostTable(dict.fromkeys(states, 0.0), dict.fromkeys(options, 0.0), 30000.0, "EUR")
    cost = {p.name: p.cost for p in model.cost_effectiveness(CASE, dear, draws=10).points}
    assert cost["resection"] == 0
    assert 60000 < cost["resection_imatinib_3y"] < 90000  # three discounted years, less those lost
    assert cost["resection_imatinib_1y"] < 30000
    with pytest.raises(CaseError, match="misses watched"):
        CostTable({s: 0.0 for s in states if s != "watched"}, {})
    with pytest.raises(CaseError, match="no initial cost for"):
        model.cost_effectiveness(CASE, CostTable(dict.fromkeys(states, 0.0), {}))


def test_pictures(model: TreatmentModel) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import datetime

    decision = model.decide(CASE, draws=5)
    assert len(decision.plot().get_yticklabels()) == len(decision.options)
    assert decision.plot_tree().texts
    seen = model.occupancy(CASE, "resection_imatinib_3y", "GIST", "KIT_ex11")
    assert seen.plot().get_xlabel() == "years"
    np.testing.assert_allclose(seen.share.sum(axis=1), 1)
    assert (np.diff(seen.alive) <= 0).all()
    plan = model.follow_up(CASE, datetime.date(2026, 1, 1))
    assert plan.plot().get_xlabel() == "months from 2026-01-01"
