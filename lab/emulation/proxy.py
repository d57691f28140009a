"""SSH's ProxyCommand for hosts that a plain connection does not reach; stdin and stdout are SSH's.

proxy.py within PID_FILE HOST PORT   connect inside the network namespace of the emulator
proxy.py awake ROOM HOST PORT        let a paused host run for as long as the connection is open

Run as a file and with the standard library alone: it starts for every connection, and must not
depend on how the lab was installed.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

CLONE_NEWNET = 0x40000000
CHUNK = 1 << 16
TIMEOUT_S = 10.0


def enter(pid_file: Path) -> None:
    """Move this process into the network namespace of the emulator that `pid_file` names."""
    told = json.loads(pid_file.read_text())
    with Path(f"/proc/{told['pid']}/ns/net").open() as namespace:
        stat = Path(f"/proc/{told['pid']}/stat").read_text().rpartition(")")[2].split()
        if int(stat[19]) != told["started"]:
            raise ProcessLookupError(f"the emulator of {pid_file} has ended")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def control(room: Path, command: str) -> None:
    """Say one word to QEMU. It serves one caller at a time; the others wait their turn."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_S)
        # Through a descriptor: a socket's name may have no more than 107 bytes.
        folder = os.open(room, os.O_PATH | os.O_DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{folder}/qmp.sock")
        finally:
            os.close(folder)
        lines = connection.makefile("rwb")
        lines.readline()
        for word in ("qmp_capabilities", command):
            lines.write(json.dumps({"execute": word}).encode() + b"\n")
            lines.flush()
            while b'"event"' in lines.readline():
                pass


@contextmanager
def awake(room: Path) -> Iterator[None]:
    """Let the host run while the body does; the last user to leave pauses it."""
    use = room / "use"
    with use.open() as shared:
        fcntl.flock(shared, fcntl.LOCK_SH)
        control(room, "cont")
        try:
            yield
        finally:
            fcntl.flock(shared, fcntl.LOCK_UN)
            # Someone else uses it; or it has ended, and who asked for it will notice.
            with use.open() as sole, suppress(BlockingIOError, FileNotFoundError, ConnectionError):
                fcntl.flock(sole, fcntl.LOCK_EX | fcntl.LOCK_NB)
                control(room, "stop")


def relay(host: str, port: int) -> None:
    """Pass bytes both ways until the host ends the connection."""
    with socket.create_connection((host, port), TIMEOUT_S) as connection:
        connection.settimeout(None)
        sources = [0, connection.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if 0 in ready:
                if sent := os.read(0, CHUNK):
                    connection.sendall(sent)
                else:
                    sources.remove(0)
                    connection.shutdown(socket.SHUT_WR)
            if connection.fileno() in ready:
                received = connection.recv(CHUNK)
                if not received:
                    return
                while received:
                    received = received[os.write(1, received) :]


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(mode: str, where: Path, host: str, port: int) -> None:
    # SSH ends its ProxyCommand with a hangup: the host must be paused then, too.
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    if mode == "within":
        enter(where)
        relay(host, port)
    else:
        with awake(where):
            relay(host, port)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    except OSError as error:
        sys.exit(f"kvmlab proxy: {error}")
