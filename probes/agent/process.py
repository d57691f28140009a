"""Processes that are told apart even when their pid comes round again."""

from __future__ import annotations

from pathlib import Path


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in ticks since boot (proc(5), stat field 22); None if gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command name may hold blanks and brackets: count from its last bracket.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def alive(pid: int, started: int | None) -> bool:
    return started is not None and start_time(pid) == started


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
