"""What the documentation names exists: modules, commands, pages, files."""

import importlib
import re
from pathlib import Path

import pytest
from typer.main import get_command

from mesenbayes.cli import app

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "README.md"]
    if "_build" not in path.parts
)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_commands_exist(path):
    commands = get_command(app).commands
    text = path.read_text()
    named = re.findall(r"^\$ mesenbayes ([a-z][a-z-]+)", text, flags=re.M)
    named += re.findall(r"`mesenbayes ([a-z][a-z-]+)[^`]*`", text)
    assert set(named) <= set(commands)


def test_every_module_of_the_reference_imports_and_says_what_it_is():
    named = re.findall(r"automodule:: (\S+)", (DOCS / "api.md").read_text())
    assert len(named) > 20
    for name in named:
        assert importlib.import_module(name).__doc__, name


def test_every_page_is_in_the_contents():
    contents = (DOCS / "index.md").read_text()
    assert re.search(r"^\*$", contents, flags=re.M)  # every page of the top folder
    for path in (*DOCS.glob("guide/*.md"), *DOCS.glob("howto/*.md")):
        name = str(path.relative_to(DOCS).with_suffix(""))
        assert re.search(rf"^{re.escape(name)}$", contents, flags=re.M), name


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)\)", path.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        assert (path.parent / target).exists(), f"{path.name}: {target}"
