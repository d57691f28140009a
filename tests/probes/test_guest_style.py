"""The guest's C: no warnings, kernel style, nothing of one architecture in what is common."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "probes" / "guest"
ARCHITECTURES = sorted(path.stem for path in SOURCES.glob("*.S"))


# What Debian and Ubuntu call the compilers; `uname -m` says ppc64le where they say powerpc64le.
COMPILERS = {name: f"{name.replace('ppc64', 'powerpc64')}-linux-gnu-gcc" for name in ARCHITECTURES}
MACHINES = {"aarch64": 183, "ppc64le": 21, "s390x": 22, "x86_64": 62}  # <elf.h>, EM_*


def common() -> list[Path]:
    """Return every C file that is no architecture's own."""
    return [path for path in sorted(SOURCES.glob("*.[ch]")) if path.stem not in ARCHITECTURES]


def test_builds_without_a_word(tmp_path: Path) -> None:
    made = subprocess.run(
        ["make", "-s", "-C", str(SOURCES), f"OUT={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kvmlab-guest"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_builds_for_every_architecture_without_a_word(architecture: str, tmp_path: Path) -> None:
    compiler = COMPILERS[architecture]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    made = subprocess.run(
        ["make", "-s", "-C", str(SOURCES), f"OUT={tmp_path}", f"CC={compiler}", "LDFLAGS=-static"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and re.search(r"cannot find -lc|stdio\.h: No such file", made.stderr):
        pytest.skip(f"{compiler} is installed without its C library")
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    header = (tmp_path / "kvmlab-guest").read_bytes()[:20]
    order: Literal["little", "big"] = "little" if header[5] == 1 else "big"
    assert int.from_bytes(header[18:20], order) == MACHINES[architecture]


def test_warnings_are_errors() -> None:
    printed = subprocess.run(
        ["make", "-n", "-B", "-C", str(SOURCES), "OUT=/nowhere"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "-std=gnu11" in printed
    assert "-Wall -Wextra -Werror" in printed


def test_a_compiler_for_another_machine_is_refused_with_a_sentence(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho pdp11-unknown-none\n")
    compiler.chmod(0o755)
    made = subprocess.run(
        ["make", "-s", "-C", str(SOURCES), f"OUT={tmp_path}", f"CC={compiler}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "no guest for 'pdp11'" in made.stderr


def test_clang_format() -> None:
    beside = Path(sys.executable).with_name("clang-format")
    tool = str(beside) if beside.exists() else shutil.which("clang-format")
    if tool is None:
        pytest.skip("clang-format is neither on PATH nor beside the interpreter")
    files = sorted(map(str, SOURCES.glob("*.[ch]")))
    checked = subprocess.run(
        [tool, "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", common(), ids=lambda path: path.name)
def test_common_files_name_no_architecture(path: Path) -> None:
    names = "|".join([*ARCHITECTURES, "__x86", "__aarch64__", "__s390", "__powerpc"])
    assert not re.search(names, path.read_text())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_architecture_is_one_c_file_and_one_assembly_file(architecture: str) -> None:
    assert (SOURCES / f"{architecture}.c").exists()


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.[chS]")), ids=lambda path: path.name)
def test_files_open_with_what_they_are(path: Path) -> None:
    licence, opening, *_ = path.read_text().splitlines()
    assert "SPDX-License-Identifier: GPL-2.0-only" in licence
    assert opening == "/*"
