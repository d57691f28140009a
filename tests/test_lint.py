"""The linters of Python and shell; those of C and of the playbooks stand beside their tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.paths import ROOT

BIN = Path(sys.executable).parent


def run(*command: str | Path) -> None:
    answer = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split("\0")[:-1]


def test_ruff_check() -> None:
    run(BIN / "ruff", "check")


def test_ruff_format() -> None:
    run(BIN / "ruff", "format", "--check")


def test_mypy_strict() -> None:
    run(BIN / "mypy")


def test_shellcheck() -> None:
    if not shutil.which("shellcheck"):
        pytest.fail("shellcheck is not installed: `make test` does it with playbooks/develop.yml")
    scripts = tracked("*.sh", ".ci/run")
    assert ".ci/run" in scripts
    run("shellcheck", *scripts)


def test_nothing_above_the_results_computes_statistics() -> None:
    """The design's walls: who may import what."""
    for path in map(Path, tracked("probes/*.py")):
        assert "import lab" not in path.read_text(), path
        assert "from lab" not in path.read_text(), path
    for folder in ("lab/fleet", "lab/stats", "lab/report"):
        other = {"lab/fleet": ("lab.stats", "scipy"), "lab/stats": ("lab.fleet", "ansible")}
        for path in map(Path, tracked(f"{folder}/*.py")):
            for name in other.get(folder, ("lab.fleet", "ansible_runner")):
                assert f"import {name}" not in path.read_text(), (path, name)
                assert f"from {name}" not in path.read_text(), (path, name)
