"""Every way in which a case, a table or a network can be wrong, as a sentence.

Errors are written for the person who typed the case: they name the file, the key and
the nearest right thing. All derive from :class:`MesenbayesError`, which the command
line turns into one line and exit status 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class MesenbayesError(ValueError):
    """Something in the input is wrong; the message says what and where."""


class CaseError(MesenbayesError):
    """A case file or a finding in it cannot be read as meant."""


class UnknownFinding(CaseError):
    """A finding that the network does not have."""

    def __init__(self, name: str, nearest: Sequence[str], where: str = "") -> None:
        self.name = name
        self.nearest = tuple(nearest)
        super().__init__(f"{where}unknown finding '{name}'{did_you_mean(nearest)}")


class UnknownTumour(CaseError):
    """A tumour type that the network does not have."""

    def __init__(self, name: str, nearest: Sequence[str]) -> None:
        self.name = name
        self.nearest = tuple(nearest)
        super().__init__(f"unknown tumour '{name}'{did_you_mean(nearest)}")


class UnknownState(CaseError):
    """A state that the finding does not have."""

    def __init__(
        self, variable: str, state: str, states: Sequence[str], where: str = ""
    ) -> None:
        self.variable = variable
        self.state = state
        self.states = tuple(states)
        super().__init__(
            f"{where}{variable} cannot be '{state}'; it can be {', '.join(states)}"
        )


class ImpossibleEvidence(CaseError):
    """No tumour type in the network can produce these findings together."""

    def __init__(self, findings: Sequence[str], case: str = "the case") -> None:
        self.findings = tuple(findings)
        super().__init__(
            f"{case}: these findings cannot be true together in this network: "
            + ", ".join(findings)
        )


class EvidenceError(MesenbayesError):
    """Evidence tables with broken rows; all of them are listed, one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class NetworkError(MesenbayesError):
    """A network folder that does not describe a network."""


class TooLarge(MesenbayesError):
    """A computation refused before anything was allocated."""

    def __init__(self, what: str, needed_bytes: float, limit_bytes: float) -> None:
        self.needed_bytes = needed_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f"{what} needs about {needed_bytes / 2**30:.2f} GiB, more than the limit of "
            f"{limit_bytes / 2**30:.2f} GiB"
        )


def nearest(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` known names that look like `name`, best first, ignoring case."""
    lower: dict[str, str] = {}
    for word in known:
        lower.setdefault(word.lower(), word)
    return [lower[m] for m in get_close_matches(name.lower(), list(lower), n=n, cutoff=0.55)]


def did_you_mean(names: Sequence[str]) -> str:
    """Return the tail of an error sentence that offers the nearest names."""
    if not names:
        return " (`mesenbayes vocabulary` lists them all)"
    return f"; did you mean {' or '.join(names)}?"
