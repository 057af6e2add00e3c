"""Pictures and notebook tables of the reasoning: they draw and name what they show."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from mesenbayes.facade import load_network

mpl.use("Agg")


@pytest.fixture(scope="module")
def answer():
    return load_network("gi-mesenchymal").diagnose(
        {"site": "stomach", "morphology": "spindle", "CD117": "positive", "S100": "negative"}
    )


def test_the_waterfall_ends_at_the_posterior_odds(answer):
    sheet = answer.balance[0]
    ax = sheet.plot()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert any("CD117" in label for label in labels)
    assert f"{sheet.leading} against {sheet.rival}" in sheet._repr_html_()


def test_panels_are_drawn_with_their_bound(answer):
    found = answer.workup.panel(2, among=["DOG1", "CD34", "desmin", "SMA"])
    ax = found.plot()
    assert len(ax.patches) == len(found.panels)
    assert ", ".join(found.best.tests) in [t.get_text() for t in ax.get_yticklabels()]
    assert "bits" in found._repr_html_()


def test_tables_for_a_notebook(answer):
    assert answer.leading.code in answer.certainty._repr_html_()
    assert answer.workup.tests[0].test.label in answer.workup._repr_html_()
    assert list(answer.certainty.sources_frame().columns) == ["source", "share", "rows"]
    assert "p_given_rest" in answer.conflict.to_frame().columns
