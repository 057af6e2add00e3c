"""The scripts of the documentation run, and say something."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")


SCRIPTS = sorted((Path(__file__).parents[3] / "docs" / "examples").glob("sensitivity_*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_script(
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert len(capsys.readouterr().out) > 40
    assert len(script.read_text().splitlines()) <= 18


def test_there_is_a_script_for_each_analysis() -> None:
    assert len(SCRIPTS) >= 8
