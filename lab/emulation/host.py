"""A host to emulate, as the rest of the lab sees it once fleet.toml was checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Clock(StrEnum):
    """Clock classes an emulated host can have."""

    EMULATED = "emulated"
    ICOUNT = "icount"


@dataclass(frozen=True, slots=True)
class Kernel:
    """Which kernel a host boots: a Debian package, .deb files, or a tree."""

    package: str = ""
    suite: str = ""
    version: str = ""
    debs: tuple[Path, ...] = ()
    tree: Path | None = None


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    architecture: str
    clock: Clock
    suite: str
    kernel: Kernel
    cpus: int
    memory_mib: int
    port: int | None
    boot_timeout_s: int
    packages: tuple[str, ...] = ()
    """Beside those of packages.toml."""


def group(host: Host) -> str:
    """Return the inventory group of a host, by its clock class: those are never pooled."""
    return {Clock.EMULATED: "emu", Clock.ICOUNT: "icount"}[host.clock]
