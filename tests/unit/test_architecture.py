"""Modules import in one direction, and a name costs nothing until it is used."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mesenbayes

PACKAGE = Path(mesenbayes.__file__).parent

LAYERS = (
    ("errors",),
    ("evidence",),
    ("network",),
    ("inference",),
    ("diagnosis",),
    ("workup",),
    ("treatment",),
    ("sensitivity",),
    ("cohort",),
    ("plots", "report"),
    ("facade",),
    ("cli", "web"),
)
"""Each layer may import itself and those above it in this list."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
BESIDE = {("report", "plots"), ("cli", "web")}
DIAGNOSIS_AND_BELOW = {"errors", "evidence", "network", "inference", "diagnosis", "interop"}
"""What the border may know: networks, and the cases that other programs' records become."""
MAY_IMPORT_INTEROP = {"facade", "cli", "web", "interop"}
FREE = {"__init__", "__main__", "testing"}
"""The public names, the console script, and what exists for tests and benchmarks."""

EXCEPTIONS = {
    ("cohort/cells.py", "interop"): "a column of variants is written in HGVS",
    ("cohort/cluster.py", "facade"): "a worker loads its network by name",
    ("cohort/learn.py", "facade"): "returns the network it was given with learned tables",
    ("cohort/prevalence.py", "facade"): "returns the network it was given with another prior",
    ("cohort/validation_report.py", "plots"): "a page of pictures",
}
"""(module, layer) -> why this one import goes the other way; each of them inside the function
that needs it, or of one small module."""

HEAVY = ("pgmpy", "pandas", "matplotlib", "scipy")


def files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_networks" not in p.parts)


def layer(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, bool, int]]:
    """Yield (layer imported, whether for drawing, line) of every import of the package.

    A picture method of a result (``def plot...``) may reach up to ``plots``: it is a
    courtesy to the reader of a notebook, imported when it is called.
    """

    def visit(node: ast.AST, drawing: bool) -> Iterator[tuple[str, bool, int]]:
        if isinstance(node, ast.FunctionDef):
            drawing = drawing or node.name.startswith("plot")
        modules: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
            if node.module == "mesenbayes":
                modules = [f"mesenbayes.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            parts = module.split(".")
            if parts[0] == "mesenbayes" and len(parts) > 1 and not parts[1].startswith("__"):
                yield parts[1], drawing, getattr(node, "lineno", 0)
        for child in ast.iter_child_nodes(node):
            if not is_type_checking(child):
                yield from visit(child, drawing)

    yield from visit(tree, False)


def is_type_checking(node: ast.AST) -> bool:
    """Imports for annotations alone never run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def breaches(file: Path, source: str) -> list[str]:
    """Return the imports of a module that go against the direction."""
    mine = layer(file)
    if mine in FREE:
        return []
    found = []
    for theirs, drawing, line in imports(ast.parse(source)):
        where = f"{file.relative_to(PACKAGE)}:{line}: {mine} imports {theirs}"
        if theirs == "testing":
            found.append(where)
        elif mine == "interop":
            if theirs not in DIAGNOSIS_AND_BELOW:
                found.append(where)
        elif theirs == "interop":
            if mine not in MAY_IMPORT_INTEROP:
                found.append(where)
        elif theirs in RANK and theirs != mine:
            upward = RANK[theirs] > RANK[mine] and not (drawing and theirs == "plots")
            # a report shows pictures and the command line starts the app, never the reverse
            sideways = RANK[theirs] == RANK[mine] and (mine, theirs) not in BESIDE
            if upward or sideways:
                found.append(where)
    return found


def excepted(file: Path, breach: str) -> bool:
    return (file.relative_to(PACKAGE).as_posix(), breach.rsplit(" ", 1)[1]) in EXCEPTIONS


def test_every_module_belongs_to_a_layer() -> None:
    unknown = {layer(f) for f in files()} - set(RANK) - FREE - {"interop"}
    assert not unknown


@pytest.mark.parametrize("file", files(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_one_way(file: Path) -> None:
    found = breaches(file, file.read_text())
    assert [breach for breach in found if not excepted(file, breach)] == []


def test_every_exception_is_still_needed() -> None:
    for path, layer_name in EXCEPTIONS:
        file = PACKAGE / path
        assert file.exists(), path
        found = breaches(file, file.read_text())
        assert any(breach.endswith(f"imports {layer_name}") for breach in found), path


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("evidence/pooling.py", "from mesenbayes.network.table import Row"),
        ("network/build.py", "def f():\n    from mesenbayes.inference import compile_network"),
        ("network/build.py", "def f():\n    from mesenbayes.plots.forest import plot_forest"),
        ("diagnosis/case.py", "from mesenbayes import facade"),
        ("inference/plan.py", "import mesenbayes.interop.pgmpy"),
        ("interop/pgmpy.py", "from mesenbayes.facade import Network"),
        ("workup/value.py", "from mesenbayes.testing import random_network"),
        ("plots/style.py", "from mesenbayes.report.text import print_report"),
    ],
)
def test_a_wrong_import_is_caught(path: str, source: str) -> None:
    assert breaches(PACKAGE / path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("network/build.py", "from mesenbayes.evidence.base import EvidenceBase"),
        ("network/cell.py", "def plot(self):\n    from mesenbayes.plots.forest import plot_forest"),
        ("network/b.py", "if TYPE_CHECKING:\n    from mesenbayes.facade import Network"),
        ("facade.py", "def f():\n    from mesenbayes.interop.pgmpy import to_pgmpy"),
    ],
)
def test_a_right_import_is_not(path: str, source: str) -> None:
    assert breaches(PACKAGE / path, source) == []


@pytest.mark.parametrize(
    "program",
    [
        "import mesenbayes",
        "import mesenbayes.cli",
        "from mesenbayes.cli import app; from typer.testing import CliRunner; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0",
        "from mesenbayes.cli import app; from typer.testing import CliRunner; "
        "assert CliRunner().invoke(app, ['evidence', '--help']).exit_code == 0",
    ],
    ids=["import", "cli", "help", "evidence-help"],
)
def test_nothing_heavy_is_imported_before_it_is_used(program: str) -> None:
    check = f"{program}; import sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_inference_needs_numpy_only() -> None:
    check = f"import mesenbayes.inference, sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    for name in mesenbayes.__all__:
        assert getattr(mesenbayes, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mesenbayes.nonsense
