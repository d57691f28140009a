"""Become a command inside a new network namespace, which ends with its last process.

Run as a file. Usage: netns.py COMMAND...
"""

from __future__ import annotations

import ctypes
import os
import sys

from pyroute2 import IPRoute  # type: ignore[import-untyped]

CLONE_NEWNET = 0x40000000


def main(command: list[str]) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit(f"no network namespace can be made: {os.strerror(ctypes.get_errno())}")
    with IPRoute() as routes:
        routes.link("set", index=routes.link_lookup(ifname="lo")[0], state="up")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
