"""One run at a time on a host: `halt_poll_ns` and the CPU belong to all of it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from agent.errors import AgentError


def take(home: Path, run: str, patience_s: float = 10.0) -> int:
    """Lock the host for `run` and return the descriptor that holds it.

    The guard inherits the descriptor, so a killed agent's lock lasts until its knobs are restored;
    `patience_s` is for that moment. Raises AgentError naming the run that holds the lock.
    """
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            holder = os.pread(descriptor, 256, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise AgentError(
                f"this host is busy with run {holder or 'unknown'}: wait for it, or stop it"
            ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{run} (pid {os.getpid()})\n".encode(), 0)
    return descriptor
