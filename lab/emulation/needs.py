"""Say in advance whether hosts can be built and started here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.emulation.commands import require, require_root
from lab.emulation.machine import machine
from lab.errors import NothingToRunError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.emulation.host import Host

BUILD_PROGRAMS = ("mmdebstrap", "arch-test", "dpkg-deb", "apt-get", "mkfs.ext4", "depmod")


def lacking(hosts: Iterable[Host]) -> str | None:
    """Return the sentence that says why `hosts` cannot be had here, or None when they can."""
    needed = dict.fromkeys([*BUILD_PROGRAMS, "ssh", "ssh-keygen"])
    for host in hosts:
        its = machine(host.architecture)
        needed |= dict.fromkeys(its.emulator.programs)
        if not its.native:
            needed[its.user_emulator] = None
    try:
        require_root("Starting emulated hosts")
        require(needed, "The emulated fleet")
    except NothingToRunError as error:
        return str(error)
    return None
