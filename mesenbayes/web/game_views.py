"""What the quiz and the comparison show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shiny.ui import tags

from mesenbayes.network.structure import TUMOUR
from mesenbayes.report.document import percent
from mesenbayes.web.views import bar, state_words

if TYPE_CHECKING:
    from htmltools import Tag

    from mesenbayes.facade import Network
    from mesenbayes.web.quiz import Attempt, Quiz


def vignette(network: Network, quiz: Quiz, ordered: tuple[str, ...]) -> Tag:
    """Return what the learner knows: the story, and the tests that came back."""

    def items(names: Iterable[str]) -> list[Tag]:
        return [tags.li(state_words(network, n, quiz.findings[n])) for n in names]

    came = tags.ul(*items(ordered)) if ordered else tags.p("No test ordered yet.", class_="soft")
    return tags.div(
        tags.h3("What is known"), tags.ul(*items(quiz.told)), tags.h3("Tests that came back"), came
    )


def marking(network: Network, quiz: Quiz, attempts: Sequence[Attempt]) -> Tag:
    """Return the truth, the paths and the scores."""
    name = network.variable(TUMOUR).state_label(quiz.truth)
    rows = [
        tags.tr(
            tags.th(a.who, scope="row"),
            tags.td(", ".join(network.variable(n).label for n in a.ordered) or "none"),
            tags.td(str(a.spent), class_="number"),
            tags.td(percent(a.belief[quiz.truth]), class_="number"),
            tags.td("−∞" if math.isinf(a.score) else f"{a.score:.2f}", class_="number"),
        )
        for a in attempts
    ]
    you, same = attempts[0].score, attempts[1].score
    if math.isinf(you):
        verdict = "You gave 0 % to what it was. Never say never: leave something for the rest."
    elif you >= same - 0.1:
        verdict = "You did as well as the network with the same tests, or better."
    else:
        verdict = f"With the same tests the network scores {same - you:.2f} bits better."
    return tags.div(
        tags.p("It was: ", tags.strong(name), f" ({quiz.truth})."),
        tags.p(verdict),
        table(("", "Tests", "Points", "Belief in the truth", "Log score"), rows, "Scores"),
        tags.p(
            "The log score is log2 of the belief in what it was: 0 is perfect, one bit less for "
            "each halving. It rewards an honest belief. One patient is luck; play several.",
            class_="soft",
        ),
    )


def comparison(network: Network, scenarios: Mapping[str, Mapping[str, Any]]) -> Tag:
    """Return scenarios side by side: where they differ, and what that changes."""
    answers = {n: network.diagnose({"findings": dict(f)}) for n, f in scenarios.items()}
    names = list(dict.fromkeys(v for f in scenarios.values() for v in f))
    differ = [v for v in names if len({str(f.get(v, "")) for f in scenarios.values()}) > 1]
    rows = [
        tags.tr(
            tags.th(network.variable(v).label, scope="row"),
            *(tags.td(_shown(network, v, str(f.get(v, "")))) for f in scenarios.values()),
        )
        for v in differ
    ]
    top = list(dict.fromkeys(c.code for d in answers.values() for c in d.posterior[:3]))
    variable = network.variable(TUMOUR)
    for code in top:
        i = variable.index(code)
        rows.append(
            tags.tr(
                tags.th(f"P({variable.state_label(code)})", scope="row"),
                *(
                    tags.td(percent(float(d.probabilities[i])), bar(float(d.probabilities[i])))
                    for d in answers.values()
                ),
            )
        )
    tests = [d.next_tests[0].label if d.next_tests else "none" for d in answers.values()]
    rows.append(tags.tr(tags.th("Next test", scope="row"), *map(tags.td, tests)))
    if all(d.decision is not None for d in answers.values()):
        choices = [
            d.decision.option(d.decision.recommended).label
            for d in answers.values()
            if d.decision is not None
        ]
        rows.append(tags.tr(tags.th("Choice", scope="row"), *map(tags.td, choices)))
    return table(("", *answers), rows, "Scenarios side by side")


def _shown(network: Network, name: str, value: str) -> str:
    variable = network.variable(name)
    return variable.state_label(value) if value in variable.states else value or "not stated"


def table(headers: Sequence[str], rows: Sequence[Tag], caption: str) -> Tag:
    """Return a table that scrolls sideways on a phone."""
    heads = [tags.th(h, scope="col") if h else tags.td() for h in headers]
    return tags.div(
        tags.table(
            tags.caption(caption, class_="visually-hidden"),
            tags.thead(tags.tr(*heads)),
            tags.tbody(*rows),
            class_="plain",
        ),
        class_="wide", role="region", aria_label=caption, tabindex="0",
    )  # fmt: skip
