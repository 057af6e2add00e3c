"""The choice: expected utility of every option over the whole posterior.

EU(d) = sum over classes of P(class) U(class, d), in every joint draw of the posterior and of
the parameters; intervals, regret and the probability of being best come from the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.treatment.result import Result
from mesenbayes.treatment.states import TumourClass

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEGLIGIBLE = 0.05
"""Differences of utility smaller than this read as "nothing" in a sentence."""


@dataclass(frozen=True)
class ClassGain(Result):
    """What an option gains over its baseline if the tumour is of one class."""

    tumour: str
    genotype: str
    label: str
    probability: float
    utility: float
    gain: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Option(Result):
    """One option with its expected utility.

    Parameters
    ----------
    name, label
        Identifier, and what a person reads.
    expected_utility, interval
        Mean over the draws and its 95 % interval.
    regret
        Expected loss against the option that is best in each draw.
    probability_best
        Share of the draws in which it is best.
    baseline, gain, gain_interval
        The option it is compared with, and the expected gain over it.
    by_class
        The mixture over diagnoses behind the gain.
    sentence
        The comparison in words.
    """

    name: str
    label: str
    expected_utility: float
    interval: tuple[float, float]
    regret: float
    probability_best: float
    baseline: str
    gain: float
    gain_interval: tuple[float, float]
    by_class: tuple[ClassGain, ...]
    sentence: str


@dataclass(frozen=True)
class Decision(Result):
    """Ranked options, and what knowing the diagnosis would be worth.

    Parameters
    ----------
    setting
        ``localised`` or ``advanced``.
    unit
        What the utilities count (``QALY`` by default).
    options
        Best first.
    recommended
        The best option, or the least intensive of those practically equal to it.
    value_of_perfect_information
        Expected gain if the class were known before choosing.
    not_offered
        Option -> reason.
    option_names
        The order among equals: those that depart least from the guidelines first, and of those
        the least intensive first. The first that is practically equal to the best is recommended.
    classes, class_probability, utility
        The (option, class, draw) utilities behind it all; not exported.
    """

    setting: str
    unit: str
    options: tuple[Option, ...]
    recommended: str
    sentence: str
    value_of_perfect_information: float
    not_offered: Mapping[str, str]
    ignored_probability: float
    draws: int
    classes: tuple[TumourClass, ...] = field(repr=False)
    class_probability: NDArray[np.float64] = field(repr=False)
    utility: NDArray[np.float64] = field(repr=False)
    option_names: tuple[str, ...] = field(repr=False)

    def option(self, name: str) -> Option:
        """Return an option by name (KeyError if it was not offered)."""
        return {option.name: option for option in self.options}[name]

    def rows(self) -> list[dict[str, object]]:
        """One row per option: the strategy table."""
        return [
            {
                "option": option.label,
                "name": option.name,
                "expected_utility": option.expected_utility,
                "low": option.interval[0],
                "high": option.interval[1],
                "regret": option.regret,
                "probability_best": option.probability_best,
                "baseline": option.baseline,
                "gain": option.gain,
            }
            for option in self.options
        ]

    def thresholds(self, tumour: str) -> dict[str, float]:
        """Return for every other option the P(tumour) at which it equals the recommended one."""
        found = {
            name: self.threshold(self.recommended, name, tumour)
            for name in self.option_names
            if name != self.recommended
        }
        return {name: t for name, t in found.items() if t is not None}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the options with their intervals."""
        from mesenbayes.treatment.pictures import plot_options

        return plot_options(self, ax)

    def plot_tree(self, ax: Axes | None = None) -> Axes:
        """Draw the decision tree."""
        from mesenbayes.treatment.pictures import plot_tree

        return plot_tree(self, ax)

    def threshold(self, option: str, against: str, tumour: str) -> float | None:
        """Return the P(tumour) at which two options are equally good; None if never.

        The other classes keep their proportions. EU is linear in the probability, so the
        crossing is where t (dU_in - dU_out) + dU_out = 0.
        """
        rows = [self.option_names.index(option), self.option_names.index(against)]
        mean = self.utility.mean(axis=-1)
        difference = mean[rows[0]] - mean[rows[1]]
        inside = np.array([kind.tumour == tumour for kind in self.classes])
        p = self.class_probability.mean(axis=0)
        if not inside.any() or inside.all():
            return None
        d_in = float(p[inside] @ difference[inside] / p[inside].sum())
        d_out = float(p[~inside] @ difference[~inside] / p[~inside].sum())
        if d_in == d_out:
            return None
        t = -d_out / (d_in - d_out)
        return t if 0 <= t <= 1 else None


def decide(
    utility: NDArray[np.float64],
    weights: NDArray[np.float64],
    classes: Sequence[TumourClass],
    names: Sequence[str],
    labels: Mapping[str, str],
    baselines: Mapping[str, str],
    *,
    setting: str,
    unit: str,
    not_offered: Mapping[str, str],
    ignored: float,
    indifference: float,
) -> Decision:
    """Rank options by expected utility.

    Parameters
    ----------
    utility : (options, classes, draws)
        U(d, k) in each parameter draw.
    weights : (draws, classes)
        P(k) in each posterior draw; rows sum to 1.
    classes, names, labels, baselines
        What the axes mean; `names` in the order in which they are preferred among equals.
    indifference
        Options that differ by less are called equal, and the first of them is recommended.
    """
    expected = np.einsum("dkn,nk->dn", utility, weights)
    best_value = expected.max(axis=0)
    best = expected >= best_value - 1e-12
    p_best = (best / best.sum(axis=0)).mean(axis=1)
    regret = (best_value - expected).mean(axis=1)
    mean = expected.mean(axis=1)
    order = sorted(range(len(names)), key=lambda d: (-round(float(mean[d]), 9), d))
    options = []
    for d in order:
        base = baselines.get(names[d], "")
        b = names.index(base) if base in names else order[0]
        difference = expected[d] - expected[b]
        by_class = _by_class(utility[d], utility[b], weights, classes)
        options.append(
            Option(
                name=names[d],
                label=labels[names[d]],
                expected_utility=float(mean[d]),
                interval=_interval(expected[d]),
                regret=float(regret[d]),
                probability_best=float(p_best[d]),
                baseline=names[b],
                gain=float(difference.mean()),
                gain_interval=_interval(difference),
                by_class=by_class,
                sentence=_gain_sentence(labels[names[d]], labels[names[b]], by_class, unit)
                if b != d
                else f"{labels[names[d]]} is the option the others are compared with.",
            )
        )
    by_name = {option.name: option for option in options}
    close = [n for n in names if options[0].expected_utility - by_name[n].expected_utility
             < indifference]  # fmt: skip
    first = by_name[close[0]]
    sentence = _recommendation(first, options, len(close), unit)
    informed = np.einsum("kn,nk->n", utility.max(axis=0), weights) - expected[order[0]]
    return Decision(
        setting=setting,
        unit=unit,
        options=tuple(options),
        recommended=first.name,
        sentence=sentence,
        value_of_perfect_information=float(max(_informed(utility, weights) - mean.max(), 0.0)),
        not_offered=dict(not_offered),
        ignored_probability=ignored,
        draws=int(informed.size),
        classes=tuple(classes),
        class_probability=weights,
        utility=utility,
        option_names=tuple(names),
    )


def _recommendation(first: Option, options: Sequence[Option], close: int, unit: str) -> str:
    best = options[0]
    low, high = best.interval
    text = (
        f"{best.label} has the highest expected utility, {best.expected_utility:.2f} {unit} "
        f"({low:.2f} to {high:.2f}), and is best in {best.probability_best:.0%} of the draws."
    )
    if first is not best:
        gap = best.expected_utility - first.expected_utility
        return text + (
            f" {first.label} is practically as good ({max(gap, 0.0):.2f} {unit} less) and asks "
            "less of the patient or keeps closer to the guidelines: it is recommended."
        )
    if len(options) > 1:
        lead = best.expected_utility - options[1].expected_utility
        text += f" Next is {lower_first(options[1].label)}, {lead:.2f} {unit} less."
    if close > 1:
        text += (
            f" {close} options are practically equal; of those that depart least from the "
            "guidelines the least intensive is recommended."
        )
    return text


def _informed(utility: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return sum_k P(k) max_d E[U(d, k)]: the class known, the parameters still not."""
    mean_u = np.einsum("dkn,nk->dk", utility, weights) / weights.sum(axis=0)
    return float(weights.mean(axis=0) @ mean_u.max(axis=0))


def _by_class(
    chosen: NDArray[np.float64],
    base: NDArray[np.float64],
    weights: NDArray[np.float64],
    classes: Sequence[TumourClass],
) -> tuple[ClassGain, ...]:
    p = weights.mean(axis=0)
    rows = []
    for k in np.argsort(-p, kind="stable"):
        difference = chosen[k] - base[k]
        kind = classes[k]
        rows.append(
            ClassGain(
                kind.tumour, kind.genotype, kind.label, float(p[k]), float(chosen[k].mean()),
                float(difference.mean()), _interval(difference),
            )
        )  # fmt: skip
    return tuple(rows)


def _gain_sentence(label: str, base: str, rows: Sequence[ClassGain], unit: str) -> str:
    """Say what an option gains over its baseline, by diagnosis, likeliest first."""
    gains: dict[str, list[str]] = {}
    for row in [r for r in rows if r.probability >= 0.01][:6]:
        if abs(row.gain) < NEGLIGIBLE:
            what = "nothing"
        else:
            verb = "gains" if row.gain > 0 else "loses"
            what = (
                f"{verb} {abs(row.gain):.1f} {unit}"
                if abs(row.gain) >= 0.1
                else (f"{verb} {abs(row.gain):.2f} {unit}")
            )
        gains.setdefault(what, []).append(row.label)
    parts = [f"{what} if {' or '.join(kinds)}" for what, kinds in gains.items()]
    return f"{label}, against {lower_first(base)}: {', '.join(parts)}."


def lower_first(label: str) -> str:
    """Return a label as it stands inside a sentence."""
    return label[0].lower() + label[1:]


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
