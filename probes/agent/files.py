"""Files that exist are whole: written under a temporary name, synced, renamed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from agent.errors import AgentError


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader sees all of it or nothing.

    Raises AgentError when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AgentError(
                f"the disk with {path.parent} is full: free some space; "
                "what was measured before is kept, and a resume goes on from there"
            ) from error
        raise AgentError(f"{path} cannot be written: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, document: Any) -> None:  # noqa: ANN401
    write_atomic(path, json.dumps(document, separators=(",", ":")).encode() + b"\n")


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Return the document at `path`; AgentError when it is missing or not JSON."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise AgentError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise AgentError(f"{path} is not JSON ({error}): send the plan again") from error


def read_text(path: Path | str) -> str | None:
    """Return a sysfs or procfs value without its newline, or None when it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").strip("\n\0 ")
    except OSError:
        return None
