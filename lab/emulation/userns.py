"""Run a command as root of private namespaces in which foreign programs run under qemu-user.

The kernel gives a user namespace a binfmt_misc of its own since Linux commit 21ca59b365c0
("binfmt_misc: enable sandboxed mounts") (in v6.7), so nothing is registered for the machine.
Ids are mapped one to one, so files come out with the owners a root file system needs. The
process namespace takes every child down with the command, also after `kill -9`.

Run as a file, not as a module: it must not depend on how the lab was installed.
Usage: userns.py REGISTRATIONS COMMAND...   with REGISTRATIONS as a JSON list of binfmt_misc lines
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1
BINFMT = "/proc/sys/fs/binfmt_misc"

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _mount(source: str | None, target: str, kind: str | None, flags: int = 0) -> None:
    encoded = (None if text is None else text.encode() for text in (source, target, kind))
    _check(_libc.mount(*encoded, flags, None), f"mount {target}")


def _die_with_parent() -> None:
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def _inside(registrations: list[str], command: list[str]) -> None:
    """Be process 1 of the namespaces: mount, register, become the command."""
    _die_with_parent()
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("proc", "/proc", "proc")
    if registrations:
        _mount("binfmt_misc", BINFMT, "binfmt_misc")
        for line in registrations:
            Path(BINFMT, "register").write_bytes(line.encode("ascii"))
    os.execvp(command[0], command)  # noqa: S606


def main(registrations: list[str], command: list[str]) -> int:
    _die_with_parent()
    unshared, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _die_with_parent()
        _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID), "unshare")
        os.write(unshared[1], b".")
        os.read(mapped[0], 1)
        os.setgid(0)
        os.setuid(0)
        first = os.fork()
        if first == 0:
            _inside(registrations, command)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)
    os.close(unshared[1])
    if os.read(unshared[0], 1):
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text("0 0 4294967295", encoding="ascii")
        os.write(mapped[1], b".")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    try:
        sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
    except OSError as error:
        sys.exit(f"private namespaces cannot be had here: {error}")
