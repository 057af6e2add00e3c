"""The report file: complete, self-contained, cited, repeatable, and safe against its input."""

import re
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest

import mesenbayes as mb
from mesenbayes.cli import main
from mesenbayes.errors import CaseError
from mesenbayes.network.folder import networks_folder
from mesenbayes.report.document import Citations, percent, render_marks
from mesenbayes.report.file import write_report
from mesenbayes.report.html import html_report
from mesenbayes.report.markdown import markdown_report
from mesenbayes.report.path import evidence_path
from mesenbayes.report.witnesses import witness

CASE = networks_folder() / "gi-mesenchymal" / "cases" / "gastric_gist.yaml"
SECTIONS = (
    "The case as it was read", "What it may be, and how sure", "Why", "Does it fit",
    "Which test next", "Risk, if a GIST", "Treatment options compared",
    "Guideline points that apply", "Follow-up", "References", "Limits",
)  # fmt: skip


@pytest.fixture(scope="module")
def network(gut):
    return gut


@pytest.fixture(scope="module")
def html_page(network):
    return html_report(network.diagnose(CASE))


class Page(HTMLParser):
    """Collects what the tests ask about; checks that elements close in order."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.loads, self.open = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, _tag, attrs):
        self._note(attrs)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def _note(self, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name == "href" and value.startswith("#"):
                self.targets.append(value[1:])
            if name == "src":
                self.loads.append(value)


def test_the_page_is_whole_and_needs_no_other_host(html_page):
    found = Page(html_page)
    assert len(found.ids) == len(set(found.ids))
    assert found.loads == []
    for word in ("<script", "<link", "@import", "url(http", "srcset"):
        assert word not in html_page
    for section in SECTIONS:
        assert f"<h2>{section}</h2>" in html_page
    assert html_page.count('role="img"') == 2
    assert "not for the care of patients" in html_page


def test_every_citation_is_in_the_reference_list_and_every_reference_is_cited(html_page):
    found = Page(html_page)
    cited = {t for t in found.targets if t.startswith("ref-")}
    listed = {i for i in found.ids if i.startswith("ref-")}
    assert cited == listed
    assert len(listed) > 5


def test_same_case_same_bytes(network, html_page):
    assert html_report(network.diagnose(CASE)) == html_page
    assert html_report(mb.load_network("gi-mesenchymal").diagnose(CASE)) == html_page


def test_the_report_names_the_network_by_its_digest(network, html_page):
    assert network.digest in html_page
    assert network.treatment.digest in html_page


def test_markdown_says_the_same(network, html_page):
    text = markdown_report(network.diagnose(CASE))
    for section in SECTIONS:
        assert f"## {section}" in text
    leading = network.diagnose(CASE).leading
    assert f"{leading.probability:.3f}" in text
    assert f"{leading.probability:.3f}" in html_page
    tables = [line for line in text.splitlines() if line.startswith("|")]
    for line, after in pairwise(tables):
        if set(after) <= set("|-: "):
            assert line.count("|") == after.count("|")


def test_a_hostile_case_stays_text(network):
    case = {
        "title": "<script>alert(1)</script> | ⟦99⟧ *bold*",
        "source": "\" onload=\"x",
        "findings": {"site": "stomach"},
    }
    diagnosis = network.diagnose(case)
    page = html_report(diagnosis)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "#ref-99" not in page
    text = markdown_report(diagnosis)
    assert "\\<script\\>" in text
    assert "\\*bold\\*" in text


def test_uncertain_findings_and_an_empty_case_have_a_report(network):
    uncertain = {"S100": {"likelihood": {"negative": 3, "focal": 1, "positive": 1}}}
    assert "uncertain (likelihood)" in html_report(network.diagnose(uncertain))
    assert "No finding was stated" in html_report(network.diagnose({}))


def test_two_cases_share_a_page_without_sharing_identifiers(network):
    two = html_report(network.diagnose(CASE), network.diagnose({"site": "colon"}))
    found = Page(two)
    assert len(found.ids) == len(set(found.ids))
    assert set(found.targets) <= set(found.ids)


def test_the_waterfall_ends_at_the_posterior(network):
    diagnosis = network.diagnose(CASE)
    path = evidence_path(diagnosis)
    p = diagnosis.leading.probability
    odds = 10 ** (path.decibans[-1] / 10)
    assert odds / (1 + odds) == pytest.approx(p, abs=1e-9)
    assert path.decibans[0] + path.steps.sum() == pytest.approx(path.decibans[-1])
    assert len(path.to_frame()) == len(diagnosis.case.findings)


def test_a_witness_gives_the_probability_of_the_network_and_its_counts(network):
    found = witness(network, "CD117", "positive", "GIST")
    wanted = network.diagnose({"tumour": "GIST"}, target="CD117")
    assert found.probability == pytest.approx(wanted.probabilities[2], abs=1e-12)
    assert found.who == "counted"
    assert sum(study.n for study in found.studies) > 100


def test_citations_are_numbered_by_first_use():
    cited = Citations({"A": ("Author A.", "https://a.example")})
    assert cited.cite("B") == "⟦1⟧"
    assert cited.cite("A", "B") == "⟦1, 2⟧"
    assert cited.cite("") == ""
    assert cited.references().entries == (("B", ""), ("Author A.", "https://a.example"))
    assert render_marks("x ⟦1, 2⟧", lambda n: f"<{n}>") == "x [<1>, <2>]"


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0, "< 0.1 %"), (0.004, "0.4 %"), (0.5, "50 %"), (0.985, "98.5 %"), (1.0, "> 99.9 %")],
)
def test_probabilities_are_said_without_false_certainty(p, words):
    assert percent(p) == words


def test_the_command_line_writes_the_file(tmp_path, monkeypatch, capsys, network):
    out = tmp_path / "out.html"
    monkeypatch.setattr(sys, "argv", ["mesenbayes", "diagnose", str(CASE), "--report", str(out)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code in (0, None)
    assert out.read_bytes() == html_report(network.diagnose(CASE)).encode()
    assert "report of 1 case" in capsys.readouterr().out


def test_a_file_of_another_kind_or_place_is_refused(tmp_path, network):
    diagnosis = network.diagnose({"site": "stomach"})
    with pytest.raises(CaseError, match=r"ends in \.html or \.md"):
        write_report(tmp_path / "out.pdf", [diagnosis])
    with pytest.raises(CaseError, match="cannot be written"):
        write_report(tmp_path / "nowhere" / "out.md", [diagnosis])


def test_the_pictures_hold_the_numbers(network):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from mesenbayes.plots.posterior import plot_posterior
    from mesenbayes.plots.waterfall import plot_waterfall

    diagnosis = network.diagnose(CASE)
    ax = plot_posterior(diagnosis.posterior, top=3)
    assert [bar.get_width() for bar in ax.patches] == [
        c.probability for c in diagnosis.posterior[:3]
    ]
    path = evidence_path(diagnosis)
    ax = plot_waterfall(path.labels, path.decibans, code="GIST")
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(list(path.steps))
    assert re.search("odds of GIST", ax.get_xlabel())
