"""What an emulator must do for the lab; QEMU and Hercules are one module each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.emulation import proxy
from lab.emulation.process import MARK

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab.emulation.boot import Boot, RootDevice
    from lab.emulation.host import Clock, Host
    from lab.emulation.process import Process
    from lab.emulation.room import Room


@dataclass(frozen=True, slots=True)
class Address:
    """Where SSH of a host is reached, and through which command if not directly."""

    host: str
    port: int
    proxy: tuple[str, ...] = ()


def proxy_command(room: Room, *words: str) -> tuple[str, ...]:
    """Return the command of a proxy that `down` finds, wherever its connection came from."""
    return ("env", f"{MARK}={room.folder}", sys.executable, proxy.__file__, *words)


class Snapshots(Protocol):
    """Keeping a running host in files, to go on from there any number of times."""

    def identity(self, host: Host, boot: Boot) -> dict[str, object]:
        """Return all that a host's state depends on: with another, it cannot be resumed."""

    def save(self, room: Room, into: Path) -> None:
        """Write the host's state into the folder `into`; it runs or is paused as before."""


class Emulator(Protocol):
    @property
    def programs(self) -> tuple[str, ...]:
        """What must be installed."""

    @property
    def clocks(self) -> frozenset[Clock]:
        """The clock classes it can give."""

    @property
    def takes_port(self) -> bool:
        """Whether SSH is reached by a port on the loopback address."""

    @property
    def root(self) -> RootDevice: ...

    def snapshots(self, host: Host) -> Snapshots | None:
        """How to take snapshots of `host`, or None where they cannot be relied on."""

    def reboots(self, host: Host) -> bool:
        """Whether `host` comes back when it reboots."""

    def prepare(self, host: Host, boot: Boot, room: Room) -> None:
        """Lay out the host's own files in its room: a disk over the image, configuration."""

    def start(self, host: Host, boot: Boot, room: Room) -> Process:
        """Start it in the background and return at once."""

    def address(self, host: Host, room: Room) -> Address: ...

    def paused(self, room: Room) -> bool: ...

    def awake(self, host: Host, room: Room) -> AbstractContextManager[None]:
        """Keep the host running while the context lasts; it may be paused when idle."""
