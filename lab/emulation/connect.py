"""Ways into a host that is up: SSH, its console, and keeping a paused one awake."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import time
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.emulation import ssh
from lab.emulation.keys import lab_keys
from lab.emulation.machine import machine
from lab.emulation.room import Room
from lab.errors import FleetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.emulation.host import Host

_CHUNK = 1 << 16
_POLL_S = 0.3
_DETACH = b"\x1d"  # Ctrl-]


def _open_room(name: str) -> tuple[Room, Host]:
    room = Room(name)
    host = room.host()
    if host is None or room.process() is None:
        raise FleetError(f"{name} is not up: start it with kvmlab fleet up {name}.")
    return room, host


def ssh_command(name: str, words: tuple[str, ...] = ()) -> list[str]:
    """Return the command line that runs `words` on the host `name`, or a shell for none.

    A paused host runs for as long as the connection lasts. Raises FleetError when it is not up.
    """
    room, host = _open_room(name)
    address = machine(host.architecture).emulator.address(host, room)
    return ssh.command(address, lab_keys(), *words)


@contextmanager
def awake(name: str) -> Iterator[None]:
    """Keep a host running that would be paused between connections.

    Raises FleetError when it is not up.
    """
    room, host = _open_room(name)
    with machine(host.architecture).emulator.awake(host, room):
        yield


def console_log(name: str, *, follow: bool = False) -> Iterator[bytes]:
    """Yield what the host's console said; with `follow`, go on until its emulator ends.

    Raises FleetError when the host has left no log.
    """
    room = Room(name)
    if not room.console_log.exists():
        raise FleetError(f"{name} has no console log: start it with kvmlab fleet up {name}.")
    with room.console_log.open("rb") as log:
        while True:
            # Looked at before reading, so that the last words are not missed.
            alive = room.process() is not None
            while chunk := log.read(_CHUNK):
                yield chunk
            if not (follow and alive):
                return
            time.sleep(_POLL_S)


def attach(name: str) -> None:
    """Connect this terminal with the host's console until Ctrl-].

    Raises UsageError without a terminal or for a host whose console cannot be typed at.
    """
    room, host = _open_room(name)
    if not room.console_socket.exists():
        raise UsageError(f"The console of {name} can only be read: leave out --attach.")
    if not sys.stdin.isatty():
        raise UsageError("--attach needs a terminal: leave it out to read the console's log.")
    folder = os.open(room.folder, os.O_PATH | os.O_DIRECTORY)
    before = termios.tcgetattr(0)
    with machine(host.architecture).emulator.awake(host, room), socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(f"/proc/self/fd/{folder}/{room.console_socket.name}")
            tty.setraw(0)
            _relay(s)
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
            os.close(folder)


def _relay(console: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([0, console.fileno()], [], [])
        if console.fileno() in ready:
            said = console.recv(_CHUNK)
            if not said:
                return
            os.write(1, said)
        if 0 in ready:
            typed = os.read(0, _CHUNK)
            if not typed or _DETACH in typed:
                return
            console.sendall(typed)
