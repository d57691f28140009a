"""Notebooks run from top to bottom on the recorded runs."""

from __future__ import annotations

import runpy

import pytest

from lab.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook: object, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(notebook))
    assert capsys.readouterr().out
