"""The app as a learner meets it. Every test also asserts, at its end, that the console was
silent, that no other host was asked for anything, and that the page fits its window."""

import re

import pytest

both_widths = pytest.mark.parametrize("watched", [1200, 390], ids=["desk", "phone"], indirect=True)


def answer(page):
    return page.inner_text("#headline")


def wait_for(page, words):
    page.wait_for_function(
        "w => document.getElementById('headline').innerText.includes(w)", arg=words
    )


def show(page, field):
    """Open the group that holds a field."""
    page.evaluate("id => { document.getElementById(id).closest('details').open = true }", field)


@both_widths
def test_clicking_through_a_case_moves_everything(page):
    before = answer(page)
    assert "not for the care of patients" in page.inner_text("header")
    page.select_option("#f_site", "stomach")
    page.select_option("#f_CD117", "positive")
    page.select_option("#f_DOG1", "positive")
    wait_for(page, "gastrointestinal stromal tumour")
    page.wait_for_selector("#waterfall details:nth-of-type(3)")
    assert answer(page) != before
    assert "DOG1 (ANO1): positive" in page.inner_text("#waterfall")
    assert "QALY" in page.inner_text("#decision")
    assert "go together" in page.inner_text("#fit")


def test_a_published_case_loads_and_clears(page):
    page.select_option("#example", index=1)
    page.wait_for_selector("#waterfall details")
    assert page.input_value("#f_site") != ""
    page.click("#clear")
    page.wait_for_selector("#waterfall >> text=State a finding")
    assert page.input_value("#f_site") == ""


def test_every_number_opens_its_studies(page):
    page.select_option("#f_CD117", "positive")
    wait_for(page, "gastrointestinal stromal tumour")
    first = page.locator("#differential details").first
    first.locator("summary").click()
    assert first.locator(".studies li").count() > 0
    assert re.search(r"\d+ of \d+", first.locator(".studies li").first.inner_text())
    link = first.locator(".studies a").first
    assert link.get_attribute("href").startswith("http")
    assert "noreferrer" in link.get_attribute("rel")


@both_widths
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(page):
    page.select_option("#f_CD117", "positive")
    wait_for(page, "gastrointestinal stromal tumour")
    show(page, "f_size_cm")
    page.fill("#f_size_cm", "twelve")
    page.press("#f_size_cm", "Tab")
    wait_for(page, "Left out until mended: largest diameter")
    assert "not a number in cm" in page.inner_text("#e_f_size_cm")
    assert page.get_attribute("#f_size_cm", "aria-invalid") == "true"
    assert page.get_attribute("#f_size_cm", "aria-describedby") == "e_f_size_cm"
    assert page.input_value("#f_size_cm") == "twelve"
    assert page.input_value("#f_CD117") == "positive"
    assert "gastrointestinal stromal tumour" in answer(page)
    page.fill("#f_size_cm", "12")
    page.press("#f_size_cm", "Tab")
    page.wait_for_function("document.getElementById('e_f_size_cm').textContent === ''")
    assert page.get_attribute("#f_size_cm", "aria-invalid") == "false"


def test_a_broken_pasted_case_is_refused_in_words_and_kept(page):
    page.evaluate("document.getElementById('pasted').closest('details').open = true")
    page.fill("#pasted", "findings: {CD171: positive}\nfindings: {}")
    page.click("#read")
    page.wait_for_function("document.getElementById('e_pasted').textContent !== ''")
    assert "stated twice" in page.inner_text("#e_pasted")
    assert "CD171" in page.input_value("#pasted")
    page.fill("#pasted", "findings: {DOG1: positive, S100: {likelihood: "
              "{negative: 3, focal: 1, positive: 1}}}")  # fmt: skip
    page.click("#read")
    page.wait_for_selector("#aside >> text=S100")
    assert page.input_value("#f_DOG1") == "positive"
    assert page.inner_text("#e_pasted") == ""


@both_widths
def test_a_quiz_from_the_story_to_the_score(page):
    page.get_by_role("tab", name="Quiz").click()
    page.click("#answer_quiz")
    page.wait_for_function("document.getElementById('e_sum').textContent !== ''")
    page.click("#new_quiz")
    page.wait_for_selector("#points")
    assert page.inner_text("#points") == "12 points left."
    assert page.locator("#marking table").count() == 0
    page.select_option("#order", "DOG1")
    page.click("#do_order")
    page.wait_for_selector("#points >> text=11 points left.")
    assert "DOG1 (ANO1)" in page.inner_text("#story")
    page.fill("#b_GIST", "a lot")
    page.click("#answer_quiz")
    page.wait_for_function("document.getElementById('e_b_GIST').textContent !== ''")
    assert page.input_value("#b_GIST") == "a lot"
    page.fill("#b_GIST", "40")
    page.click("#answer_quiz")
    page.wait_for_selector("#marking table")
    told = page.inner_text("#marking")
    assert "It was:" in told
    assert "The network with its own tests" in told


def test_scenarios_stand_side_by_side(page):
    page.select_option("#f_S100", "positive")
    page.wait_for_selector("#waterfall >> text=S100 protein: positive")
    page.click("#keep")
    page.wait_for_selector("text=Kept as scenario A")
    page.select_option("#f_S100", "negative")
    page.wait_for_selector("#waterfall >> text=S100 protein: negative")
    page.click("#keep")
    page.wait_for_selector("text=Kept as scenario B")
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("#comparison table")
    text = page.inner_text("#comparison")
    assert "S100 protein" in text
    assert "Choice" in text
    page.click("#forget")
    page.wait_for_selector("#comparison >> text=No scenario kept yet.")


def test_the_keyboard_reaches_the_fields_the_studies_and_the_tabs(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the answer"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#new_quiz", state="visible")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#f_site", state="visible")
    page.focus("#f_site")
    page.keyboard.press("s")
    page.wait_for_function("document.getElementById('f_site').value !== ''")
    page.locator("#differential summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#differential details").first.get_attribute("open") is not None


def test_every_field_has_a_name_for_a_screen_reader(page):
    nameless = page.evaluate("""
        [...document.querySelectorAll('input, select, textarea, button')].filter(e =>
          e.type !== 'hidden' && !(e.labels && e.labels.length) && !e.textContent.trim()
          && !e.getAttribute('aria-label')).map(e => e.id)
    """)
    assert nameless == []
    assert page.get_attribute("html", "lang") == "en"
    assert page.get_attribute("#answer", "aria-live") == "polite"
