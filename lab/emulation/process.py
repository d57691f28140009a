"""Processes that outlive the command that started them, told from later users of their pid."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = "KVMLAB_EMULATED_HOST"
_POLL_S = 0.05


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int | None:
    """Clock ticks between boot and the start of `pid`, or None when there is no such process.

    Field 22 of /proc/PID/stat (proc(5)); the name, field 2, may itself hold spaces and brackets.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


@dataclass(frozen=True, slots=True)
class Process:
    """A process by pid, start and boot: no other process is ever the same in all three."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        started = start_ticks(pid)
        return None if started is None else cls(pid, started, boot_id())

    @property
    def alive(self) -> bool:
        return self.boot == boot_id() and start_ticks(self.pid) == self.started

    def stop(self, grace_s: float = 5.0) -> None:
        """End it: TERM, then KILL after `grace_s`. Another process of the same pid is spared."""
        with suppress(ProcessLookupError):
            # The descriptor holds the pid; the start time is compared after it was taken.
            handle = os.pidfd_open(self.pid)
            try:
                for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
                    if not self.alive:
                        return
                    signal.pidfd_send_signal(handle, number)
                    deadline = time.monotonic() + patience
                    while self.alive and time.monotonic() < deadline:
                        _reap(self.pid)
                        time.sleep(_POLL_S)
            finally:
                os.close(handle)

    def rss_mib(self) -> int | None:
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n")

    @classmethod
    def load(cls, path: Path) -> Process | None:
        """Return the process saved in `path`, whether alive or not; None if there is none."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def _reap(pid: int) -> None:
    """Collect a child of ours, which would otherwise stay as a zombie."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def marked(room: Path) -> list[Process]:
    """Find all processes that were started for `room`, by the mark in their environment.

    This finds what a killed command had no time to write down.
    """
    wanted = f"{MARK}={room}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                process = Process.of(int(folder.name))
                found += [process] if process else []
    return found
