"""What a report says, block by block; how it looks is decided elsewhere.

Nothing here depends on the clock or on the machine: the same case and the same network give
the same document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mesenbayes.plots.export import svg_of
from mesenbayes.plots.posterior import plot_posterior
from mesenbayes.plots.waterfall import plot_waterfall
from mesenbayes.report.document import (
    Block,
    Bullets,
    Citations,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    join_words,
    percent,
    without_marks,
)
from mesenbayes.report.path import evidence_path
from mesenbayes.report.witnesses import prior_rows, studies_of, witness

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.network.table import Study
    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.treatment import Decision, FollowUp, GuidelinePoint
    from mesenbayes.workup.plan import WorkUp

SHOWN_DIAGNOSES = 10
SHOWN_FROM = 0.001
SHOWN_STUDIES = 6
LEAST_GIST = 0.02
"""Genotype and risk of a GIST are told from this probability on."""

HOW_TO_READ = (
    "P is the probability of a diagnosis given everything stated. The 95 % interval is what "
    "the counts behind the network leave open about that probability. Decibans say how far a "
    "finding moves the odds: +10 multiplies them by ten, +3 doubles them, a negative number "
    "speaks against."
)
LIMITS = (
    "The counts come from published series of referral centres; another laboratory's antibodies, "
    "cut-offs and patients may differ.",
    "What the case does not state is not known, which is not the same as negative.",
    "Rare tumours and rare genotypes rest on few cases; their intervals are wide for that reason.",
    "A tumour that the network does not model can only show up as 'none of the modelled "
    "diagnoses' or as findings that do not go together.",
    "The treatment model compares averages of trials and series, with assumptions where nothing "
    "was printed; it does not know the patient's wishes, fitness or other diseases.",
)


def report_document(diagnosis: Diagnosis) -> Document:
    """Return the report of one answered case."""
    cited = Citations(_known_sources(diagnosis.network))
    blocks: list[Block] = []
    for part in (_summary, _case, _differential, _reasons, _fit, _next_tests):
        blocks += part(diagnosis, cited)
    if diagnosis.decision is not None:
        for part in (_risk, _treatment, _guidelines, _follow_up):
            blocks += part(diagnosis, cited)
    blocks += _rests_on(diagnosis, cited)
    blocks += [Heading("References"), cited.references(), *_limits(diagnosis)]
    title = diagnosis.case.case.title or diagnosis.case.case.name
    return Document(without_marks(title), tuple(blocks))


def _known_sources(network: Network) -> dict[str, tuple[str, str]]:
    """Return source id -> (citation, address) of the evidence and of the treatment tables."""
    known: dict[str, tuple[str, str]] = {}
    if network.treatment is not None:
        for row in network.treatment.folder.tables["sources"]:
            cells = row.cells
            author = cells.get("first_author") or cells.get("journal") or "author not shown"
            parts = [cells.get("title"), cells.get("journal"), cells.get("identifier")]
            tail = ". ".join(part for part in parts if part)
            year = cells.get("year") or "year not shown"
            known[cells["source_id"]] = (f"{author} ({year}). {tail}.", cells.get("url", ""))
    if network.builder is not None:
        for name, source in network.builder.evidence.sources.items():
            known[name] = (source.citation().rstrip(".") + ".", source.url)
    return {
        name: (citation.replace(f". {address}.", ".") if address else citation, address)
        for name, (citation, address) in known.items()
    }


def _may_be_gist(diagnosis: Diagnosis) -> bool:
    """Whether a GIST is probable enough for its genotype and risk to be told."""
    p = next((c.probability for c in diagnosis.posterior if c.code == "GIST"), 0.0)
    return bool(diagnosis.genotype) and p >= LEAST_GIST


def _state(network: Network, variable: str, state: str) -> str:
    of = network.variable(variable)
    return of.state_label(state) if state in of.states else state


# ---------------------------------------------------------------------- what and how sure


def _summary(diagnosis: Diagnosis, _: Citations) -> Iterator[Block]:
    from mesenbayes.report.diagnosis import DISCLAIMER

    yield Paragraph(DISCLAIMER, "warning")
    first = diagnosis.leading
    low, high = first.interval
    text = (
        f"Most probable is {first.name} ({first.code}), {percent(first.probability)}, 95 % "
        f"credible interval {percent(low)} to {percent(high)}."
    )
    second = diagnosis.posterior[1]
    if second.probability >= SHOWN_FROM:
        text += f" Next is {second.name}, {percent(second.probability)}."
    if _may_be_gist(diagnosis):
        genotype, p = next(iter(diagnosis.genotype.items()))
        name = _state(diagnosis.network, "genotype", genotype)
        text += f" If it is a GIST, its genotype is most probably {name} ({percent(p)})."
    yield Paragraph(text, "lead")
    if diagnosis.alerts:
        yield Bullets(tuple(diagnosis.alerts), "warning")


def _case(diagnosis: Diagnosis, _: Citations) -> Iterator[Block]:
    case, network = diagnosis.case.case, diagnosis.network
    yield Heading("The case as it was read")
    about = ". ".join(x.rstrip(".") for x in (case.id and f"Case {case.id}", case.source) if x)
    if about:
        yield Paragraph(without_marks(about) + ".", "small")
    if case.notes:
        yield Paragraph(without_marks(case.notes), "small")
    rows = []
    for finding in diagnosis.case.findings:
        variable = network.variable(finding.variable)
        if finding.state is None:
            weights = ", ".join(f"{variable.state_label(s)} {w:g}" for s, w in finding.weights)
            rows.append((variable.label, f"uncertain ({finding.kind}): {weights}", ""))
            continue
        stated = finding.stated_as.partition(": ")[2] or finding.stated_as
        known = variable.state_label(finding.state)
        unit = f" {variable.unit}" if variable.unit and finding.value is not None else ""
        same = stated.lower() in (known.lower(), finding.state.lower())
        rows.append((variable.label, known, "" if same else without_marks(stated + unit)))
    if rows:
        yield Table("Findings", ("Finding", "Read as", "Stated as"), tuple(rows))
    else:
        yield Paragraph("No finding was stated: the answer is the network's prior.")
    if diagnosis.missing:
        labels = [network.variable(name).label.lower() for name in diagnosis.missing]
        yield Paragraph(f"Usually stated and not stated here: {', '.join(labels)}.")


def _differential(diagnosis: Diagnosis, _: Citations) -> Iterator[Block]:
    shown = [c for c in diagnosis.posterior if c.probability >= SHOWN_FROM][:SHOWN_DIAGNOSES]
    shown = shown or [diagnosis.leading]
    yield Heading("What it may be, and how sure")
    yield Paragraph(HOW_TO_READ, "small")
    height = 0.36 * len(shown) + 0.9
    yield Figure(
        svg_of(lambda ax: plot_posterior(shown, ax, top=len(shown)), (6.8, height), "p-"),
        "Bars of the probability of each diagnosis; the numbers stand in the next table.",
    )
    yield Table(
        "Differential diagnosis",
        ("Diagnosis", "Code", "P", "95 % interval"),
        tuple(
            (c.name, c.code, f"{c.probability:.3f}", f"{c.interval[0]:.3f} to {c.interval[1]:.3f}")
            for c in shown
        ),
        frozenset({2, 3}),
    )
    rest = float(diagnosis.probabilities.sum()) - sum(c.probability for c in shown)
    if rest > 5e-4:
        yield Paragraph(f"All others together {percent(rest)}.", "small")
    if _may_be_gist(diagnosis):
        yield Table(
            "Genotype, if a GIST",
            ("Genotype", "P"),
            tuple(
                (_state(diagnosis.network, "genotype", g), f"{p:.3f}")
                for g, p in diagnosis.genotype.items()
                if p >= 0.01
            ),
            frozenset({1}),
        )


# ---------------------------------------------------------------------- why, and does it fit


def _reasons(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    if not diagnosis.findings:
        return
    network, code = diagnosis.network, diagnosis.leading.code
    rival = diagnosis.posterior[1].code
    yield Heading("Why")
    path = evidence_path(diagnosis)
    height = 0.34 * (len(path.labels) + 2) + 0.9
    yield Figure(
        svg_of(
            lambda ax: plot_waterfall(path.labels, path.decibans, ax, code=code),
            (6.8, height),
            "w-",
        ),
        f"Waterfall of the odds of {code} as the findings are added in the order stated, from "
        f"{path.decibans[0]:+.1f} to {path.decibans[-1]:+.1f} decibans.",
    )
    yield Paragraph(
        "The picture adds the findings in the order stated. The table says what each contributes "
        "when all the others are known; findings that overlap share their weight.",
        "small",
    )
    yield Table(
        f"Weight of each finding for {code}",
        ("Finding", "Decibans", f"Against {rival}", "In words"),
        tuple(
            (
                f"{network.variable(w.variable).label}: "
                f"{_state(network, w.variable, w.state)}",
                f"{w.decibans:+.1f}",
                f"{w.against_runner_up:+.1f}",
                w.words,
            )
            for w in diagnosis.findings
        ),
        frozenset({1, 2}),
    )
    rows: list[tuple[str, ...]] = []
    for weight in diagnosis.findings:
        variable = network.variable(weight.variable)
        if weight.state not in variable.states:
            continue
        cells = [f"{variable.label}: {variable.state_label(weight.state)}"]
        if weight.variable in network.tables[diagnosis.target].parents:
            # The setting is given, not drawn: it acts through the prior of the tumour types.
            local = studies_of(prior_rows(diagnosis))
            rows.append((cells[0], "", "sets the prior" + _studies(local, cited), "", "the same"))
            continue
        for tumour in (code, rival):
            found = witness(network, weight.variable, weight.state, tumour)
            cells += [percent(found.probability), found.who + _studies(found.studies, cited)]
        rows.append(tuple(cells))
    if rows:
        yield Table(
            "Who says so",
            ("Finding", f"P in {code}", "Evidence", f"P in {rival}", "Evidence"),
            tuple(rows),
            frozenset({1, 3}),
        )


def _studies(studies: tuple[Study, ...], cited: Citations) -> str:
    if not studies:
        return ""
    shown = list(dict.fromkeys(study.source_id for study in studies))
    cases = sum(study.n for study in studies)
    more = f" and {len(shown) - SHOWN_STUDIES} more" if len(shown) > SHOWN_STUDIES else ""
    return f", {cases:,} cases {cited.cite(*shown[:SHOWN_STUDIES])}{more}"


def _fit(diagnosis: Diagnosis, _: Citations) -> Iterator[Block]:
    yield Heading("Does it fit")
    yield Paragraph(diagnosis.conflict.sentence)
    if diagnosis.case.findings:
        yield Paragraph(f"What would turn it over: {diagnosis.smallest_change().sentence}")
    network = diagnosis.network
    odd = [(v, s, p) for v, s, p in diagnosis.conflict.suspects if p < 0.1][:3]
    if odd:
        yield Bullets(
            tuple(
                f"{network.variable(v).label}: {_state(network, v, s)} was expected with "
                f"probability {percent(p)} given the other findings."
                for v, s, p in odd
            )
        )


# ---------------------------------------------------------------------- what next


def _next_tests(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    yield Heading("Which test next")
    plan = planned(diagnosis)
    if plan is not None:
        yield Paragraph(plan.sentence)
        steps = [step for step in plan.steps if not step.done]
        if steps:
            yield Bullets(
                tuple(
                    f"{step.stage}: {step.text}{f' ({step.strength})' if step.strength else ''} "
                    f"{cited.cite(step.source_id)}".strip()
                    for step in steps
                )
            )
    tests = [test for test in diagnosis.next_tests if test.bits >= 0.01][:6]
    if not tests:
        yield Paragraph(
            "No stain or gene test is expected to change the diagnosis (each tells less than "
            "0.01 bits)."
        )
        return
    network = diagnosis.network
    yield Table(
        "Expected information about the diagnosis",
        ("Test", "Bits", "What each result would say"),
        tuple(
            (
                test.label,
                f"{test.bits:.2f}",
                "; ".join(
                    f"{_state(network, test.variable, state)} ({percent(p)}): {lead} {percent(q)}"
                    for state, p, lead, q in test.results
                ),
            )
            for test in tests
        ),
        frozenset({1}),
    )


def planned(diagnosis: Diagnosis) -> WorkUp | None:
    """Return the work-up of a case, if its network has a table of tests."""
    from mesenbayes.errors import CaseError

    try:
        return diagnosis.workup
    except CaseError:
        return None


# ---------------------------------------------------------------------- what to do


def _risk(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    risk = diagnosis.risk
    if risk is None or not _may_be_gist(diagnosis):
        return
    yield Heading("Risk, if a GIST")
    sources = cited.cite(*(cell.source_id for cell in risk.cells))
    yield Paragraph(f"{risk.sentence} {sources}".strip())


def _treatment(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    decision = diagnosis.decision
    if decision is None or diagnosis.network.treatment is None:
        return
    yield Heading("Treatment options compared")
    yield Paragraph(decision.sentence)
    yield Table(
        f"Options of the {decision.setting} setting, by expected {decision.unit}",
        ("Option", f"Expected {decision.unit}", "95 % interval", "Regret", "P(best)"),
        tuple(
            (
                option.label,
                f"{option.expected_utility:.2f}",
                f"{option.interval[0]:.2f} to {option.interval[1]:.2f}",
                f"{option.regret:.2f}",
                f"{option.probability_best:.2f}",
            )
            for option in decision.options
        ),
        frozenset({1, 2, 3, 4}),
    )
    yield from _gains(decision)
    worth = decision.value_of_perfect_information
    yield Paragraph(
        f"Knowing the tumour class for certain before choosing would be worth {worth:.2f} "
        f"{decision.unit}. Computed from {decision.draws} joint draws of the posterior and of the "
        "numbers of the treatment model."
    )
    if decision.not_offered:
        reasons = "; ".join(
            f"{name.replace('_', ' ')} ({why.replace('|', ' or ')})"
            for name, why in decision.not_offered.items()
        )
        yield Paragraph(f"Not offered: {reasons}.", "small")
    lines = diagnosis.network.treatment.lines(diagnosis.belief, 0.05)
    if lines:
        yield Paragraph(
            "Published lines of systemic treatment used for the types that are possible: "
            + "; ".join(
                dict.fromkeys(f"{row.label} {cited.cite(row.source_id)}".strip() for row in lines)
            )
            + "."
        )


def _gains(decision: Decision) -> Iterator[Block]:
    rows = []
    chosen = decision.option(decision.recommended)
    others = [option for option in decision.options if option.name != chosen.baseline]
    option = chosen if chosen in others or not others else others[0]
    for gain in option.by_class:
        if gain.probability < 0.01:
            continue
        low, high = gain.interval
        rows.append(
            (
                gain.label,
                f"{gain.probability:.2f}",
                f"{gain.gain:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
            )
        )
    if rows and option.baseline != option.name:
        base = decision.option(option.baseline).label
        yield Table(
            f"What '{option.label}' gains over '{base}', by class of tumour ({decision.unit})",
            ("If the tumour is", "P", "Gain", "95 % interval"),
            tuple(rows),
            frozenset({1, 2, 3}),
        )


def _guidelines(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    points = [point for point in diagnosis.guidelines if point.probability >= 0.5]
    if not points:
        return

    def source(point: GuidelinePoint) -> str:
        strength = f", {point.strength}" if point.strength else ""
        return f"{point.source}{strength} {cited.cite(point.source_id)}".strip()

    yield Heading("Guideline points that apply")
    yield Table(
        "Every condition known, applying with probability 0.5 or more",
        ("Topic", "Point", "Applies", "Source"),
        tuple(
            (point.topic, point.recommendation, point.applies.replace("_", " "), source(point))
            for point in points
            if not point.needs
        ),
    )
    if diagnosis.disagreements:
        yield Bullets(tuple(d.sentence for d in diagnosis.disagreements), "warning")
    waiting: dict[tuple[str, ...], list[str]] = {}
    for point in points:
        if point.needs:
            waiting.setdefault(point.needs, []).append(f"{point.recommendation} ({source(point)})")
    if waiting:
        yield Paragraph("Further points hang on what is not stated:", "small")
        yield Bullets(
            tuple(f"if {join_words(needs)}: {'; '.join(told)}." for needs, told in waiting.items()),
            "small",
        )


def _follow_up(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    plan = diagnosis.follow_up
    if plan is None:
        return
    yield Heading("Follow-up")
    if not plan.visits:
        yield Paragraph("No fixed visits; see the guideline points.")
        return
    yield Paragraph(
        f"Schedule {plan.schedule.replace('_', ' ')}, applies with probability "
        f"{plan.probability:.2f}. Months count from the operation, or from the first visit."
    )
    yield Table(
        "Visits",
        ("Examination", "How often", "Months", "Source"),
        tuple(_visits(plan, cited)),
    )


def _visits(plan: FollowUp, cited: Citations) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for visit in plan.visits:
        key = (visit.examination, visit.interval, visit.source, visit.source_id)
        groups.setdefault(key, []).append(visit.month)
    for (examination, interval, source, source_id), months in groups.items():
        yield (
            examination,
            interval,
            ", ".join(map(str, sorted(months))),
            f"{source} {cited.cite(source_id)}".strip(),
        )


# ---------------------------------------------------------------------- what it rests on


def _rests_on(diagnosis: Diagnosis, cited: Citations) -> Iterator[Block]:
    shares = [share for share in diagnosis.certainty.shares if share.share >= 0.02][:5]
    if not shares:
        return
    network = diagnosis.network
    yield Heading("What the interval rests on")
    yield Paragraph(
        "The rows of the network that leave most open about the leading diagnosis: better counts "
        "here would sharpen this answer most.",
        "small",
    )
    yield Table(
        "Share of the variance of the leading probability",
        ("Row", "Share", "Worth, cases", "Why"),
        tuple(
            (
                network.variable(share.variable).label
                + (f" given {share.parents}" if share.parents else ""),
                f"{share.share:.0%}",
                f"{share.row.strength:.1f}",
                share.row.reason
                + (
                    " " + cited.cite(*(s.source_id for s in share.row.studies[:SHOWN_STUDIES]))
                    if share.row.studies
                    else ""
                ),
            )
            for share in shares
        ),
        frozenset({1, 2}),
    )


def _limits(diagnosis: Diagnosis) -> Iterator[Block]:
    from mesenbayes import __version__
    from mesenbayes.report.diagnosis import DISCLAIMER

    network = diagnosis.network
    yield Heading("Limits")
    yield Bullets(LIMITS)
    parts = [f"network {network.name} {network.version} (digest {network.digest})"]
    if network.treatment is not None:
        parts.append(
            f"treatment tables {network.treatment.version} (digest {network.treatment.digest})"
        )
    yield Paragraph(
        f"Made by mesenbayes {__version__} with {join_words(parts)}. The same case and the same "
        "versions give the same report, byte by byte.",
        "small",
    )
    yield Paragraph(DISCLAIMER, "warning")
