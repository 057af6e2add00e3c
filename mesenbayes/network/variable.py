"""A variable: what can be asked of a patient or a tumour, and how it may be answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["tumour", "genotype", "finding", "specimen", "latent"]
"""What a variable is for: the question, a finding, the sample between biology and reading,
or a hidden truth that nobody reads directly (the antigen is expressed)."""

NOT_OBSERVED = -1
"""State index of a finding that was not looked for. Not observed is not negative."""


@dataclass(frozen=True)
class Variable:
    """One variable of a network.

    Parameters
    ----------
    name
        Identifier ``[A-Za-z][A-Za-z0-9_]*``, as used in case files and tables.
    states
        Identifiers of the states; their order is fixed here and nowhere else.
    label
        What a person reads.
    role
        See :data:`Role`.
    group
        Heading under which the variable is listed (``immunohistochemistry``, ``CT``, ...).
    aliases
        Other names under which a case may state it (case is ignored everywhere).
    state_aliases
        Alias -> state.
    state_labels
        State -> what a person reads, where the identifier does not do.
    unit, cuts, limits
        For a measured variable: the unit of the numbers in a case, the upper bounds that
        separate the states (a value equal to a cut falls below it unless `right_open`),
        and the smallest and largest number that is possible at all.
    conversions
        Other key -> factor that turns its number into `unit` (``size_mm`` -> 0.1).
    codes
        Coding system -> code (OncoTree, ICD-O-3, HGNC).
    """

    name: str
    states: tuple[str, ...]
    label: str = ""
    role: Role = "finding"
    group: str = ""
    aliases: tuple[str, ...] = ()
    state_aliases: Mapping[str, str] = field(default_factory=dict)
    state_labels: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    cuts: tuple[float, ...] = ()
    limits: tuple[float, float] | None = None
    right_open: bool = False
    conversions: Mapping[str, float] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    @property
    def cardinality(self) -> int:
        """Number of states."""
        return len(self.states)

    def index(self, state: str) -> int:
        """Return the position of `state`."""
        return self.states.index(state)

    def state_label(self, state: str) -> str:
        """Return what a person reads for `state`."""
        return self.state_labels.get(state, state.replace("_", " "))
