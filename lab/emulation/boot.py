"""What an emulator is given to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
class Image:
    """What an emulator boots. All three files are shared by hosts and never written to."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "kernel"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def disk(self) -> Path:
        """A raw, sparse ext4 file system without a partition table."""
        return self.folder / "disk.img"


@dataclass(frozen=True, slots=True)
class Boot:
    """An image with its kernel's arguments, and the snapshot to go on from instead, if any."""

    image: Image
    arguments: tuple[str, ...] = ()
    snapshot: Path | None = None
