"""Hosts under QEMU's own translator (TCG): no KVM of this machine is used."""

from __future__ import annotations

import socket
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.emulation import proxy
from lab.emulation.commands import run
from lab.emulation.emulator import Address, RootDevice, proxy_command
from lab.emulation.emulator.qmp import qmp
from lab.emulation.host import Clock
from lab.emulation.launch import last_words, launch
from lab.errors import FleetError

if TYPE_CHECKING:
    from lab.emulation.host import Host
    from lab.emulation.image import Image
    from lab.emulation.process import Process
    from lab.emulation.room import Room

LOOPBACK = "127.0.0.1"
# QEMU's user network (docs/system/devices/net.rst): this guest, that gateway.
_GUEST, _GATEWAY = "10.0.2.15/24", "10.0.2.2"
TRANSLATION_CACHE_MIB = 256
START_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Board:
    """What is an architecture's own on QEMU's command line."""

    program: str
    machine: str
    cpu: str
    console: str


def accelerator(clock: Clock) -> list[str]:
    match clock:
        case Clock.EMULATED:
            return ["-accel", f"tcg,thread=multi,tb-size={TRANSLATION_CACHE_MIB}"]
        case Clock.ICOUNT:
            # shift=0: an instruction is a nanosecond; sleep=off: idle time is skipped, not slept.
            return [
                *("-accel", f"tcg,thread=single,tb-size={TRANSLATION_CACHE_MIB}"),
                *("-icount", "shift=0,sleep=off,align=off"),
            ]


@dataclass(frozen=True, slots=True)
class Qemu:
    board: Board

    @property
    def programs(self) -> tuple[str, ...]:
        return (self.board.program, "qemu-img")

    @property
    def clocks(self) -> frozenset[Clock]:
        return frozenset(Clock)

    @property
    def takes_port(self) -> bool:
        return True

    @property
    def root(self) -> RootDevice:
        return RootDevice(
            modules=("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng"),
            commands=(
                "ip link set lo up",
                f"ip addr add {_GUEST} dev eth0",
                "ip link set eth0 up",
                f"ip route add default via {_GATEWAY}",
            ),
            device="/dev/vda",
        )

    def command(self, host: Host, image: Image, arguments: tuple[str, ...]) -> list[str]:
        """Return QEMU's command line; paths of the host's own are relative to its room."""
        words = [
            *(f"console={self.board.console}", "quiet", "loglevel=3", "mitigations=off"),
            # panic=-1: a crash ends the emulator, so that it is noticed at once.
            *("net.ifnames=0", "panic=-1", f"systemd.hostname={host.name}", *arguments),
        ]
        return [
            self.board.program,
            *("-name", host.name, "-no-user-config", "-nodefaults", "-no-reboot"),
            *("-display", "none"),
            *("-machine", self.board.machine, "-cpu", self.board.cpu),
            *accelerator(host.clock),
            *("-smp", str(host.cpus), "-m", str(host.memory_mib)),
            *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
            *("-append", " ".join(words)),
            # Nothing on the disk outlives the host: no write needs to reach the machine's disk.
            *("-drive", "file=disk.img,if=none,id=root,format=qcow2,cache=unsafe,discard=unmap"),
            *("-device", "virtio-blk-pci,drive=root"),
            # restrict: the host is reached from here, and reaches nothing.
            *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:{LOOPBACK}:{host.port}-:22"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci"),
            "-chardev",
            "socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log",
            *("-serial", "chardev:console"),
            *("-qmp", "unix:qmp.sock,server=on,wait=off"),
        ]

    def prepare(self, host: Host, image: Image, room: Room, arguments: tuple[str, ...]) -> None:
        del arguments
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, host.port or 0))
            except OSError as error:
                raise FleetError(
                    f"Port {host.port} of {LOOPBACK}, for {host.name}, is taken by another program:"
                    f" end that, or give hosts.{host.name} another port in the fleet file."
                ) from error
        run(
            [
                *("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"),
                *("-b", str(image.disk), str(room.disk)),
            ],
            what=f"Making the disk of {host.name}",
            log=room.emulator_log,
        )

    def start(self, host: Host, image: Image, room: Room, arguments: tuple[str, ...]) -> Process:
        process = launch(self.command(host, image, arguments), room)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not room.control_socket.exists():
            if not process.alive:
                raise FleetError(f"{host.name} did not start: {last_words(room.emulator_log)}")
            if time.monotonic() > deadline:
                raise FleetError(f"QEMU of {host.name} opened no control socket: run it again.")
            time.sleep(0.02)
        return process

    def address(self, host: Host, room: Room) -> Address:
        port = host.port or 0
        if host.clock is not Clock.ICOUNT:
            return Address(LOOPBACK, port)
        # An idle icount host spins, so it runs only while a connection is open.
        wake = proxy_command(room, "awake", str(room.folder), LOOPBACK, str(port))
        return Address(LOOPBACK, port, wake)

    def paused(self, room: Room) -> bool:
        with qmp(room.control_socket) as control:
            return not control.execute("query-status")["running"]

    def awake(self, host: Host, room: Room) -> AbstractContextManager[None]:
        return proxy.awake(room.folder) if host.clock is Clock.ICOUNT else nullcontext()
