"""What only an architecture can tell about its host. One module each; adding one is adding a file.

The common code asks `of(machine)` and never looks at the name itself.
"""

from __future__ import annotations

import importlib
import platform
import re
from dataclasses import dataclass
from typing import Protocol, cast

from agent.printfmt import Symbols
from agent.tracepoint import Event


@dataclass(frozen=True)
class Function:
    """A kernel function worth timing.

    `names` are those it has had, newest first. `boundary` says where KVM calls it: at each `entry`,
    at `vcpu load` (and put), around `KVM_RUN`, or at the guest's `first use`. `blind` says why one
    that can be attached to may never fire.
    """

    names: tuple[str, ...]
    role: str
    boundary: str | None
    source: str
    blind: str | None = None


@dataclass(frozen=True)
class Finding:
    """Something found out about a knob on this host, and where the kernel says so."""

    reason: str
    source: str


NO_HALTPOLL = Finding(
    "Linux has the idle driver haltpoll for guests of x86 alone",
    "drivers/cpuidle/Kconfig, HALTPOLL_CPUIDLE depends on X86",
)


@dataclass(frozen=True)
class Emulator:
    """How QEMU runs a Linux guest here: its program, the machine, the guest's console and card.

    `boots_disks` says whether QEMU brings a firmware that finds a kernel on a disk.
    """

    program: str
    options: tuple[str, ...]
    console: str
    card: str = "virtio-net-pci,romfile="
    boots_disks: bool = True


class Architecture(Protocol):
    """The questions every architecture's module answers."""

    # The direction bits of an ioctl number, without an argument and with one that the kernel reads:
    # `_IO` and `_IOW` of asm/ioctl.h.
    IOC_NONE: int
    IOC_WRITE: int
    # Where KVM switches vector registers here, and the tracepoint of it with its field, if any.
    FUNCTIONS: tuple[Function, ...]
    FPU_TRACEPOINT: Event | None

    # Tracepoints of its own for phases, the one of guest entry first (bpf/arch/<machine>.h), and
    # those that tell a halt where the common ones do not.
    EVENTS: tuple[Event, ...]
    HALT_EVENTS: tuple[Event, ...]

    # Which common class an exit belongs to: the first pattern found in its native name decides.
    EXIT_CLASSES: tuple[tuple[re.Pattern[str], str], ...]

    # Phases and exit classes that no kernel of this architecture shows, and why.
    NOT_VISIBLE: dict[str, str]

    EMULATOR: Emulator

    def exit_name(self, code: int, tables: dict[str, list[Symbols]]) -> str:
        """Return the native name of an exit's `code`, by what the tracepoints' print fmt say."""

    def flavour(self) -> str | None:
        """Return the KVM flavour in use, as the design names them, or None when there is no KVM."""

    def hypervisor(self) -> str | None:
        """Return what this host itself runs under, or None for bare metal."""

    def clock_class(self) -> tuple[str, str]:
        """Return the clock class (hardware, nested, emulated) and what it was seen by."""

    def inert(self, knob: str) -> Finding | None:
        """Return why `knob` can be turned on this host and does nothing, or None."""

    def cautions(self, knob: str) -> list[Finding]:
        """Return what else on this host decides in the place of `knob`, or now and then does."""

    def microcode(self) -> str | None:
        """Return the microcode or firmware revision, or None where there is none to read."""


def of(machine: str | None = None) -> Architecture | None:
    """Return the module of `machine` (as uname -m says it), or None when it has none yet."""
    name = f"agent.arch.{machine or platform.machine()}"
    try:
        return cast("Architecture", importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise


def classes(**patterns: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return EXIT_CLASSES: a pattern of native names for each class."""
    return tuple((re.compile(pattern), name) for name, pattern in patterns.items())
