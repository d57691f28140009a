"""A mount namespace of the agent's own, unseen by anyone else.

tracefs and debugfs are mounted there when the host has not; they vanish with the agent.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from agent.errors import UnsupportedError

# include/uapi/linux/sched.h, include/uapi/linux/mount.h
CLONE_NEWNS = 0x00020000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

# bcc looks below the first or the second, depending on its version.
TRACEFS = Path("/sys/kernel/tracing")
DEBUGFS = Path("/sys/kernel/debug")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        raise UnsupportedError(f"{what} failed ({os.strerror(ctypes.get_errno())}): run as root")


def _mount(source: str, target: str, kind: bytes | None, flags: int) -> int:
    result: int = _libc.mount(source.encode(), target.encode(), kind, flags, None)
    return result


def enter() -> None:
    """Move this process to a private mount namespace with tracefs in it.

    Raises UnsupportedError without the right to, or on a kernel without tracefs.
    """
    _check(_libc.unshare(CLONE_NEWNS), "a private mount namespace")
    _check(_mount("none", "/", None, MS_REC | MS_PRIVATE), "making mounts private")
    if not (DEBUGFS / "tracing").exists():
        # Without debugfs tracefs still serves; a bcc that insists says so when it loads.
        _mount("debugfs", str(DEBUGFS), b"debugfs", 0)
    if not (TRACEFS / "events").exists() and _mount("tracefs", str(TRACEFS), b"tracefs", 0):
        raise UnsupportedError(
            f"tracefs cannot be mounted at {TRACEFS} ({os.strerror(ctypes.get_errno())}): "
            "run as root on a kernel with CONFIG_FTRACE"
        )
