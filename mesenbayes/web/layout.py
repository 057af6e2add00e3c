"""The page of the app: fields on the left, the answer on the right, one column on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from shiny import ui
from shiny.ui import tags

from mesenbayes.network.structure import TUMOUR
from mesenbayes.report.content import HOW_TO_READ, LIMITS
from mesenbayes.report.diagnosis import DISCLAIMER
from mesenbayes.web.form import fields
from mesenbayes.web.quiz import BUDGET, COST

if TYPE_CHECKING:
    from htmltools import Tag

    from mesenbayes.facade import Network
    from mesenbayes.network.variable import Variable

HERE = Path(__file__).parent
OPEN_AT_START = ("Patient and site", "Stains")


def field_id(name: str) -> str:
    """Return the identifier of the field of a variable."""
    return f"f_{name}"


def belief_id(code: str) -> str:
    """Return the identifier of the quiz field of a tumour type."""
    return f"b_{code}"


def page(network: Network, examples: Iterable[str]) -> Tag:
    """Return the whole page."""
    return ui.page_fluid(
        tags.head(
            tags.meta(name="referrer", content="no-referrer"),
            tags.link(rel="icon", href="data:,"),
            tags.style((HERE / "app.css").read_text(encoding="utf-8")),
            tags.script((HERE / "app.js").read_text(encoding="utf-8")),
        ),
        tags.div(
            tags.a("To the answer", href="#answer", class_="skip"),
            tags.header(
                tags.h1("mesenbayes"),
                tags.p(f"{DISCLAIMER} Nothing you enter is stored or sent on.", class_="notice"),
            ),
            tags.main(
                ui.navset_tab(
                    ui.nav_panel("Case", _case(network, examples), value="case"),
                    ui.nav_panel("Quiz", _quiz(network), value="quiz"),
                    ui.nav_panel("Compare", _compare(), value="compare"),
                    ui.nav_panel("About", _about(network), value="about"),
                    id="tab",
                )
            ),
            class_="page",
        ),
        title="mesenbayes: a teaching app",
        lang="en",
    )


def _case(network: Network, examples: Iterable[str]) -> Tag:
    groups = [
        tags.details(
            tags.summary(title),
            tags.fieldset(
                tags.legend(title, class_="visually-hidden"), *(_field(v) for v in variables)
            ),
            open_="" if title in OPEN_AT_START else None,
            data_group=title,
        )
        for title, variables in fields(network).items()
    ]
    choices = {"": "choose one", **{title: title for title in examples}}
    form = tags.form(
        tags.h2("The case"),
        ui.input_select("example", "Load a published case", choices),
        tags.details(
            tags.summary("Paste a case file"),
            ui.input_text_area("pasted", "Case in YAML or JSON", rows=6, spellcheck="false"),
            _error("pasted"),
            ui.input_action_button("read", "Read it"),
        ),
        tags.div(
            ui.input_action_button("clear", "Clear all"),
            ui.input_action_button("keep", "Keep to compare"),
        ),
        ui.output_ui("aside"),
        *groups,
        class_="form", onsubmit="return false", autocomplete="off",
    )  # fmt: skip
    answers = tags.div(
        tags.div(ui.output_ui("headline"), id="answer", tabindex="-1", aria_live="polite"),
        _section("What it may be", "differential"),
        _section("Why: each finding in turn", "waterfall"),
        _section("Does it fit", "fit"),
        _section("Which test next", "tests"),
        _section("What to do", "decision"),
        class_="answers",
    )
    jump = tags.a(ui.output_text("brief", inline=True), " ↓", href="#answer", class_="jump")
    return tags.div(form, answers, jump, class_="columns")


def _section(title: str, output: str) -> Tag:
    return tags.section(
        tags.h2(title, id=f"h_{output}"), ui.output_ui(output), aria_labelledby=f"h_{output}"
    )


def _error(identifier: str) -> Tag:
    return tags.span(
        class_="field-error", id=f"e_{identifier}", data_field=identifier, role="alert"
    )


def _field(variable: Variable) -> Tag:
    name = field_id(variable.name)
    control: Tag
    if variable.unit is not None:
        low, high = variable.limits or (0.0, 0.0)
        hint = f"{low:g} to {high:g}" if variable.limits else ""
        unit = "" if variable.unit in variable.label else f", {variable.unit}"
        control = ui.input_text(
            name, f"{variable.label}{unit}", placeholder=hint, update_on="blur"
        )
    else:
        states = {s: variable.state_label(s) for s in variable.states}
        control = ui.input_select(name, variable.label, {"": "not stated", **states})
    return tags.div(control, _error(name), class_="field")


def _quiz(network: Network) -> Tag:
    variable = network.variable(TUMOUR)
    beliefs = [
        tags.div(
            ui.input_text(
                belief_id(code), f"{variable.state_label(code)}, %", update_on="blur"
            ),
            _error(belief_id(code)),
        )
        for code in variable.states
    ]
    return tags.div(
        tags.p(
            "A patient is drawn from the network; you see the story, not the diagnosis. Order "
            f"tests for up to {BUDGET} points (a stain {COST['immunohistochemistry']}, a gene "
            f"test {COST['molecular']}), then say how probable each diagnosis is."
        ),
        ui.input_action_button("new_quiz", "New patient"),
        tags.div(ui.output_ui("story"), aria_live="polite"),
        tags.form(
            ui.input_select("order", "Order a test", {"": "choose a test"}),
            ui.input_action_button("do_order", "Order"),
            _error("order"),
            tags.h3("Your belief, in percent"),
            tags.p("What is left of 100 is spread evenly over the blank fields.", class_="soft"),
            tags.div(*beliefs, class_="belief"),
            _error("sum"),
            ui.input_action_button("answer_quiz", "Show the answer"),
            class_="form", onsubmit="return false", autocomplete="off",
        ),
        tags.div(ui.output_ui("marking"), aria_live="polite"),
        class_="answers",
    )  # fmt: skip


def _compare() -> Tag:
    return tags.div(
        tags.p(
            "'Keep to compare' on the Case page puts the present findings here. Change a finding "
            "there, keep it again, and see what the change does."
        ),
        ui.output_ui("comparison"),
        ui.input_action_button("forget", "Forget all"),
    )


def _about(network: Network) -> Tag:
    treatment = network.treatment
    more = f" Treatment tables {treatment.version} ({treatment.digest})." if treatment else ""
    return tags.div(
        tags.p(HOW_TO_READ),
        tags.p("Every line with ▸ opens: behind each number stand its studies, k of n, and the "
               "place where they were read."),
        tags.h2("Limits"),
        tags.ul(*(tags.li(text) for text in LIMITS)),
        tags.p(f"Network {network.name} {network.version} ({network.digest}).{more}",
               class_="soft"),
    )  # fmt: skip
