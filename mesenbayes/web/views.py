"""What the app shows of an answer, as HTML elements; every number opens its studies.

Elements escape their text. Details open by keyboard and need no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shiny.ui import TagList, tags

from mesenbayes.network.structure import TUMOUR
from mesenbayes.report.content import planned
from mesenbayes.report.document import percent
from mesenbayes.report.path import evidence_path
from mesenbayes.report.witnesses import Witness, prior_rows, studies_of, witness

if TYPE_CHECKING:
    from htmltools import Tag

    from mesenbayes.facade import Network
    from mesenbayes.network.table import Study
    from mesenbayes.report.diagnosis import Diagnosis

SHOWN = 6
SHOWN_STUDIES = 12


def state_words(network: Network, name: str, state: str) -> str:
    """Return ``CD117 (KIT): negative``."""
    variable = network.variable(name)
    known = state in variable.states
    return f"{variable.label}: {variable.state_label(state) if known else state}"


def bar(p: float, low: float | None = None, high: float | None = None) -> Tag:
    """Return a probability as a bar; the number stands beside it, so it is hidden from
    screen readers."""
    parts = [tags.span(class_="fill", style=f"width:{100 * p:.2f}%")]
    if low is not None and high is not None:
        style = f"left:{100 * low:.2f}%;width:{max(100 * (high - low), 0.4):.2f}%"
        parts.append(tags.span(class_="whisker", style=style))
    return tags.span(*parts, class_="bar", aria_hidden="true")


def headline(diagnosis: Diagnosis) -> Tag:
    """Return the sentence that a screen reader hears after each change."""
    first = diagnosis.leading
    low, high = first.interval
    return tags.p(
        tags.strong(first.name),
        f" is most probable, {percent(first.probability)} "
        f"(95 % credible interval {percent(low)} to {percent(high)}).",
    )


def differential(diagnosis: Diagnosis) -> Tag:
    """Return the differential; each line opens what every finding says of that tumour."""
    network = diagnosis.network
    setting, before = _before(diagnosis)
    rows = prior_rows(diagnosis)
    series = studies_of(rows)
    reasons = list(dict.fromkeys(row.reason for row in rows if row.reason))[:2]
    lines = []
    for c in diagnosis.posterior[:SHOWN]:
        p = float(before[network.variable(TUMOUR).index(c.code)])
        summary = tags.summary(
            tags.span(c.name, class_="what"),
            tags.span(percent(c.probability), class_="number"),
            bar(c.probability, *c.interval),
            tags.span(
                f"95 % interval {percent(c.interval[0])} to {percent(c.interval[1])}",
                class_="soft",
            ),
        )
        found = [
            witness(network, f.variable, f.state, c.code)
            for f in diagnosis.case.findings
            if f.state is not None and f.variable not in network.tables[TUMOUR].parents
        ]
        start = tags.p(f"Before the findings ({setting}): {percent(p)}.", class_="cell")
        local = [s for s in series if c.code in dict(s.counts)]
        lines.append(
            tags.details(
                summary,
                start,
                *(tags.p(reason, class_="soft") for reason in reasons),
                tags.ul(*(_series(network, s, c.code) for s in local), class_="studies"),
                *(cell(network, w) for w in found),
            )
        )
    rest = sum(c.probability for c in diagnosis.posterior[SHOWN:])
    return tags.div(*lines, tags.p(f"All others together {percent(rest)}.", class_="soft"))


def _before(diagnosis: Diagnosis) -> tuple[str, NDArray[np.float64]]:
    """Return the setting of the case in words, and the belief that it alone gives."""
    network = diagnosis.network
    setting = {
        f.variable: f.state
        for f in diagnosis.case.findings
        if f.variable in network.tables[TUMOUR].parents and f.state is not None
    }
    words = ", ".join(state_words(network, n, s) for n, s in setting.items()) or "nothing known"
    return words, network.diagnose({"findings": setting}).probabilities


def _series(network: Network, study: Study, code: str) -> Tag:
    """Return a local series: how many of its lesions were of this type."""
    note = f" ({study.note})" if study.note else ""
    return tags.li(
        f"{dict(study.counts)[code]} of {study.n}{note}. ", *source_of(network, study.source_id)
    )


def cell(network: Network, w: Witness) -> Tag:
    """Return P(finding | tumour) with the studies behind it."""
    head = tags.p(
        f"{state_words(network, w.variable, w.state)} in {w.tumour}: ",
        tags.strong(percent(w.probability)),
        f", {w.who}.",
        class_="cell",
    )
    if not w.studies:
        return tags.div(head, *(tags.p(reason, class_="soft") for reason in w.reasons[:2]))
    rows = [tags.li(study_line(network, w, study)) for study in w.studies[:SHOWN_STUDIES]]
    more = len(w.studies) - SHOWN_STUDIES
    if more > 0:
        rows.append(tags.li(f"and {more} more (mesenbayes evidence lists them all)"))
    return tags.div(head, tags.ul(*rows, class_="studies"))


def study_line(network: Network, w: Witness, study: Study) -> TagList:
    """Return one study: its counts, citation and address."""
    variable = network.variable(w.variable)
    counts = ", ".join(f"{variable.state_label(state)}: {k}" for state, k in study.counts)
    return TagList(f"{counts} of {study.n}. ", *source_of(network, study.source_id))


def source_of(network: Network, source_id: str) -> TagList:
    """Return the citation of a source and the way to it."""
    sources = {} if network.builder is None else network.builder.evidence.sources
    source = sources.get(source_id)
    words = source_id if source is None else source.citation()
    address = "" if source is None else source.url
    link = (
        tags.a("source", href=address, rel="noreferrer noopener", target="_blank",
               aria_label=f"source of {source_id}, opens another site")
        if address.startswith(("https://", "http://"))
        else ""
    )  # fmt: skip
    return TagList(f"{words} ", link)


def waterfall(diagnosis: Diagnosis) -> Tag:
    """Return how each finding moved the odds, in the order stated."""
    path = evidence_path(diagnosis)
    if not path.labels:
        return tags.p("State a finding to see what it does.", class_="soft")
    low, high = min(path.decibans.min(), 0.0), max(path.decibans.max(), 0.0)
    span = max(high - low, 1.0)

    def place(value: float) -> float:
        return float(100 * (value - low) / span)

    network, rival = diagnosis.network, diagnosis.posterior[1].code
    findings = [f for f in diagnosis.case.findings if f.variable != diagnosis.target]
    weights = {w.variable: w for w in diagnosis.findings}
    lines = []
    for i, (label, step) in enumerate(zip(path.labels, path.steps, strict=True)):
        start, end = sorted((place(path.decibans[i]), place(path.decibans[i + 1])))
        style = f"left:{start:.2f}%;width:{max(end - start, 0.6):.2f}%"
        picture = tags.span(
            tags.span(class_="step up" if step >= 0 else "step down", style=style),
            tags.span(class_="even", style=f"left:{place(0.0):.2f}%"),
            class_="track", aria_hidden="true",
        )  # fmt: skip
        finding = findings[i]
        inside: list[Tag] = []
        if finding.variable in weights:
            w = weights[finding.variable]
            inside.append(
                tags.p(f"All else known, it {w.words}: {w.decibans:+.1f} decibans, "
                       f"{w.against_runner_up:+.1f} against {w.runner_up}.")
            )  # fmt: skip
        if finding.state is not None:
            if finding.variable in network.tables[TUMOUR].parents:
                inside.append(tags.p("Sets the prior of the tumour types.", class_="soft"))
            else:
                inside += [
                    cell(network, witness(network, finding.variable, finding.state, code))
                    for code in (path.code, rival)
                ]
        lines.append(
            tags.details(
                tags.summary(
                    tags.span(label, class_="what"),
                    tags.span(f"{step:+.1f}", class_="number"),
                    picture,
                ),
                *inside,
            )
        )
    return tags.div(
        tags.p(
            f"Odds of {path.code} in decibans: {path.decibans[0]:+.1f} before the findings, "
            f"{path.decibans[-1]:+.1f} after. +10 is ten times the odds; the thin line is even.",
            class_="soft",
        ),
        *lines,
    )


def fit(diagnosis: Diagnosis) -> Tag:
    """Return whether the findings go together, and what else should give pause."""
    kind = "warning" if diagnosis.conflict.is_odd else ""
    odd = [s for s in diagnosis.conflict.suspects if s[2] < 0.1][:3]
    alerts = [a for a in diagnosis.alerts if a != diagnosis.conflict.sentence]
    return tags.div(
        tags.p(diagnosis.conflict.sentence, class_=kind),
        tags.p("What would turn it over: ", diagnosis.smallest_change().sentence)
        if diagnosis.case.findings
        else None,
        tags.ul(
            *(
                tags.li(f"{state_words(diagnosis.network, v, s)} was expected with {percent(p)}.")
                for v, s, p in odd
            )
        )
        if odd
        else None,
        tags.ul(*(tags.li(a) for a in alerts), class_="warning") if alerts else None,
    )


def next_tests(diagnosis: Diagnosis) -> Tag:
    """Return the most informative tests; each opens what its results would say, and why."""
    network = diagnosis.network
    plan = planned(diagnosis) if diagnosis.case.findings else None
    told = tags.p(plan.sentence) if plan is not None else None
    tests = [t for t in diagnosis.next_tests if t.bits >= 0.01][:SHOWN]
    if not tests:
        nothing = "No stain or gene test is expected to change this (each under 0.01 bits)."
        return tags.div(told, tags.p(nothing))
    most = max(t.bits for t in tests)
    lines = []
    for test in tests:
        results = [
            tags.li(
                f"{network.variable(test.variable).state_label(state)} ({percent(p)}): then "
                f"{lead} {percent(q)}"
            )
            for state, p, lead, q in test.results
        ]
        positive = network.variable(test.variable).states[-1]
        studies = [
            cell(network, witness(network, test.variable, positive, c.code))
            for c in diagnosis.posterior[:2]
        ]
        lines.append(
            tags.details(
                tags.summary(
                    tags.span(test.label, class_="what"),
                    tags.span(f"{test.bits:.2f} bits", class_="number"),
                    bar(test.bits / most),
                ),
                tags.ul(*results),
                *studies,
            )
        )
    return tags.div(told, *lines)


def decision(diagnosis: Diagnosis) -> Tag:
    """Return the treatment options with their uncertainty, sources and guideline points."""
    if not diagnosis.case.findings:
        return tags.p("State a finding to compare what can be done.", class_="soft")
    answer = diagnosis.decision
    model = diagnosis.network.treatment
    if answer is None or model is None:
        return tags.p("This network has no treatment model.")
    most = max(option.interval[1] for option in answer.options)
    lines = []
    for option in answer.options:
        low, high = option.interval
        lines.append(
            tags.details(
                tags.summary(
                    tags.span(option.label, class_="what"),
                    tags.span(f"{option.expected_utility:.2f} {answer.unit}", class_="number"),
                    bar(option.expected_utility / most, low / most, high / most),
                    tags.span(
                        f"{low:.2f} to {high:.2f}, best in {option.probability_best:.0%} of draws",
                        class_="soft",
                    ),
                ),
                tags.p(option.sentence),
                open_="" if option.name == answer.recommended else None,
            )
        )
    sources = [
        tags.li(f"{row.label}: “{row.quote}” ({_citation(diagnosis, row.source_id)}, {row.trust})")
        for row in model.lines(diagnosis.belief, 0.05)
    ]
    points = [
        tags.li(f"{p.recommendation} ({p.applies.replace('_', ' ')}; {p.source})")
        for p in diagnosis.guidelines
        if p.probability >= 0.5 and not p.needs
    ]
    assumed = [tags.li(f"{a.what}: {a.value}. {a.reason}") for a in model.assumptions()]
    return tags.div(
        tags.p(answer.sentence),
        _risk(diagnosis),
        *lines,
        _folded("Published treatment lines behind this", sources),
        _folded(f"{len(points)} guideline points that apply", points),
        _folded(f"{len(assumed)} assumptions of the treatment model", assumed),
    )


def _risk(diagnosis: Diagnosis) -> Tag | None:
    if diagnosis.risk is None:
        return None
    printed = dict.fromkeys(_citation(diagnosis, c.source_id) for c in diagnosis.risk.cells)
    return tags.p(f"{diagnosis.risk.sentence} ({'; '.join(printed)})", class_="soft")


def _citation(diagnosis: Diagnosis, source_id: str) -> str:
    model = diagnosis.network.treatment
    try:
        source = model.source(source_id) if model is not None else {}
    except KeyError:
        source = {}
    return ", ".join(x for x in (source.get("journal"), source.get("year")) if x) or source_id


def _folded(title: str, items: Sequence[Tag]) -> Tag | None:
    if not items:
        return None
    return tags.details(tags.summary(tags.span(title, class_="what")), tags.ul(*items))
