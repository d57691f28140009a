"""Hosts under Hercules, a System/370 to z/Architecture emulator that has SIE.

The host and the emulator talk through a channel-to-channel adapter over a tun device, which
exists only in a network namespace of the emulator's own: the addresses below clash with nothing.
"""

from __future__ import annotations

import os
import shutil
import struct
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.emulation import netns
from lab.emulation.boot import RootDevice
from lab.emulation.commands import run
from lab.emulation.emulator import Address, proxy_command
from lab.emulation.host import Clock
from lab.emulation.launch import launch
from lab.errors import FleetError

if TYPE_CHECKING:
    from lab.emulation.boot import Boot
    from lab.emulation.host import Host
    from lab.emulation.process import Process
    from lab.emulation.room import Room

_GUEST, _GATEWAY = "10.77.0.2", "10.77.0.1"
_DISK, _CTC_READ, _CTC_WRITE = "0120", "0e20", "0e21"
# Where Linux looks for its initramfs and command line: arch/s390/include/asm/setup.h.
_INITRD_AT = 0x02000000
_INITRD_POINTER_AT = 0x00010408
_COMMAND_LINE_AT = 0x00010480
_COMMAND_LINE_MAX = 895


@dataclass(frozen=True, slots=True)
class Hercules:
    model: str
    """IBM machine type: 2097 is a z10."""

    @property
    def programs(self) -> tuple[str, ...]:
        return ("hercules",)

    @property
    def clocks(self) -> frozenset[Clock]:
        return frozenset({Clock.EMULATED})

    @property
    def takes_port(self) -> bool:
        return False

    @property
    def root(self) -> RootDevice:
        pair = f"0.0.{_CTC_READ},0.0.{_CTC_WRITE}"
        return RootDevice(
            modules=("dasd_fba_mod", "ccwgroup", "fsm", "ctcm"),
            commands=(
                f"echo 1 > /sys/bus/ccw/devices/0.0.{_DISK}/online",
                f"echo {pair} > /sys/bus/ccwgroup/drivers/ctcm/group",
                f"echo 1 > /sys/bus/ccwgroup/devices/0.0.{_CTC_READ}/online",
                "ip link set lo up",
                "tries=0",
                "while ! ls /sys/class/net | grep -qE 'ctc|slc' && [ $tries -lt 100 ]; do",
                "    sleep 0.1; tries=$((tries + 1))",
                "done",
                "link=$(ls /sys/class/net | grep -E 'ctc|slc' | head -n 1)",
                f"ip addr add {_GUEST} peer {_GATEWAY} dev $link",
                "ip link set $link mtu 1500 up",
                f"ip route add default via {_GATEWAY}",
            ),
            device="/dev/dasda",
            signed=False,
        )

    def snapshots(self, host: Host) -> None:
        """None: Hercules resuming a host has not been seen to work."""

    def reboots(self, host: Host) -> bool:  # noqa: ARG002
        """Return no: Hercules rebooting a host has not been seen to work."""
        return False

    def configuration(self, host: Host) -> str:
        return "\n".join(
            [
                "CPUSERIAL 002623",
                f"CPUMODEL {self.model}",
                f"MAINSIZE {host.memory_mib}",
                "XPNDSIZE 0",
                # For 3270 terminals, in the private namespace: nobody can reach it.
                "CNSLPORT 13270",
                f"NUMCPU {host.cpus}",
                "LOADPARM ........",
                "ARCHMODE z/Arch",
                "PANRATE SLOW",
                "OSTAILOR LINUX",
                "PGMPRDOS RESTRICTED",
                "DIAG8CMD DISABLE",
                "0009 3215-C",
                f"{_DISK} 9336 disk.img",
                f"{_CTC_READ.upper()}.2 CTCI -n /dev/net/tun -t 1500 {_GUEST} {_GATEWAY}",
                "",
            ]
        )

    def prepare(self, host: Host, boot: Boot, room: Room) -> None:
        image = boot.image
        words = [
            *("console=ttyS0", "condev=0x0009", "conmode=3215", "quiet", "loglevel=3"),
            *("net.ifnames=0", f"systemd.hostname={host.name}", *boot.arguments),
        ]
        line = " ".join(words)
        if len(line) > _COMMAND_LINE_MAX:
            raise FleetError(
                f"The kernel command line of {host.name} has {len(line)} characters, and"
                f" {_COMMAND_LINE_MAX} fit: shorten it."
            )
        folder = room.folder
        # Hercules has no overlay for a raw disk: a sparse copy keeps the image clean.
        run(
            ["cp", "--reflink=auto", "--sparse=auto", str(image.disk), str(room.disk)],
            what=f"Making the disk of {host.name}",
            log=room.emulator_log,
        )
        shutil.copy(image.kernel, folder / "kernel")
        shutil.copy(image.initrd, folder / "initrd")
        size = image.initrd.stat().st_size
        (folder / "pointer").write_bytes(struct.pack(">QQ", _INITRD_AT, size))
        (folder / "parameters").write_bytes(line.encode("ascii") + b"\0")
        (folder / "linux.ins").write_text(
            "* linux\n"
            "kernel 0x00000000\n"
            f"initrd 0x{_INITRD_AT:08x}\n"
            f"pointer 0x{_INITRD_POINTER_AT:08x}\n"
            f"parameters 0x{_COMMAND_LINE_AT:08x}\n"
        )
        (folder / "hercules.cnf").write_text(self.configuration(host))
        (folder / "hercules.rc").write_text("ipl linux.ins\n")
        os.mkfifo(folder / "commands")

    def start(self, host: Host, boot: Boot, room: Room) -> Process:
        del host, boot  # all of it is in the room's files
        # Hercules ends when its command input does; opened both ways, a pipe never ends.
        commands = os.open(room.folder / "commands", os.O_RDWR)
        try:
            return launch(
                [
                    *(sys.executable, netns.__file__, "env", "HERCULES_RC=hercules.rc"),
                    *("hercules", "-d", "-f", "hercules.cnf"),
                ],
                room,
                stdin=commands,
                log=room.console_log,
            )
        finally:
            os.close(commands)

    def address(self, host: Host, room: Room) -> Address:
        del host
        within = proxy_command(room, "within", str(room.pid_file), _GUEST, "22")
        return Address(_GUEST, 22, within)

    def paused(self, room: Room) -> bool:
        del room
        return False

    def awake(self, host: Host, room: Room) -> AbstractContextManager[None]:
        del host, room
        return nullcontext()
