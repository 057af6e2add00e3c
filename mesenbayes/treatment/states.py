"""States of the cohort models, and what enters and defines one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STATES = (
    "watched", "cured", "latent_local", "latent_distant", "local_recurrence",
    "first_line", "second_line", "third_line", "dead_of_disease", "dead_other",
)  # fmt: skip
VALUED = (
    "watched",
    "recurrence_free",
    "local_recurrence",
    "first_line",
    "second_line",
    "third_line",
)
"""States that a preference table must value; the dead count 0."""

VALUED_AS = {
    "watched": "watched",
    "cured": "recurrence_free",
    "latent_local": "recurrence_free",
    "latent_distant": "recurrence_free",
    "local_recurrence": "local_recurrence",
    "first_line": "first_line",
    "second_line": "second_line",
    "third_line": "third_line",
}


@dataclass(frozen=True)
class TumourClass:
    """What an outcome depends on: the type, and for GIST the genotype."""

    tumour: str
    group: str
    genotype: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """Identifier, ``GIST:KIT_ex11`` or ``LMS``."""
        return f"{self.tumour}:{self.genotype}" if self.genotype else self.tumour


@dataclass(frozen=True)
class CaseFigures:
    """Numbers of the case that enter the rates.

    Parameters
    ----------
    latent_gist, latent_gist_grown
        Proportion of GIST that progress, at the present size and one size band up.
    small
        Probability that the tumour is at most 2 cm.
    major
        Probability that an operation of an extent becomes a major one.
    rectum
        Probability of a rectal site.
    retroperitoneum
        Whether the site is retroperitoneal.
    ruptured
        Probability of rupture.
    gut
        Probability of a site in the gut wall.
    """

    latent_gist: float
    latent_gist_grown: float
    small: float
    major: Mapping[str, float]
    rectum: float
    retroperitoneum: bool
    ruptured: float
    gut: float


@dataclass(frozen=True, eq=False)
class ModelInput:
    """One cohort model: start shares, rates by phase, and losses of utility.

    `first_loss` is lost per year of the first line (toxicity of the regimen).
    `start_loss` is lost at once, `watch_loss` per year of watching (operations after
    growth), `free_loss` is a lasting loss while recurrence-free, `phase_loss` a loss in
    each phase while recurrence-free (toxicity). `on_drug` says in which phases adjuvant
    imatinib is taken.
    """

    start: dict[str, Array]
    rates: list[dict[tuple[str, str], Array]]
    start_loss: Array
    watch_loss: Array
    free_loss: Array
    phase_loss: list[Array]
    first_loss: Array
    on_drug: tuple[bool, ...] = ()
