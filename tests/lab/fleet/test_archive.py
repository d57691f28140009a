from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from lab.errors import FleetError
from lab.fleet import archive
from tests.lab.fleet.bench import PROBES


@pytest.fixture
def probes(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PROBES, tmp_path / "probes", ignore=ignored))


def digest(probes: Path) -> str:
    return archive.pack(probes, probes.parent / "probes.tar.gz")


def test_the_name_follows_what_is_shipped(probes: Path) -> None:
    before = digest(probes)
    source = probes / "agent" / "__main__.py"
    source.touch()
    assert digest(probes) == before
    source.chmod(0o755)
    executable = digest(probes)
    source.rename(source.with_name("other.py"))
    renamed = digest(probes)
    source.with_name("other.py").write_text("pass\n")
    assert len({before, executable, renamed, digest(probes)}) == 4


def test_what_running_leaves_is_not_shipped(probes: Path) -> None:
    before = digest(probes)
    for folder in ("build", "agent/__pycache__"):
        (probes / folder).mkdir()
        (probes / folder / "made").write_text("by running")
    assert digest(probes) == before
    with tarfile.open(probes.parent / "probes.tar.gz") as packed:
        assert packed.getnames() == ["agent/__init__.py", "agent/__main__.py"]


def test_members_belong_to_root_and_can_be_read(probes: Path) -> None:
    (probes / "agent" / "__main__.py").chmod(0o600)
    digest(probes)
    with tarfile.open(probes.parent / "probes.tar.gz") as packed:
        assert {(member.uid, member.mode) for member in packed} == {(0, 0o644)}


def test_nothing_to_ship_is_said(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    with pytest.raises(FleetError, match="probes has no files to ship"):
        digest(tmp_path / "probes")
