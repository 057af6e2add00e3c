"""Conditions of guideline points and alerts, evaluated with the uncertainty kept.

A condition is ``name=a|b; name>=number; name!=a`` joined by ``;`` (and). Each atom has a
probability, or is not known. A point applies with the product of the known ones, *if* the
unknown ones hold: "applies if GIST (0.83); also needs: rupture = present".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mesenbayes.errors import NetworkError
from mesenbayes.treatment.belief import MEASURED, TreatmentBelief
from mesenbayes.treatment.values import intervals

_ATOM = re.compile(r"^(?P<name>\w+)(?P<op>!=|>=|<=|=|>|<)(?P<value>[^;]+)$")


@dataclass(frozen=True)
class Atom:
    """One comparison of a condition."""

    name: str
    operator: str
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        """The comparison as a person reads it."""
        return f"{self.name} {self.operator} {' or '.join(self.values)}".replace("_", " ")


@dataclass(frozen=True)
class Truth:
    """How probable a condition is, and what remains open.

    Parameters
    ----------
    probability
        Product over the atoms that are known.
    because
        The uncertain atoms with their probabilities, as text.
    open_atoms
        Atoms about findings that are not stated.
    """

    probability: float
    because: tuple[str, ...]
    open_atoms: tuple[str, ...]


@lru_cache(maxsize=1024)
def parse(condition: str) -> tuple[Atom, ...]:
    """Return the atoms of a condition.

    Raises
    ------
    NetworkError
        If a part is not a comparison.
    """
    atoms = []
    for part in filter(None, (piece.strip() for piece in condition.split(";"))):
        match = _ATOM.match(part)
        if match is None:
            raise NetworkError(f"'{part}' in condition '{condition}' is not name=value")
        values = tuple(value.strip() for value in match["value"].split("|"))
        atoms.append(Atom(match["name"], match["op"], values))
    return tuple(atoms)


class Facts:
    """Probabilities of everything that a condition may name, for one belief.

    Parameters
    ----------
    belief
        The case.
    groups
        Tumour code -> treatment group; a condition may name either.
    extra
        Further distributions (``risk``, ``strategy``): name -> state -> probability, given
        that the tumour is one to which they apply.
    """

    def __init__(
        self,
        belief: TreatmentBelief,
        groups: Mapping[str, str],
        extra: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self._belief = belief
        self._groups = groups
        self._extra = dict(extra or {})

    def distribution(self, name: str) -> Mapping[str, float] | None:
        """Return the distribution of a categorical name; None if nothing is known."""
        if name in self._extra:
            return self._extra[name]
        if name == "setting":
            return {"advanced": 1.0} if self._belief.is_advanced else {"localised": 1.0}
        if name == "genotype":
            return self._belief.genotype or None
        value = self._belief.findings.get(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {str(k): float(p) for k, p in value.items()}
        if isinstance(value, bool):
            return {"present" if value else "absent": 1.0}
        return {str(value): 1.0}

    def probability(self, atom: Atom) -> float | None:
        """Return the probability that an atom holds; None if not known."""
        if atom.name == "tumour":
            total = sum(
                p
                for code, p in self._belief.tumour.items()
                if code in atom.values or self._groups.get(code) in atom.values
            )
            return 1 - total if atom.operator == "!=" else total
        if atom.operator in ("=", "!="):
            known = self.distribution(atom.name)
            if known is None:
                # "mdt_discussion != done": an open question counts as not done
                return 1.0 if atom.operator == "!=" else None
            total = sum(p for state, p in known.items() if state in atom.values)
            return 1 - total if atom.operator == "!=" else total
        if atom.name not in self._belief.findings:
            return None
        return self._compare(atom)

    def _possible(self, atom: Atom) -> list[str]:
        """Return the values of an atom that are possible in this case, for a sentence."""
        known = self._belief.tumour if atom.name == "tumour" else self.distribution(atom.name)
        if atom.operator == "!=" or known is None or atom.name in MEASURED:
            return [atom.text]
        possible = [
            value
            for value in atom.values
            if known.get(value, 0.0) > 0 or value in self._groups.values()
        ]
        return possible or list(atom.values)

    def _compare(self, atom: Atom) -> float | None:
        limit = float(atom.values[0])
        holds = 0.0
        for part in intervals(atom.name, self._belief.findings[atom.name]):
            point = part.over == part.up_to
            if atom.operator == ">":
                true, false = (
                    part.over >= limit and not (point and part.over == limit),
                    (part.up_to <= limit),
                )
            elif atom.operator == ">=":
                true, false = part.over >= limit, part.up_to < limit
            elif atom.operator == "<":
                # a band "up to 2" is read as small, though its upper end is 2
                true, false = (
                    part.up_to < limit or (not point and part.up_to <= limit),
                    (part.over >= limit),
                )
            else:
                true, false = (
                    part.up_to <= limit,
                    part.over >= limit and not (point and part.over == limit),
                )
            if true:
                holds += part.probability
            elif not false:
                return None
        return holds

    def evaluate(self, condition: str) -> Truth:
        """Return how probable a condition is."""
        probability, because, unknown = 1.0, [], []
        for atom in parse(condition):
            p = self.probability(atom)
            if p is None:
                unknown.append(atom.text)
            else:
                probability *= p
                if 0 < p < 0.9995:
                    because.append(f"{' or '.join(self._possible(atom))}, {p:.2f}")
        return Truth(probability, tuple(because), tuple(unknown))


__all__ = ["MEASURED", "Atom", "Facts", "Truth", "parse"]
