"""What an architecture forces to differ about an emulated host: one module, one MACHINE each.

A further architecture is a further module in this folder; nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
import platform
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from lab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.emulation.emulator import Emulator


@dataclass(frozen=True, slots=True)
class Elf:
    """How binfmt_misc tells a program of this architecture, all of them 64 bit: `elf.h`."""

    machine: int
    big_endian: bool = False

    def registration(self, name: str, interpreter: str) -> str:
        """Return the line for binfmt_misc (Documentation/admin-guide/binfmt-misc.rst).

        O: open the program for the interpreter; C: take its credentials, so setuid works;
        F: open the interpreter now, so that it is found inside a chroot.
        """
        order: Literal["big", "little"] = "big" if self.big_endian else "little"
        # The ABI byte may say SYSV or GNU, and the type executable or shared object.
        ident = b"\x7fELF" + bytes([2, 2 if self.big_endian else 1, 1, 0]) + bytes(8)
        magic = ident + (2).to_bytes(2, order) + self.machine.to_bytes(2, order)
        mask = b"\xff" * 7 + b"\0" + b"\xff" * 8 + (0xFFFE).to_bytes(2, order) + b"\xff\xff"
        escaped = ("".join(f"\\x{byte:02x}" for byte in text) for text in (magic, mask))
        return f":{name}:M::{':'.join(escaped)}:{interpreter}:OCF"


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture as an emulated KVM host."""

    architecture: str
    """The lab's name, as in fleet.toml."""
    debian: str
    """Debian's name."""
    uname: str
    elf: Elf
    user_emulator: str
    """The static qemu-user that runs its programs while a root file system is made."""
    suite: str
    """Debian suite of the userland unless fleet.toml says otherwise."""
    kernel_package: str
    kernel_suite: str
    emulator: Emulator
    kvm_modules: tuple[str, ...] = ()
    """Tried in this order until one loads; none where KVM is built in."""
    flavours: Mapping[str, str] = field(default_factory=dict)
    """KVM flavour -> shell test on the host; the first that holds is it."""
    kernel_arguments: tuple[str, ...] = ()
    kvm_ioctls: int = 0xAE00
    """KVMIO shifted, with the direction `none` as this architecture's asm/ioctl.h writes it."""
    user_cpu: str | None = None
    """CPU that qemu-user is to be, where its default is slow."""

    @property
    def native(self) -> bool:
        """Whether this machine runs its programs without help."""
        return platform.machine() == self.uname


@cache
def architectures() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def machine(architecture: str) -> Machine:
    """Return the machine of `architecture`. Raises UsageError for one that has no module."""
    if architecture not in architectures():
        raise UsageError(
            f"No emulated host of architecture {architecture!r} is known:"
            f" use one of {', '.join(architectures())}."
        )
    found: Machine = importlib.import_module(f"{__name__}.{architecture}").MACHINE
    return found
