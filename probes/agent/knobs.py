"""Knobs: available, show, write. A knob's scope says when a write acts.

`host` knobs are module parameters: written before a trial, read back, restored at the end of the
run. `vm` knobs are given to the VMM, which sets them on its own VM: there is nothing to restore.
`guest` knobs are parameters of a Linux guest's kernel, given as it boots, and gone with it.
"""

from __future__ import annotations

import fcntl
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import arch, kvm
from agent.errors import UnsupportedError
from agent.files import read_json
from agent.settings import Number

CATALOG = Path(__file__).resolve().parent.parent / "catalog.json"

# include/uapi/linux/kvm.h: _IO(KVMIO, 0x03)
KVM_CHECK_EXTENSION = 0xAE03
KVM_CAP_HALT_POLL = 182


@dataclass(frozen=True)
class Availability:
    """Whether a knob can be turned here: ok, inert (there, cannot be set) or missing."""

    status: str
    reason: str | None = None
    source: str | None = None


OK = Availability("ok")


class Knob(ABC):
    scope: str

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def available(self) -> Availability: ...

    @abstractmethod
    def show(self) -> int | None:
        """Return the value in force, or None where the kernel does not tell."""

    def can_be(self, value: int) -> Availability:
        """Say whether a trial can run with this knob at `value`.

        A read-only parameter that already has the value is as good as a writable one.
        """
        availability = self.available()
        if availability.status == "inert" and self.show() == value:
            return OK
        return availability


class ModuleParameter(Number, Knob):
    scope = "host"

    def available(self) -> Availability:
        if not self.path.exists():
            return Availability("missing", f"{self.path} does not exist on this kernel")
        # Root passes access(2) on a 0444 sysfs file and then fails to write it.
        if not self.path.stat().st_mode & 0o222:
            return Availability(
                "inert", f"{self.path} is read-only on this kernel (now {self.show()})"
            )
        if not os.access(self.path, os.W_OK):
            return Availability("inert", f"{self.path} can be written by root only")
        return OK


class VmCapability(Knob):
    scope = "vm"

    def available(self) -> Availability:
        architecture = arch.of()
        request = KVM_CHECK_EXTENSION | (architecture.IOC_NONE if architecture else 0)
        try:
            with kvm.device() as device:
                if fcntl.ioctl(device, request, KVM_CAP_HALT_POLL) > 0:
                    return OK
        except UnsupportedError as error:
            return Availability("missing", str(error))
        return Availability(
            "missing", "this kernel has no KVM_CAP_HALT_POLL (Linux 5.11 and later)"
        )

    def show(self) -> int | None:
        return None


class GuestParameter(Knob):
    """A parameter that a Linux guest is booted with; another guest has none."""

    scope = "guest"

    def available(self) -> Availability:
        return OK

    def show(self) -> int | None:
        return None


def inert(name: str) -> str | None:
    """Return why the knob can be turned on this host's architecture and does nothing, or None."""
    architecture = arch.of()
    finding = architecture.inert(name) if architecture else None
    return finding.reason if finding else None


def applicability(knob: Knob) -> Availability:
    """Say whether the knob can be set here, and whether that does anything."""
    availability = knob.available()
    architecture = arch.of()
    if availability.status == "ok" and architecture and (found := architecture.inert(knob.name)):
        return Availability("inert", found.reason, found.source)
    return availability


def verdict(knob: Knob) -> dict[str, Any]:
    """Return what to know of a knob before a sweep, as results/FORMAT.md lists it."""
    availability, architecture = applicability(knob), arch.of()
    found = architecture.cautions(knob.name) if architecture and availability.status == "ok" else []
    return {
        "knob": knob.name,
        "scope": knob.scope,
        "status": availability.status,
        "reason": availability.reason,
        "source": availability.source,
        "value": knob.show(),
        "writable": knob.available().status == "ok",
        "cautions": [{"reason": each.reason, "source": each.source} for each in found],
    }


# Those that are not files of the host's.
SCOPES: dict[str, type[Knob]] = {each.scope: each for each in (VmCapability, GuestParameter)}


def catalog(sysfs: Path) -> dict[str, Knob]:
    """Return every knob of the catalog; `sysfs` is where /sys is (tests have their own)."""
    knobs: dict[str, Knob] = {}
    for name, entry in read_json(CATALOG)["knobs"].items():
        if entry["scope"] in SCOPES:
            knobs[name] = SCOPES[entry["scope"]](name)
        else:
            knobs[name] = ModuleParameter(
                name, sysfs / Path(entry["mechanism"]).relative_to("/sys")
            )
    return knobs
