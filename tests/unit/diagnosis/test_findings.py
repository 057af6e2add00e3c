"""From words to states: what matches, what is refused, and uncertain findings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesenbayes.diagnosis.case import Case
from mesenbayes.diagnosis.encode import encode
from mesenbayes.diagnosis.findings import Vocabulary
from mesenbayes.errors import CaseError, UnknownFinding, UnknownState
from mesenbayes.facade import load_network
from mesenbayes.network.variable import NOT_OBSERVED, Variable

STAIN = Variable(
    "CD117", ("negative", "focal", "positive"), label="CD117 (KIT)", aliases=("c-KIT",),
    state_aliases={"+": "positive", "weak": "focal"},
)  # fmt: skip
AGE = Variable(
    "age", ("young", "middle", "old"), unit="years", cuts=(40, 60), right_open=True, limits=(0, 120)
)
SIZE = Variable(
    "size_cm", ("small", "medium", "large"), unit="cm", cuts=(2, 5), limits=(0.01, 60),
    conversions={"size_mm": 0.1},
)  # fmt: skip
HIDDEN = Variable("CD117_expression", ("absent", "present"), role="latent")
WORDS = Vocabulary([STAIN, AGE, SIZE, HIDDEN])


def match(findings: dict[str, object], **other: bool) -> dict[str, str | None]:
    matched = WORDS.match(Case(findings=findings, where="f.yaml"), **other)
    return {finding.variable: finding.state for finding in matched.findings}


@pytest.mark.parametrize("name", ["CD117", "cd-117", "c-KIT", "ckit", "CD117 (KIT)"])
@pytest.mark.parametrize("state", ["positive", "Positive", " + ", True])
def test_names_and_states_match_as_people_write_them(name: str, state: object) -> None:
    assert match({name: state}) == {"CD117": "positive"}


@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ({"age": 39}, {"age": "young"}),
        ({"age": 40}, {"age": "middle"}),  # right open: 40 belongs to the upper band
        ({"age": "60"}, {"age": "old"}),
        ({"size_cm": 2}, {"size_cm": "small"}),  # 2 cm is "up to 2 cm"
        ({"size_cm": 2.1}, {"size_cm": "medium"}),
        ({"size_mm": 51}, {"size_cm": "large"}),
        ({"age": "old"}, {"age": "old"}),
    ],
)
def test_numbers_fall_into_their_band(findings: dict[str, object], state: dict[str, str]) -> None:
    assert match(findings) == state


@given(st.floats(0, 120))
def test_every_possible_age_has_one_band(years: float) -> None:
    (state,) = match({"age": years}).values()
    assert state == ("young" if years < 40 else "middle" if years < 60 else "old")


def test_not_stated_is_not_negative() -> None:
    assert match({"CD117": None}) == {}


def test_the_same_twice_is_once() -> None:
    assert match({"CD117": "+", "c-KIT": "positive"}) == {"CD117": "positive"}


@pytest.mark.parametrize(
    ("findings", "error", "reason"),
    [
        ({"CD17": "positive"}, UnknownFinding, "unknown finding 'CD17'; did you mean CD117"),
        ({"CD117": "purple"}, UnknownState, "CD117 cannot be 'purple'; it can be negative"),
        ({"CD117_expression": "present"}, UnknownFinding, "unknown finding"),  # nobody reads it
        ({"age": 400}, CaseError, "age = 400 is impossible; it lies between 0 and 120 years"),
        ({"age": -1}, CaseError, "age = -1 is impossible"),
        ({"age": float("nan")}, CaseError, "age = nan is impossible"),
        ({"size_cm": -2}, CaseError, "size_cm = -2 is impossible"),
        ({"size_mm": 9000}, CaseError, "size_mm = 9000 is impossible"),
        ({"CD117": "+", "c-KIT": "negative"}, CaseError, "contradict each other"),
        ({"size_cm": 1, "size_mm": 90}, CaseError, "contradict each other"),
        ({"CD117": ["positive"]}, CaseError, "one state is expected, not a list"),
        ({"CD117": {"positive": 0.9}}, CaseError, "says which kind it is"),
        ({"CD117": {"probability": {"positive": 0.9}}}, CaseError, "add up to 0.9, not 1"),
        ({"CD117": {"probability": {"positive": 2, "focal": -1}}}, CaseError, "not a number >= 0"),
        ({"CD117": {"probability": {"positive": "high"}}}, CaseError, "not a number >= 0"),
        ({"CD117": {"likelihood": {"positive": 1}}}, CaseError, "negative, focal are missing"),
        ({"CD117": {"likelihood": {"positive": 0, "focal": 0, "negative": 0}}}, CaseError,
         "are all 0"),
        ({"CD117": {"probability": {"+": 0.5, "positive": 0.5}}}, CaseError, "stated twice"),
        ({"CD117": {"probability": {}}}, CaseError, "is a mapping of state to number"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(findings, error, reason) -> None:
    with pytest.raises(error, match=reason) as caught:
        match(findings)
    assert str(caught.value).startswith("f.yaml: ")


def test_what_is_unknown_can_be_set_aside_and_is_listed() -> None:
    case = Case(findings={"CD17": "positive", "CD117": "purple", "age": 50}, where="f")
    matched = WORDS.match(case, ignore_unknown=True)
    assert [f.variable for f in matched.findings] == ["age"]
    assert [note.split(":")[0] for note in matched.set_aside] == ["CD17", "CD117"]
    with pytest.raises(CaseError):  # an impossible number is not unknown
        WORDS.match(Case(findings={"age": 400}), ignore_unknown=True)


# ------------------------------------------------------------------ uncertain findings


@pytest.fixture(scope="module")
def network():
    return load_network("gist-basics")


def posterior(network, findings: dict[str, object]):
    case = network.vocabulary.match(Case(findings=findings))
    codes, likelihoods = encode(network, network.compiled, case).batch()
    targets = ("tumour", "CD117", "DOG1")
    return network.compiled.run(codes, likelihoods, targets=targets).posterior


def test_a_likelihood_of_one_state_is_that_state(network) -> None:
    sure = posterior(network, {"CD117": "positive"})["tumour"]
    same = {"likelihood": {"positive": 3, "focal": 0, "negative": 0}}
    np.testing.assert_allclose(posterior(network, {"CD117": same})["tumour"], sure, atol=1e-12)


def test_a_flat_likelihood_says_nothing(network) -> None:
    flat = {"likelihood": {"positive": 2, "focal": 2, "negative": 2}}
    np.testing.assert_allclose(
        posterior(network, {"CD117": flat})["tumour"], posterior(network, {})["tumour"], atol=1e-12
    )


def test_required_probabilities_hold_all_together(network) -> None:
    found = posterior(
        network,
        {
            "CD117": {"probability": {"positive": 0.7, "negative": 0.3}},
            "DOG1": {"probability": {"positive": 0.1, "focal": 0.2, "negative": 0.7}},
            "S100": "negative",
        },
    )
    np.testing.assert_allclose(found["CD117"][0], [0.3, 0, 0.7], atol=1e-8)
    np.testing.assert_allclose(found["DOG1"][0], [0.7, 0.2, 0.1], atol=1e-8)


def test_jeffreys_rule_by_hand(network) -> None:
    """P(T) = sum over states x of P(T | x) r(x)."""
    r = {"negative": 0.5, "focal": 0.2, "positive": 0.3}
    by_hand = sum(p * posterior(network, {"CD117": x})["tumour"] for x, p in r.items())
    found = posterior(network, {"CD117": {"probability": r}})["tumour"]
    np.testing.assert_allclose(found, by_hand, atol=1e-10)


def test_what_is_not_stated_is_not_observed(network) -> None:
    case = network.vocabulary.match(Case(findings={"CD117": "positive"}))
    codes = encode(network, network.compiled, case).codes
    assert (codes != NOT_OBSERVED).sum() == 1


@pytest.mark.parametrize(
    ("name", "word", "state"),
    [
        ("S100", "strongly and diffusely positive", "positive"),
        ("S100", "3+", "positive"),
        ("S100", "weak and focal", "focal"),
        ("S100", "1+", "focal"),
        ("beta_catenin", "nuclear positive", "nuclear"),
        ("beta_catenin", "membranous", "negative"),
        ("SDHB", "preserved", "retained"),
        ("SDHB", "neg", "lost"),
        ("KIT_mutation", "no mutation", "wild_type"),
        ("KIT_mutation", "exon 11 deletion", "exon_11"),
        ("PDGFRA_mutation", "exon 18 D842V", "D842V"),
        ("PDGFRA_mutation", "exon 18", "exon_18_other"),
        ("SS18_rearrangement", "no fusion", "absent"),
        ("ascertainment", "second opinion", "consultation"),
    ],
)
def test_words_of_published_reports(flagship, name: str, word: str, state: str) -> None:
    variable, _ = flagship.vocabulary.find(name)
    assert flagship.vocabulary.state(variable, word) == state
