"""The documentation site: ``make docs`` builds it into ``docs/_build/html``."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

from mesenbayes import __version__

project = "mesenbayes"
author = "The mesenbayes founders"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
# Pages of the repository link to files beside them; on the site those live on the forge.
# Docstrings are written to be read in a terminal first: a lone *star is not a mistake there.
suppress_warnings = ["myst.xref_missing", "ref.python", "docutils"]
exclude_patterns = ["_build", "examples/*"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_google_docstring = False
html_theme = "furo"
html_title = f"mesenbayes {release}"
html_theme_options = {
    "announcement": "For research and teaching. Not a medical device, not for the care of patients."
}


# Formulas become MathML when the site is built: every browser shows it, and no page asks another
# host for a script.
html_math_renderer = "mathml"


def _inline(writer, node):
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _display(writer, node):
    writer.body.append(f'<div class="formula">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
