"""The probes as one file to ship, named by what is in it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lab.errors import FleetError

# Made by running, not by writing: the same probes have the same name wherever they ran before.
EXCLUDED = frozenset({"__pycache__", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def _files(probes: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yield name, mode and content, sorted by name; git keeps of a mode if it is executable."""
    found = sorted((path.relative_to(probes).as_posix(), path) for path in probes.rglob("*"))
    for name, path in found:
        if path.is_file() and not EXCLUDED.intersection(name.split("/")):
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield name, mode, path.read_bytes()


def pack(probes: Path, target: Path) -> str:
    """Write the probes to `target` (.tar.gz, all root's) and return their SHA-256 in hex.

    The digest is that of names, modes and contents: what was read once is both hashed and shipped.
    Raises FleetError when there is nothing to ship.
    """
    whole = hashlib.sha256()
    with tarfile.open(target, "w:gz") as archive:
        for name, mode, content in _files(probes):
            whole.update(f"{mode:o} {hashlib.sha256(content).hexdigest()} {name}\0".encode())
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, len(content)
            member.uname = member.gname = "root"
            archive.addfile(member, io.BytesIO(content))
        if not archive.getmembers():
            raise FleetError(f"{probes} has no files to ship: restore it from the repository")
    return whole.hexdigest()
