"""The fitted numbers of each kind of finding, kept beside the evidence they were fitted to.

Fitting takes longer than everything else in building a network, and its result changes only
when the evidence does. ``fit.json`` holds it together with a key, the hash of all that it
depends on. A file whose key does not match is not used: the network then fits afresh.
``mesenbayes evidence fit`` writes the file, and a test compares it with a fresh fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesenbayes.evidence.between_study import BetweenStudy
from mesenbayes.evidence.mixture import BetaMixture


@dataclass(frozen=True, eq=False)
class FamilyFit:
    """What was fitted to one kind of finding.

    Parameters
    ----------
    between
        How much studies disagree.
    mixture, lineage_weight
        The model of a yes/no kind; None for findings with several states.
    """

    between: BetweenStudy
    mixture: BetaMixture | None = None
    lineage_weight: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        data: dict[str, Any] = {"rho_0": self.between.rho_0, "tau2": self.between.tau2}
        if self.mixture is not None:
            data["mixture"] = {
                "a": self.mixture.a.tolist(),
                "b": self.mixture.b.tolist(),
                "weights": self.mixture.weights.tolist(),
            }
            data["lineage_weight"] = self.lineage_weight
        return data


_MODEL = "logit scatter, four classes"
"""Names the pooling model; part of the key, so that a fit of another model is not used."""


def fit_key(*parts: bytes | str) -> str:
    """Return the hash of all that a fit depends on."""
    hasher = hashlib.sha256(_MODEL.encode())
    for part in parts:
        hasher.update(part.encode() if isinstance(part, str) else part)
        hasher.update(b"|")
    return hasher.hexdigest()[:16]


def read_fits(path: Path, key: str) -> dict[str, FamilyFit] | None:
    """Return the stored fits by kind; None if there are none for this key."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if document.get("key") != key:
        return None
    return {kind: _fit(entry) for kind, entry in document["families"].items()}


def write_fits(path: Path, key: str, fits: Mapping[str, FamilyFit]) -> None:
    """Write the fits; the file is replaced as a whole or not at all."""
    document = {"key": key, "families": {kind: fit.to_dict() for kind, fit in fits.items()}}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def _fit(entry: Mapping[str, Any]) -> FamilyFit:
    between = BetweenStudy(entry["rho_0"], entry["tau2"])
    stored = entry.get("mixture")
    if stored is None:
        return FamilyFit(between)
    mixture = BetaMixture(*(np.array(stored[name]) for name in ("a", "b", "weights")))
    return FamilyFit(between, mixture, entry["lineage_weight"])
