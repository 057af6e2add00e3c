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
from mesenbayes.report.treatment_content import (
    follow_up,
    guidelines,
    may_be_gist,
    risk,
    treatment,
)
from mesenbayes.report.witnesses import prior_rows, studies_of, witness

if TYPE_CHECKING:
    from mesenbayes.facade import Network
    from mesenbayes.network.table import Study
    from mesenbayes.report.diagnosis import Diagnosis
    from mesenbayes.workup.plan import WorkUp

SHOWN_DIAGNOSES = 10
SHOWN_FROM = 0.001
SHOWN_STUDIES = 6

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
        for part in (risk, treatment, guidelines, follow_up):
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
    if may_be_gist(diagnosis):
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
    if may_be_gist(diagnosis):
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
