"""Matches what a case states to the variables of a network.

Names and states match without regard to case, blanks, hyphens and underscores. A number is
put into its band. An uncertain finding must say what its numbers mean: likelihoods (how much
more probable is what was seen under each state) or probabilities (what the finding itself
was judged to be, all else included).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from mesenbayes.diagnosis.case import Case
from mesenbayes.diagnosis.variants import VariantMap
from mesenbayes.errors import CaseError, UnknownFinding, UnknownState, nearest
from mesenbayes.network.variable import Variable


@dataclass(frozen=True)
class Finding:
    """One finding, matched to a variable.

    Parameters
    ----------
    state
        The state, for a certain finding; None for an uncertain one.
    weights
        State -> likelihood or probability, for an uncertain one.
    value
        The number as stated, in the variable's unit.
    """

    variable: str
    state: str | None
    kind: Literal["state", "likelihood", "probability"] = "state"
    weights: tuple[tuple[str, float], ...] = ()
    value: float | None = None
    stated_as: str = ""

    def __str__(self) -> str:
        if self.state is not None:
            return f"{self.variable}={self.state}"
        inner = ", ".join(f"{state} {weight:g}" for state, weight in self.weights)
        return f"{self.variable} {self.kind} ({inner})"


@dataclass(frozen=True)
class MatchedCase:
    """A case in the words of a network."""

    case: Case
    findings: tuple[Finding, ...]
    set_aside: tuple[str, ...] = ()

    @cached_property
    def by_variable(self) -> dict[str, Finding]:
        """Finding by variable."""
        return {finding.variable: finding for finding in self.findings}


class Vocabulary:
    """The words by which a case may name variables and states."""

    def __init__(self, variables: Iterable[Variable], variants: VariantMap | None = None) -> None:
        self.variables = tuple(v for v in variables if v.role != "latent")
        self.variants = variants
        self._names: dict[str, tuple[Variable, float]] = {}
        self._spelling: dict[str, str] = {}
        for variable in self.variables:
            for word in (variable.name, variable.label, *variable.aliases):
                self._add(word, variable, 1.0)
            for word, factor in variable.conversions.items():
                self._add(word, variable, factor)

    def _add(self, word: str, variable: Variable, factor: float) -> None:
        key = squeeze(word)
        if key and key not in self._names:
            self._names[key] = (variable, factor)
            self._spelling[key] = word

    def find(self, name: str, where: str = "") -> tuple[Variable, float]:
        """Return the variable that `name` stands for, and the factor to its unit.

        Raises
        ------
        UnknownFinding
            With the nearest names.
        """
        found = self._names.get(squeeze(name))
        if found is None:
            near = nearest(squeeze(name), self._names)
            names = list(dict.fromkeys(self._names[squeeze(n)][0].name for n in near))
            raise UnknownFinding(name, names, where)
        return found

    def state(self, variable: Variable, value: Any, where: str = "") -> str:
        """Return the state of `variable` that `value` stands for.

        Raises
        ------
        UnknownState
            If the variable has no such state.
        """
        if isinstance(value, bool):
            value = "true" if value else "false"
            if variable.states[-1] == "positive":
                value = "positive" if value == "true" else "negative"
        key = loosen(str(value))
        for state in variable.states:
            if key in (loosen(state), loosen(variable.state_label(state))):
                return state
        for alias, state in variable.state_aliases.items():
            if key == loosen(alias):
                return state
        if variable.group == "molecular":
            # Reports add detail: "exon 11 deletion" is exon 11, "wild type by Sanger" is wild type.
            for alias in sorted(variable.state_aliases, key=len, reverse=True):
                if key.startswith(("exon", "wild", "no ", "not ")) and re.match(
                    re.escape(loosen(alias)) + r"\b", key
                ):
                    return variable.state_aliases[alias]
        raise UnknownState(variable.name, str(value), variable.states, where)

    def match(self, case: Case, *, ignore_unknown: bool = False) -> MatchedCase:
        """Match every finding and variant of a case.

        Parameters
        ----------
        ignore_unknown
            Set findings aside that the network does not know, instead of refusing the case.

        Raises
        ------
        CaseError
            Unknown finding or state, impossible number, contradiction.
        """
        where = f"{case.where}: "
        matched: dict[str, Finding] = {}
        set_aside: list[str] = []
        for name, value in case.findings.items():
            if value is None:
                continue  # "not stated"
            try:
                variable, factor = self.find(name, where)
                finding = self._finding(variable, factor, name, value, where)
            except (UnknownFinding, UnknownState) as error:
                if not ignore_unknown:
                    raise
                set_aside.append(f"{name}: {value} ({str(error).removeprefix(where)})")
                continue
            _put(matched, finding, where)
        for entry in case.variants:
            if self.variants is None:
                raise CaseError(f"{where}this network has no map from gene variants to findings")
            try:
                name, state = self.variants.finding(entry, where)
                variable, _ = self.find(name, where)
            except (UnknownFinding, UnknownState) as error:
                if not ignore_unknown:
                    raise
                set_aside.append(f"variant {entry} ({str(error).removeprefix(where)})")
                continue
            stated = " ".join(str(v) for v in entry.values())
            _put(matched, Finding(variable.name, state, stated_as=stated), where)
        return MatchedCase(case, tuple(matched.values()), tuple(set_aside))

    def _finding(
        self, variable: Variable, factor: float, name: str, value: Any, where: str
    ) -> Finding:
        if isinstance(value, Mapping):
            return self._uncertain(variable, name, value, where)
        if isinstance(value, list):
            raise CaseError(f"{where}{name}: one state is expected, not a list")
        if variable.unit is not None:
            number = _number(value)
            if number is not None:
                return self._measured(variable, number * factor, number, name, where)
        state = self.state(variable, value, where)
        return Finding(variable.name, state, stated_as=f"{name}: {value}")

    @staticmethod
    def _measured(
        variable: Variable, number: float, stated: float, name: str, where: str
    ) -> Finding:
        low, high = variable.limits or (-math.inf, math.inf)
        if not low <= number <= high:  # also refuses nan
            raise CaseError(
                f"{where}{name} = {stated:g} is impossible; it lies between {low:g} and {high:g} "
                f"{variable.unit}"
            )
        band = sum(number >= c if variable.right_open else number > c for c in variable.cuts)
        return Finding(
            variable.name, variable.states[band], value=number, stated_as=f"{name}: {stated:g}"
        )

    def _uncertain(
        self, variable: Variable, name: str, value: Mapping[Any, Any], where: str
    ) -> Finding:
        kinds = [str(key) for key in value]
        if len(kinds) != 1 or kinds[0] not in ("likelihood", "probability"):
            raise CaseError(
                f"{where}{name}: an uncertain finding says which kind it is, "
                "{likelihood: {state: weight}} or {probability: {state: weight}}"
            )
        kind = kinds[0]
        table = value[kind]
        if not isinstance(table, Mapping) or not table:
            raise CaseError(f"{where}{name}: {kind} is a mapping of state to number")
        weights: dict[str, float] = {}
        for word, weight in table.items():
            state = self.state(variable, word, where)
            number = _number(weight)
            if number is None or not math.isfinite(number) or number < 0:
                raise CaseError(f"{where}{name}: {kind} of {word} is '{weight}', not a number >= 0")
            if state in weights:
                raise CaseError(f"{where}{name}: {kind} of {state} is stated twice")
            weights[state] = number
        total = sum(weights.values())
        if total <= 0:
            raise CaseError(f"{where}{name}: the numbers of {kind} are all 0")
        if kind == "probability" and abs(total - 1) > 1e-6:
            raise CaseError(f"{where}{name}: the probabilities add up to {total:g}, not 1")
        missing = [state for state in variable.states if state not in weights]
        if missing and kind == "likelihood":
            raise CaseError(
                f"{where}{name}: the likelihood needs a number for every state; "
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            )
        full = tuple((state, weights.get(state, 0.0)) for state in variable.states)
        return Finding(
            variable.name,
            None,
            "likelihood" if kind == "likelihood" else "probability",
            full,
            stated_as=f"{name}: {kind}",
        )


def _put(matched: dict[str, Finding], finding: Finding, where: str) -> None:
    """Add a finding; two that say the same are one, two that differ are a contradiction."""
    before = matched.get(finding.variable)
    if before is not None and (before.state, before.weights) != (finding.state, finding.weights):
        raise CaseError(
            f"{where}'{before.stated_as}' and '{finding.stated_as}' contradict each other: both "
            f"state {finding.variable}"
        )
    matched[finding.variable] = before or finding


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(str(value))
    except ValueError:
        return None


def squeeze(word: str) -> str:
    """Return the letters and figures of a name in lower case: CD-117 and cd117 are one."""
    return re.sub(r"[^0-9a-zβαγ]+", "", word.lower())


def loosen(word: str) -> str:
    """Return a state in lower case with single blanks for blanks, underscores and hyphens inside
    words; signs such as + and - stay."""
    return re.sub(r"[\s_]+|(?<=\w)-(?=\w)", " ", word.strip().lower())
