"""What an emulator must do for the lab; QEMU and Hercules are one module each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.emulation import proxy
from lab.emulation.process import MARK

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from lab.emulation.host import Clock, Host
    from lab.emulation.image import Image
    from lab.emulation.process import Process
    from lab.emulation.room import Room


@dataclass(frozen=True, slots=True)
class RootDevice:
    """How the initramfs of a host finds its root file system and its network."""

    modules: tuple[str, ...]
    """Kernel modules, loaded with what they depend on; one that is built in is skipped."""
    commands: tuple[str, ...]
    """Shell lines for busybox, run once the modules are in."""
    device: str
    signed: bool = True
    """Whether modules keep their signatures; checking one costs a slow emulator seconds."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where SSH of a host is reached, and through which command if not directly."""

    host: str
    port: int
    proxy: tuple[str, ...] = ()


def proxy_command(room: Room, *words: str) -> tuple[str, ...]:
    """Return the command of a proxy that `down` finds, wherever its connection came from."""
    return ("env", f"{MARK}={room.folder}", sys.executable, proxy.__file__, *words)


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

    def prepare(self, host: Host, image: Image, room: Room, arguments: tuple[str, ...]) -> None:
        """Lay out the host's own files in its room: a disk over the image, configuration."""

    def start(self, host: Host, image: Image, room: Room, arguments: tuple[str, ...]) -> Process:
        """Start it in the background and return at once."""

    def address(self, host: Host, room: Room) -> Address: ...

    def paused(self, room: Room) -> bool: ...

    def awake(self, host: Host, room: Room) -> AbstractContextManager[None]:
        """Keep the host running while the context lasts; it may be paused when idle."""
