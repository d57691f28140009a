"""Start an emulator that outlives the command, marked so that it is found again."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from lab.emulation.process import MARK, Process
from lab.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.emulation.room import Room


def launch(
    command: Sequence[str], room: Room, *, stdin: int = subprocess.DEVNULL, log: Path | None = None
) -> Process:
    """Start `command` in its room and in a session of its own, and write down its pid.

    Raises FleetError when it ends at once.
    """
    log = log or room.emulator_log
    with log.open("ab") as sink:
        started = subprocess.Popen(
            command,
            cwd=room.folder,
            env={**os.environ, MARK: str(room.folder)},
            stdin=stdin,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process = Process.of(started.pid)
    # From here on it is known by pid and start time; Popen would warn that it was left behind.
    started.returncode = 0
    if process is None:
        raise FleetError(f"{command[0]} ended at once: {last_words(log)}")
    process.save(room.pid_file)
    return process


def last_words(log: Path) -> str:
    """Return the last line of a log, or the last by the lab's own initramfs, and the log's name."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    spoken = [line.strip() for line in lines if line.strip()]
    said = [line for line in spoken if line.startswith("kvmlab:")] or spoken
    return f"{said[-1] if said else 'it said nothing'} (see {log})."
