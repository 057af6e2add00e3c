"""The open cases: published single cases as a regression set with an expected behaviour.

They were published because they are odd, so accuracy on them is not accuracy in a clinic. Of a
tumour that the network models it is expected to name the authors' diagnosis among its first
three; of one that it does not model, to stay unsure or to say "none of these".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mesenbayes.diagnosis.case import Case, read_cases
from mesenbayes.errors import CaseError
from mesenbayes.network.structure import OTHER

if TYPE_CHECKING:
    from mesenbayes.facade import Network

FIRST = 3
SURE = 0.9
_DIAGNOSIS = re.compile(r"The authors' diagnosis: ([A-Za-z0-9_:]+)")


@dataclass(frozen=True)
class OpenCase:
    """How the network did on one open case.

    Parameters
    ----------
    truth
        The authors' diagnosis; starts with ``OTHER`` where the network has none for it.
    leading, probability, interval
        What the network says.
    rank, truth_probability
        Of the authors' diagnosis (of "none of these" where it is not modelled).
    as_expected
        Whether it behaved as expected.
    shows
        In words.
    """

    id: str
    title: str
    source: str
    truth: str
    n_findings: int
    leading: str
    probability: float
    interval: tuple[float, float]
    rank: int
    truth_probability: float
    as_expected: bool
    shows: str

    @property
    def is_modelled(self) -> bool:
        """Whether the network has the authors' diagnosis."""
        return not self.truth.startswith(OTHER)


def authors_diagnosis(case: Case) -> str:
    """Return the diagnosis that the notes of an open case state.

    Raises
    ------
    CaseError
        If they state none.
    """
    found = _DIAGNOSIS.search(case.notes)
    if found is None:
        raise CaseError(f"{case.where}: the notes do not say the authors' diagnosis")
    return found[1]


def run_open_cases(network: Network, folder: Path) -> tuple[OpenCase, ...]:
    """Answer every open case of a folder."""
    files = sorted(folder.glob("open_*.yaml"))
    if not files:
        raise CaseError(f"{folder}: there are no open cases (open_*.yaml)")
    return tuple(
        _answer(network, case) for file in files for case in read_cases(file)
    )


def _answer(network: Network, case: Case) -> OpenCase:
    truth = authors_diagnosis(case)
    answer = network.diagnose(case, ignore_unknown=True)
    wanted = truth if not truth.startswith(OTHER) else OTHER
    codes = [c.code for c in answer.posterior]
    rank = codes.index(wanted) + 1 if wanted in codes else len(codes) + 1
    leading = answer.leading
    at_truth = next((c.probability for c in answer.posterior if c.code == wanted), 0.0)
    expected = rank <= FIRST if wanted != OTHER else (rank == 1 or leading.probability < SURE)
    return OpenCase(
        case.id, case.title, case.source, truth, len(answer.case.findings),
        leading.code, leading.probability, leading.interval, rank, at_truth, expected,
        _shows(wanted, leading.code, leading.probability, rank, len(answer.case.findings)),
    )  # fmt: skip


def _shows(wanted: str, leading: str, probability: float, rank: int, n: int) -> str:
    if wanted == OTHER:
        if leading == OTHER:
            return "not modelled, and the network says so"
        tone = "is sure of" if probability >= SURE else "is not sure of"
        return f"not modelled; the network {tone} {leading}"
    if rank == 1:
        return "right" if probability >= SURE else f"right, and open (from {n} findings)"
    if rank <= FIRST:
        return f"behind {leading}: what is stated ({n} findings) does not tell them apart"
    return f"missed: {leading} is preferred"


def open_cases_page(network: Network, cases: Sequence[OpenCase]) -> str:
    """Return the page about the open cases, in Markdown."""
    return "\n".join(_page(network, cases)) + "\n"


def _page(network: Network, cases: Sequence[OpenCase]) -> Iterator[str]:
    modelled = [c for c in cases if c.is_modelled]
    others = [c for c in cases if not c.is_modelled]
    first = sum(c.rank == 1 for c in modelled)
    top = sum(c.rank <= FIRST for c in modelled)
    yield "# Open cases"
    yield ""
    yield (f"{len(cases)} published single cases, as read from their abstracts, answered by "
           f"{network.name} {network.version} (`{network.digest}`). Made by "
           "`mesenbayes open-cases`; do not edit.")  # fmt: skip
    yield ""
    yield ("They were published because they are odd, and an abstract states few findings: "
           "accuracy here is not accuracy in a clinic. No count in the network comes from them.")
    yield ""
    yield (f"Expected: a diagnosis that the network models is among its first {FIRST}; one that "
           f"it does not model leaves it unsure (no diagnosis at {SURE:.0%} or more) or makes it "
           "say \"none of these\".")  # fmt: skip
    yield ""
    yield (f"Found: of {len(modelled)} modelled diagnoses {first} come first and {top} among the "
           f"first {FIRST}; "
           + (f"of {len(others)} not modelled the network behaves as expected in "
              f"{sum(c.as_expected for c in others)}." if others else "none is not modelled."))
    yield ""
    yield ("| case | authors' diagnosis | findings | network says | P (95 % interval) | "
           "rank of the authors' | P of the authors' | as expected | what it shows |")  # fmt: skip
    yield "|---|---|---|---|---|---|---|---|---|"
    for c in cases:
        source = c.source.split(" ")[0]
        name = f"[{c.id}]({source})" if source.startswith("http") else c.id
        yield (
            f"| {name} {c.title.replace('|', '/')} | {c.truth.replace('_', ' ')} "
            f"| {c.n_findings} | {c.leading} | {c.probability:.2f} ({c.interval[0]:.2f} to "
            f"{c.interval[1]:.2f}) | {c.rank} | {c.truth_probability:.2f} "
            f"| {'yes' if c.as_expected else 'no'} | {c.shows} |"
        )
    missed = [c for c in cases if not c.as_expected]
    yield ""
    if missed:
        yield "Not as expected: " + "; ".join(f"{c.id} ({c.shows})" for c in missed) + "."
    else:
        yield "All behave as expected."
