"""The network drawn with its beliefs in the nodes.

Graphviz places the nodes where its ``dot`` program is installed; networkx does otherwise, one
generation of parents below the other.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import UnknownFinding, nearest
from mesenbayes.plots.style import BLUE, ORANGE, SKY, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesenbayes.report.diagnosis import Diagnosis

SHOWN_STATES = 4
_WIDTH, _LINE = 2.7, 0.24
"""Width of a node and height of a line in it, in inches."""


def plot_network(
    diagnosis: Diagnosis,
    ax: Axes | None = None,
    *,
    around: Sequence[str] | None = None,
    use_graphviz: bool | None = None,
) -> Axes:
    """Draw the part of the network that a case speaks to, each node with its belief.

    Parameters
    ----------
    around
        Variables to draw; their ancestors come too. By default the findings of the case.
    use_graphviz
        Whether ``dot`` lays it out; by default where it is installed.

    Raises
    ------
    UnknownFinding
        If `around` names no variable of the network.
    """
    import networkx as nx

    network = diagnosis.network
    whole = nx.DiGraph()
    for variable in network.variables:
        whole.add_node(variable.name)
        whole.add_edges_from((p, variable.name) for p in network.tables[variable.name].parents)
    wanted = [f.variable for f in diagnosis.case.findings] if around is None else list(around)
    wanted = wanted or [diagnosis.target]
    for name in wanted:
        if name not in whole:
            raise UnknownFinding(name, nearest(name, whole))
    kept = set(wanted).union(*(nx.ancestors(whole, name) for name in wanted))
    graph = whole.subgraph([v.name for v in network.variables if v.name in kept])

    codes, likelihoods = diagnosis.encoded.batch()
    beliefs = {
        name: belief[0]
        for name, belief in network.compiled.marginals(codes, likelihoods).items()
        if name in kept
    }
    heights = {
        n: _LINE * (1.3 + min(SHOWN_STATES, network.variable(n).cardinality)) for n in graph
    }
    dot = use_graphviz if use_graphviz is not None else shutil.which("dot") is not None
    places = _by_dot(graph, heights) if dot else _by_generation(graph, heights)
    x, y = np.array(list(places.values())).T
    if ax is None:
        ax = new_axes(np.ptp(x) * 0.8 + _WIDTH, (np.ptp(y) + max(heights.values())) * 0.8 + 0.3)
    for parent, child in graph.edges:
        (x0, y0), (x1, y1) = places[parent], places[child]
        ax.annotate(
            "", (x1, y1 + heights[child] / 2), (x0, y0 - heights[parent] / 2),
            arrowprops={"arrowstyle": "-|>", "color": "0.45", "lw": 0.9, "shrinkA": 0},
            zorder=1,
        )  # fmt: skip
    seen = {finding.variable for finding in diagnosis.case.findings}
    for name in graph:
        _node(ax, diagnosis, name, places[name], heights[name], beliefs[name], name in seen)
    ax.set_xlim(x.min() - _WIDTH / 2 - 0.15, x.max() + _WIDTH / 2 + 0.15)
    tall = max(heights.values()) / 2 + 0.15
    ax.set_ylim(y.min() - tall, y.max() + tall)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _node(
    ax: Axes,
    diagnosis: Diagnosis,
    name: str,
    place: tuple[float, float],
    height: float,
    belief: NDArray[np.float64],
    is_stated: bool,
) -> None:
    """Draw a box: the label, and the most probable states with their bars."""
    from matplotlib.patches import FancyBboxPatch, Rectangle

    variable = diagnosis.network.variable(name)
    x, y = place
    left, top = x - _WIDTH / 2, y + height / 2
    ax.add_patch(
        FancyBboxPatch(
            (left, y - height / 2), _WIDTH, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#FFF6E5" if is_stated else "white",
            edgecolor=ORANGE if is_stated else "0.4", linewidth=1.8 if is_stated else 0.9, zorder=2,
        )
    )  # fmt: skip
    weight = "bold" if is_stated or variable.role == "tumour" else "normal"
    ax.text(x, top - 0.62 * _LINE, _short(variable.label or name, 32), ha="center", va="center",
            fontsize=7, weight=weight, zorder=4)  # fmt: skip
    order = np.argsort(-belief, kind="stable")[:SHOWN_STATES]
    if variable.cardinality <= SHOWN_STATES:
        order = np.arange(variable.cardinality)
    for line, state in enumerate(order):
        middle = top - _LINE * (1.65 + line)
        ax.text(left + 1.3, middle, _short(variable.state_label(variable.states[state]), 20),
                ha="right", va="center", fontsize=6, zorder=4)  # fmt: skip
        ax.add_patch(
            Rectangle((left + 1.36, middle - 0.07), 0.7 * float(belief[state]), 0.14,
                      color=BLUE if is_stated else SKY, zorder=3)
        )  # fmt: skip
        ax.text(left + _WIDTH - 0.08, middle, f"{100 * belief[state]:.1f} %", ha="right",
                va="center", fontsize=6, zorder=4)  # fmt: skip


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _by_generation(graph: Any, heights: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Place every generation of the graph on a line of its own, parents above children."""
    import networkx as nx

    step = max(heights.values()) + 0.55
    places = {}
    for row, generation in enumerate(nx.topological_generations(graph)):
        names = sorted(generation, key=list(graph).index)
        for i, name in enumerate(names):
            places[name] = ((i - (len(names) - 1) / 2) * (_WIDTH + 0.35), -row * step)
    return {name: places[name] for name in graph}


def _by_dot(graph: Any, heights: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Ask Graphviz for the places (its plain format: ``node name x y ...``, in inches)."""
    lines = ["digraph { node [shape=box fixedsize=true]; nodesep=0.35; ranksep=0.5;"]
    lines += [f'"{n}" [width={_WIDTH} height={heights[n]:.3f}];' for n in graph]
    lines += [f'"{a}" -> "{b}";' for a, b in graph.edges]
    out = subprocess.run(
        ["dot", "-Tplain"], input="\n".join([*lines, "}"]), text=True, capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    places = {}
    for line in out.splitlines():
        words = line.replace('"', "").split()
        if words[:1] == ["node"]:
            places[words[1]] = (float(words[2]), float(words[3]))
    return {name: places[name] for name in graph}
