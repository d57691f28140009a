"""Hosts go on from a snapshot of their first boot instead of booting again.

A snapshot is taken once of a host that has shown that its KVM works, and is found by all that its
state depends on. Each `up` from it has a disk of its own over the snapshot's: a known state, and
more so than a boot. Hosts resumed from one snapshot share what a boot makes anew: their boot id,
and the random numbers their kernels start with. For hosts that only the lab's user reaches that is
fine, and their SSH keys are the lab's in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.emulation.cache import discard, find, obtain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.emulation.boot import Boot
    from lab.emulation.emulator import Snapshots
    from lab.emulation.host import Host
    from lab.emulation.room import Room

KIND = "snapshot"
FORMAT = 1
# Run on a resumed host: its own clock stood still, the one on its board did not.
SET_CLOCK = "date -s @$(cat /sys/class/rtc/rtc0/since_epoch)\n"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The snapshot of one host, whether it was taken yet or not."""

    how: Snapshots
    recipe: Mapping[str, object]

    @classmethod
    def of(cls, how: Snapshots, host: Host, boot: Boot) -> Snapshot:
        # An image that was built afresh has its old name, and another disk below the snapshot's.
        built = boot.image.disk.stat().st_mtime_ns
        return cls(how, {"format": FORMAT, "built": built, **how.identity(host, boot)})

    def find(self) -> Path | None:
        return find(KIND, self.recipe)

    def take(self, room: Room) -> None:
        """Save the host in `room`. Raises FleetError when its emulator cannot."""

        def save(into: Path, log: Path) -> None:
            del log  # QEMU has said it in its own log
            self.how.save(room, into)

        obtain(KIND, self.recipe, save)

    def discard(self) -> None:
        discard(KIND, self.recipe)
