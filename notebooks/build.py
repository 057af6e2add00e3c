"""Run the notebooks and write them with small, clean outputs.

``python notebooks/build.py`` runs them all; ``python notebooks/build.py 03`` those whose name
begins so. The text of a notebook is its ``.py``; the ``.ipynb`` beside it is made from it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
START = "%reset -f\n%matplotlib inline\n%config InlineBackend.rc = {'figure.dpi': 65}\n"


def source(path: Path) -> nbformat.NotebookNode:
    """Return the notebook of a script, not yet run, with cell identifiers that do not change."""
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
         "language_info": {"name": "python"},
         "jupytext": {"formats": "ipynb,py:percent"}}
    )  # fmt: skip
    return notebook


@contextmanager
def kernel() -> Iterator[KernelManager]:
    """Start a kernel that several notebooks use one after the other: packages are imported and
    evidence is read once. Each notebook begins with an empty namespace."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(HERE))
    client.stop_channels()
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


def run(path: Path, manager: KernelManager, timeout: int = 120) -> nbformat.NotebookNode:
    """Run a notebook and return it; the first error of a cell is raised."""
    notebook = source(path)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    plain = first.source
    first.source = START + plain
    client = NotebookClient(notebook, km=manager, timeout=timeout)
    try:
        client.execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
            client.kc.context.destroy(linger=0)
    first.source = plain
    clean(notebook)
    return notebook


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs from run to run or only repeats another form of the same output."""
    count = 0
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                continue
            if "execution_count" in output:
                output.execution_count = count
            data = output.get("data", {})
            if "image/png" in data:
                data.pop("text/plain", None)
            if "text/html" in data:
                data["text/html"] = re.sub(
                    r"<style scoped>.*?</style>\s*", "", data["text/html"], flags=re.S
                )
            if output.output_type == "execute_result":
                output.metadata = nbformat.from_dict({})
            kept.append(output)
        cell.outputs = kept
    notebook.metadata["language_info"] = {"name": "python"}


def scripts(prefixes: list[str]) -> list[Path]:
    """Return the notebooks' scripts, those that begin with one of `prefixes` if any."""
    every = sorted(HERE.glob("[0-9][0-9]_*.py"))
    return [p for p in every if not prefixes or p.name.startswith(tuple(prefixes))]


if __name__ == "__main__":
    with kernel() as running:
        for script in scripts(sys.argv[1:]):
            made = run(script, running)
            target = script.with_suffix(".ipynb")
            nbformat.write(made, target)
            print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
