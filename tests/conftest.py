"""What tests of every part share: the two networks, the command line, and closed figures."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator

import pytest

from mesenbayes.cli import main
from mesenbayes.facade import Network, load_network


@pytest.fixture(scope="session")
def flagship() -> Network:
    return load_network("mesenchymal")


@pytest.fixture(scope="session")
def gut() -> Network:
    return load_network("gi-mesenchymal")


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the program; return (exit status, standard output, standard error)."""

    def run(*arguments: object, stdin: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mesenbayes", *map(str, arguments)])
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
