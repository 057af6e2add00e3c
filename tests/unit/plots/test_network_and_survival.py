"""The network drawing shows the posterior of the case; the curves are the model's own."""

import shutil

import matplotlib as mpl
import numpy as np
import pytest

from mesenbayes.errors import UnknownFinding
from mesenbayes.plots.calendar import plot_calendar
from mesenbayes.plots.export import svg_of
from mesenbayes.plots.network import plot_network
from mesenbayes.plots.state_occupancy import plot_state_occupancy
from mesenbayes.plots.survival import plot_survival

mpl.use("Agg")


@pytest.fixture(scope="module")
def network(gut):
    return gut


def words(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("graphviz", [False, True])
def test_a_node_carries_the_belief_of_the_case(network, graphviz):
    if graphviz and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    diagnosis = network.diagnose({"CD117": "negative", "site": "stomach"})
    ax = plot_network(diagnosis, use_graphviz=graphviz)
    for candidate in diagnosis.posterior[:3]:
        assert f"{100 * candidate.probability:.1f} %" in words(ax)
    assert "100.0 %" in words(ax)  # what was stated
    boxes = [p.get_bbox() for p in ax.patches if p.__class__.__name__ == "FancyBboxPatch"]
    assert len(boxes) == 8  # CD117 and everything above it
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert not (
                one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
            )


def test_what_is_drawn_can_be_named(network):
    diagnosis = network.diagnose({})
    assert "Tumour type" in words(plot_network(diagnosis))
    assert "STAT6 (nuclear)" in words(plot_network(diagnosis, around=["STAT6"]))
    with pytest.raises(UnknownFinding, match="STAT6"):
        plot_network(diagnosis, around=["STAT7"])


def test_survival_curves_are_those_of_the_cohort_model(network):
    belief = network.diagnose(
        {"site": "stomach", "size_cm": 8, "mitoses_per_5mm2": 8, "age": 60}
    ).belief
    model = network.treatment
    curves = [
        model.occupancy(belief, name, "GIST", "KIT_ex11")
        for name in ("resection", "resection_imatinib_3y")
    ]
    ax = plot_survival(curves, years=15)
    for line, curve in zip(ax.lines, curves, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve.alive)
    assert len({(line.get_linestyle(), line.get_color()) for line in ax.lines}) == 2
    free = plot_survival(curves, what="recurrence_free")
    assert (np.diff(free.lines[0].get_ydata()) <= 1e-12).all()


def test_occupancy_stacks_to_everybody_and_names_its_states(network):
    belief = network.diagnose({"site": "stomach", "size_cm": 8, "mitoses_per_5mm2": 8}).belief
    occupancy = network.treatment.occupancy(belief, "resection", "GIST", "KIT_ex11")
    ax = plot_state_occupancy(occupancy)
    top = ax.collections[-1].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(1)
    assert {"recurrence free", "dead of disease", "dead other"} <= set(words(ax))


def test_the_calendar_marks_every_visit(network):
    case = {"site": "stomach", "size_cm": 8, "mitoses_per_5mm2": 8, "CD117": "positive",
            "DOG1": "positive"}  # fmt: skip
    plan = network.diagnose(case).follow_up
    ax = plot_calendar(plan)
    assert list(ax.lines[0].get_xdata()) == [visit.month for visit in plan.visits]
    assert len(plan.visits) > 3


def test_a_picture_is_the_same_bytes_twice_and_its_names_are_its_own():
    def draw(ax):
        ax.plot([0, 1], [0, 1], label="a")

    once, again = svg_of(draw, (2, 1), "a-"), svg_of(draw, (2, 1), "a-")
    assert once == again
    assert once.startswith("<svg")
    assert 'id="a-figure_1"' in once
    assert "<metadata" not in once
