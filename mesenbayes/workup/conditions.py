"""When a step of the clinic applies: short conditions in the tables of the work-up.

Parts are separated by ``;`` and all must hold:

    site=stomach|duodenum   the finding is known and is one of these
    known(ct_*)             some finding of this name is known
    P(GIST)>=0.2            the probability of a diagnosis reaches this
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mesenbayes.errors import NetworkError

_EQUAL = re.compile(r"^(\w+)\s*=\s*([\w|]+)$")
_KNOWN = re.compile(r"^known\(([\w*]+)\)$")
_LIKELY = re.compile(r"^P\((\w+)\)\s*>=\s*([0-9.]+)$")


@dataclass(frozen=True)
class Condition:
    """A parsed condition; the empty one always holds.

    Parameters
    ----------
    parts
        (kind, name, values) with kind ``equal``, ``known`` or ``likely``.
    """

    parts: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def holds(self, known: Mapping[str, str], probability: Mapping[str, float]) -> bool:
        """Return whether every part holds.

        Parameters
        ----------
        known
            Variable -> its state, or '' for an uncertain finding.
        probability
            Diagnosis -> probability.
        """
        return all(self._part(part, known, probability) for part in self.parts)

    @staticmethod
    def _part(
        part: tuple[str, str, tuple[str, ...]],
        known: Mapping[str, str],
        probability: Mapping[str, float],
    ) -> bool:
        kind, name, values = part
        if kind == "equal":
            return known.get(name) in values
        if kind == "known":
            return any(fnmatch.fnmatchcase(variable, name) for variable in known)
        return probability.get(name, 0.0) >= float(values[0])


def parse_condition(text: str) -> Condition:
    """Parse a condition.

    Raises
    ------
    NetworkError
        Naming the part that cannot be read.
    """
    parts: list[tuple[str, str, tuple[str, ...]]] = []
    for piece in (p.strip() for p in text.split(";")):
        if not piece:
            continue
        if found := _EQUAL.match(piece):
            parts.append(("equal", found[1], tuple(found[2].split("|"))))
        elif found := _KNOWN.match(piece):
            parts.append(("known", found[1], ()))
        elif found := _LIKELY.match(piece):
            parts.append(("likely", found[1], (found[2],)))
        else:
            raise NetworkError(f"the condition '{piece}' cannot be read")
    return Condition(tuple(parts))
