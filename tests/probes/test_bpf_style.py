"""The eBPF programs: formatted, and an architecture's own in its file only."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from agent.bpf import merge

SOURCES = Path(__file__).resolve().parents[2] / "probes" / "bpf"
COMMON = sorted(SOURCES.glob("*.[ch]"))
ARCHITECTURES = sorted(SOURCES.glob("arch/*.h"))


def test_clang_format() -> None:
    tool = Path(sys.executable).with_name("clang-format")
    checked = subprocess.run(
        [tool, "--dry-run", "-Werror", *COMMON, *ARCHITECTURES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", COMMON, ids=lambda path: path.name)
def test_common_files_name_no_architecture(path: Path) -> None:
    names = "|".join(architecture.stem for architecture in ARCHITECTURES)
    assert not re.search(rf"{names}|svm|vmx|sie_|H_CEDE", path.read_text(), re.IGNORECASE)


def test_every_architecture_has_both_halves() -> None:
    agent = SOURCES.parent / "agent" / "arch"
    modules = {path.stem for path in agent.glob("*.py")} - {"__init__"}
    assert {path.stem for path in ARCHITECTURES} == modules


@pytest.mark.parametrize("path", ARCHITECTURES, ids=lambda path: path.stem)
def test_headers_are_merged_once_and_keep_their_lines(path: Path) -> None:
    text = merge(["phases.bpf.c", f"arch/{path.name}"])
    assert '#include "' not in text
    assert text.count("struct thread {") == 1
    lines = text.splitlines()
    mark = lines.index('#line 1 "thread.h"')
    assert lines[mark + 1 : mark + 4] == (SOURCES / "thread.h").read_text().splitlines()[:3]
