"""A picture as SVG text that is the same bytes for the same picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)')


def svg_of(draw: Callable[[Axes], object], size: tuple[float, float], prefix: str) -> str:
    """Return the SVG element of a picture, ready to stand inside a page.

    Parameters
    ----------
    draw
        Draws on the axes that it is given.
    size
        Width and height in inches.
    prefix
        Put before every identifier, so that several pictures can share a page.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.hashsalt": "mesenbayes",
        "svg.fonttype": "path",  # looks alike on every machine
        "font.family": "DejaVu Sans",
        "font.size": 10,
    }
    with rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.subplots())
        out = io.StringIO()
        nothing = {"Date": None, "Creator": None}
        figure.savefig(out, format="svg", metadata=nothing, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.S)
    # The size in points is the natural size; the page may shrink it.
    return _IDENTIFIER.sub(rf"\g<1>{prefix}", text).strip()
