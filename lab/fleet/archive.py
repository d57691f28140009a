"""The probes as one file to ship, named by what is in it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lab.errors import FleetError

# Made by running, not by writing: the same probes have the same name wherever they ran before.
EXCLUDED = frozenset({"__pycache__", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def _files(probes: Path) -> Iterator[tuple[str, Path]]:
    found = sorted((path.relative_to(probes), path) for path in probes.rglob("*") if path.is_file())
    if not found:
        raise FleetError(f"{probes} has no files to ship: restore it from the repository")
    for relative, path in found:
        if not EXCLUDED.intersection(relative.parts):
            yield relative.as_posix(), path


def _mode(path: Path) -> int:
    """Return the mode a file is shipped with: git keeps no more than whether it is executable."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def digest(probes: Path) -> str:
    """Return the SHA-256 (hex) of names, modes and contents of the probes.

    Raises FleetError when there are none.
    """
    whole = hashlib.sha256()
    for name, path in _files(probes):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{_mode(path):o} {content} {name}\0".encode())
    return whole.hexdigest()


def pack(probes: Path, target: Path) -> None:
    """Write the probes to `target`, a .tar.gz whose members belong to root."""
    with tarfile.open(target, "w:gz") as archive:
        for name, path in _files(probes):
            member = archive.gettarinfo(path, arcname=name)
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mode = _mode(path)
            with path.open("rb") as content:
                archive.addfile(member, content)
