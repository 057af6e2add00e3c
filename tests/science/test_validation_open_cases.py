"""The open cases behave as expected, by and large; they are odd and few, so not every one must."""

import pytest

from mesenbayes.cohort.open_cases import authors_diagnosis, open_cases_page, run_open_cases
from mesenbayes.diagnosis.case import Case
from mesenbayes.errors import CaseError
from mesenbayes.facade import load_network
from mesenbayes.network.folder import find_network


@pytest.fixture(scope="module")
def answered():
    network = load_network("mesenchymal")
    return network, run_open_cases(network, find_network("mesenchymal") / "cases")


def test_all_twenty_are_answered(answered):
    network, cases = answered
    assert len(cases) == 20
    known = network.variable("tumour").states
    assert all(case.truth in known or not case.is_modelled for case in cases)
    assert all(case.n_findings > 0 for case in cases)


def test_most_behave_as_expected(answered):
    _, cases = answered
    assert sum(case.as_expected for case in cases) >= 14
    modelled = [case for case in cases if case.is_modelled]
    assert sum(case.rank == 1 for case in modelled) > len(modelled) / 2
    for case in cases:
        assert case.interval[0] - 1e-9 <= case.probability <= case.interval[1] + 1e-9


def test_the_page_says_what_they_show(answered):
    page = open_cases_page(*answered)
    for case in answered[1]:
        assert case.id in page
        assert case.shows in page
    assert page.count("\n| ") == 21


def test_a_case_without_the_authors_diagnosis_is_no_open_case(tmp_path):
    with pytest.raises(CaseError, match="do not say the authors' diagnosis"):
        authors_diagnosis(Case(notes="nothing", where="x.yaml"))
    with pytest.raises(CaseError, match="there are no open cases"):
        run_open_cases(load_network("gi-mesenchymal"), tmp_path)
