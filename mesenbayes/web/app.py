"""The Shiny app: fields in, answer out; nothing is kept beyond the open page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from shiny import App, Inputs, Outputs, Session, reactive, render, req, ui
from shiny.ui import TagList, tags

from mesenbayes.errors import CaseError
from mesenbayes.network.structure import TUMOUR
from mesenbayes.report.document import percent
from mesenbayes.web import game_views, views
from mesenbayes.web import quiz as game
from mesenbayes.web.form import Answer, Loaded, answer, example_cases, fields, load, paste, sentence
from mesenbayes.web.layout import belief_id, field_id, page

if TYPE_CHECKING:
    from mesenbayes.diagnosis.case import Case
    from mesenbayes.facade import Network
    from mesenbayes.report.diagnosis import Diagnosis

MOST_SCENARIOS = 4


def make_app(network: Network, rng: np.random.Generator | int | None = None) -> App:
    """Return the app of one network.

    Parameters
    ----------
    rng
        Draws the quiz patients; a seed makes the same ones.
    """
    generator = np.random.default_rng(rng)
    examples = example_cases(network)

    def server(input: Inputs, output: Outputs, session: Session) -> None:  # noqa: A002
        _ = output
        _case_page(network, examples, input, session)
        _quiz_page(network, generator, input, session)

    return App(page(network, examples), server)


def _case_page(
    network: Network, examples: Mapping[str, Case], inputs: Inputs, session: Session
) -> None:
    groups = fields(network)
    variables = [variable for group in groups.values() for variable in group]
    extra: reactive.Value[dict[str, Any]] = reactive.Value({})
    note: reactive.Value[str] = reactive.Value("")
    pasted_error: reactive.Value[str] = reactive.Value("")
    scenarios: reactive.Value[dict[str, dict[str, Any]]] = reactive.Value({})

    @reactive.calc
    def values() -> dict[str, str]:
        return {v.name: str(inputs[field_id(v.name)]() or "") for v in variables}

    @reactive.calc
    def current() -> Answer:
        return answer(network, values(), extra())

    def diagnosis() -> Diagnosis:
        found = current().diagnosis
        req(found is not None)
        assert found is not None
        return found

    @reactive.effect
    async def _errors() -> None:
        told: dict[str, object] = {field_id(name): text for name, text in current().errors.items()}
        told["pasted"] = pasted_error()
        await session.send_custom_message("field-errors", told)

    async def fill(loaded: Loaded) -> None:
        for v in variables:
            text = loaded.values.get(v.name, "")
            if v.unit is not None:
                ui.update_text(field_id(v.name), value=text, session=session)
            else:
                ui.update_select(field_id(v.name), selected=text, session=session)
        extra.set(loaded.extra)
        note.set(loaded.note)
        opened = [t for t, group in groups.items() if any(v.name in loaded.values for v in group)]
        await session.send_custom_message("open-groups", {"groups": opened})

    @reactive.effect
    @reactive.event(inputs.example)
    async def _load() -> None:
        case = examples.get(inputs.example())
        if case is not None:
            await fill(load(network, case))

    @reactive.effect
    @reactive.event(inputs.read)
    async def _paste() -> None:
        try:
            loaded = paste(network, inputs.pasted())
        except CaseError as error:  # what was typed stays where it is
            pasted_error.set(sentence(str(error)))
            return
        pasted_error.set("")
        await fill(loaded)

    @reactive.effect
    @reactive.event(inputs.clear)
    async def _clear() -> None:
        ui.update_select("example", selected="", session=session)
        await fill(Loaded("", {}, {}))

    @render.ui
    def aside() -> TagList:
        uncertain = [
            tags.p(f"Kept from the file: {network.variable(n).label}, {v}", class_="soft")
            for n, v in extra().items()
        ]
        return TagList(*uncertain, tags.p(note(), class_="warning") if note() else None)

    @render.ui
    def headline() -> TagList:
        now = current()
        parts = []
        if now.message:
            parts.append(tags.p(now.message + " Change one of them.", class_="warning"))
        if now.errors and now.diagnosis is not None:
            names = ", ".join(network.variable(n).label.lower() for n in now.errors)
            parts.append(tags.p(f"Left out until mended: {names}.", class_="warning"))
        if now.diagnosis is not None:
            parts.append(views.headline(now.diagnosis))
        return TagList(*parts)

    @render.text
    def brief() -> str:
        first = diagnosis().leading
        return f"{first.name} {percent(first.probability)}"

    @render.ui
    def differential() -> Any:
        return views.differential(diagnosis())

    @render.ui
    def waterfall() -> Any:
        return views.waterfall(diagnosis())

    @render.ui
    def fit() -> Any:
        return views.fit(diagnosis())

    @render.ui
    def tests() -> Any:
        return views.next_tests(diagnosis())

    @render.ui
    def decision() -> Any:
        return views.decision(diagnosis())

    @reactive.effect
    @reactive.event(inputs.keep)
    def _keep() -> None:
        if current().diagnosis is None:
            return
        wrong = current().errors
        stated = {n: v for n, v in values().items() if v.strip() and n not in wrong}
        found: dict[str, Any] = {**stated, **extra()}
        kept = list(scenarios().values())[-(MOST_SCENARIOS - 1) :]
        scenarios.set({chr(ord("A") + i): f for i, f in enumerate([*kept, found])})
        ui.notification_show(
            f"Kept as scenario {list(scenarios())[-1]}.", duration=3, session=session
        )

    @reactive.effect
    @reactive.event(inputs.forget)
    def _forget() -> None:
        scenarios.set({})

    @render.ui
    def comparison() -> Any:
        if not scenarios():
            return tags.p("No scenario kept yet.", class_="soft")
        return game_views.comparison(network, scenarios())


def _quiz_page(
    network: Network, generator: np.random.Generator, inputs: Inputs, session: Session
) -> None:
    patient: reactive.Value[game.Quiz | None] = reactive.Value(None)
    ordered: reactive.Value[tuple[str, ...]] = reactive.Value(())
    errors: reactive.Value[dict[str, str]] = reactive.Value({})
    attempts: reactive.Value[tuple[game.Attempt, ...]] = reactive.Value(())
    codes = network.variable(TUMOUR).states

    def offer(quiz: game.Quiz) -> None:
        left = {
            name: f"{network.variable(name).label} ({points})"
            for name, points in quiz.tests.items()
            if name not in ordered()
        }
        ui.update_select(
            "order", choices={"": "choose a test", **left}, selected="", session=session
        )

    @reactive.effect
    @reactive.event(inputs.new_quiz)
    def _new() -> None:
        quiz = game.new_quiz(network, generator)
        ordered.set(())
        attempts.set(())
        errors.set({})
        patient.set(quiz)
        for code in codes:
            ui.update_text(belief_id(code), value="", session=session)
        with reactive.isolate():
            offer(quiz)

    @reactive.effect
    @reactive.event(inputs.do_order)
    def _order() -> None:
        quiz, name = patient(), inputs.order()
        if quiz is None:
            errors.set({"order": "first draw a patient"})
        elif attempts():
            errors.set({"order": "the answer is shown; draw a new patient"})
        elif name not in quiz.tests or name in ordered():
            errors.set({"order": "choose a test"})
        elif quiz.spent((*ordered(), name)) > game.BUDGET:
            left = game.BUDGET - quiz.spent(ordered())
            errors.set({"order": f"takes {quiz.tests[name]} points; {left} are left"})
        else:
            errors.set({})
            ordered.set((*ordered(), name))
            offer(quiz)

    @reactive.effect
    @reactive.event(inputs.answer_quiz)
    def _answer() -> None:
        quiz = patient()
        if quiz is None:
            errors.set({"sum": "First draw a patient."})
            return
        points = {code: str(inputs[belief_id(code)]() or "") for code in codes}
        belief, wrong = game.read_belief(network, points)
        errors.set({(belief_id(code) if code else "sum"): text for code, text in wrong.items()})
        if not wrong:
            attempts.set(game.mark(network, quiz, ordered(), belief))

    @reactive.effect
    async def _errors() -> None:
        await session.send_custom_message("quiz-errors", dict(errors()))

    @render.ui
    def story() -> Any:
        quiz = patient()
        if quiz is None:
            return tags.p("Draw a patient to begin.", class_="soft")
        left = game.BUDGET - quiz.spent(ordered())
        return TagList(
            game_views.vignette(network, quiz, ordered()),
            tags.p(tags.strong(f"{left} points left."), id="points"),
        )

    @render.ui
    def marking() -> Any:
        quiz = patient()
        if quiz is None or not attempts():
            return None
        return game_views.marking(network, quiz, attempts())
