"""Every notebook runs from its text, starts by saying what it is for, has exercises with answers,
and is committed with small outputs that belong to that text."""

import importlib.util
import warnings
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "notebooks"
SCRIPTS = sorted(HERE.glob("[0-9][0-9]_*.py"))
MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def build():
    for module in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(module, reason="needs mesenbayes[notebooks]")
    spec = importlib.util.spec_from_file_location("notebooks_build", HERE / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_ten():
    assert [int(path.name[:2]) for path in SCRIPTS] == list(range(1, 11))


@pytest.fixture(scope="module")
def kernel(build):
    with warnings.catch_warnings(action="ignore"), build.kernel() as running:
        yield running


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem[:2])
def test_it_runs(build, kernel, path):
    with warnings.catch_warnings(action="ignore"):  # Jupyter's own are not ours to mend
        build.run(path, kernel)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem[:2])
def test_the_committed_notebook_is_that_text_with_small_outputs(build, path):
    import nbformat

    made = path.with_suffix(".ipynb")
    assert made.stat().st_size < MOST_BYTES
    committed = nbformat.read(made, as_version=4)
    wanted = build.source(path)
    assert [(c.cell_type, c.source) for c in committed.cells] == [
        (c.cell_type, c.source) for c in wanted.cells
    ]
    assert all(c.execution_count for c in committed.cells if c.cell_type == "code")
    text = "\n".join(c.source for c in wanted.cells if c.cell_type == "markdown")
    assert "After this notebook you can" in text
    assert "## Exercises" in text
    assert "### Worked answers" in text
    assert wanted.cells[-1].source.rstrip().splitlines()[-1].startswith("assert")

