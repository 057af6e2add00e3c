"""Pictures of a decision: the options with their intervals, and the decision tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesenbayes.treatment.decision import Decision

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_options(decision: Decision, ax: Axes | None = None) -> Axes:
    """Draw expected utilities with 95 % intervals, best on top."""
    import matplotlib.pyplot as plt

    if ax is None:
        height = 0.45 * len(decision.options) + 1.2
        _, ax = plt.subplots(figsize=(7, height), layout="constrained")
    for row, option in enumerate(decision.options):
        low, high = option.interval
        ax.plot([low, high], [row, row], color="0.6", lw=2, zorder=1)
        colour = "tab:blue" if option.name == decision.recommended else "black"
        ax.plot(option.expected_utility, row, "o", color=colour, zorder=2)
    ax.set_yticks(range(len(decision.options)), [option.label for option in decision.options])
    ax.invert_yaxis()
    ax.set_xlabel(decision.unit)
    return ax


def plot_tree(
    decision: Decision, ax: Axes | None = None, *, options: int = 3, least: float = 0.05
) -> Axes:
    """Draw the decision tree: a square for the choice, circles for the diagnosis.

    Only the `options` best options and classes with a probability of at least `least` are
    drawn; the rest of the classes is one branch.
    """
    import matplotlib.pyplot as plt

    shown = decision.options[:options]
    leaves = sum(len([g for g in option.by_class if g.probability >= least]) for option in shown)
    if ax is None:
        _, ax = plt.subplots(figsize=(9, 0.4 * leaves + 1.5), layout="constrained")
    y = 0.0
    middles = []
    for option in shown:
        kinds = [gain for gain in option.by_class if gain.probability >= least]
        heights = [y + i for i in range(len(kinds))]
        middle = sum(heights) / len(heights) if heights else y
        for gain, height in zip(kinds, heights, strict=True):
            ax.plot([1, 1.9], [middle, height], color="0.5", lw=0.8, zorder=0)
            text = f"{gain.label} ({gain.probability:.2f}): {gain.utility:.2f}"
            ax.text(1.95, height, text, va="center", fontsize=8)
        ax.plot(1, middle, "o", color="white", markeredgecolor="black", markersize=11)
        ax.text(1, middle - 0.35, f"{option.expected_utility:.2f}", ha="center", fontsize=8)
        middles.append((option, middle))
        y += len(kinds) + 1
    root = sum(m for _, m in middles) / len(middles)
    for option, middle in middles:
        best = option.name == decision.recommended
        ax.plot([0, 1], [root, middle], color="tab:blue" if best else "0.5", lw=2 if best else 0.8,
                zorder=0)  # fmt: skip
        ax.text(0.5, (root + middle) / 2 - 0.15, option.label, ha="center", fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    ax.plot(0, root, "s", color="white", markeredgecolor="black", markersize=12)
    ax.set_xlim(-0.1, 3.4)
    ax.invert_yaxis()
    ax.set_axis_off()
    return ax
