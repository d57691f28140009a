"""Hosts under QEMU's own translator (TCG): no KVM of this machine is used."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.emulation import proxy
from lab.emulation.boot import RootDevice
from lab.emulation.commands import run
from lab.emulation.emulator import Address, proxy_command
from lab.emulation.emulator.qmp import qmp
from lab.emulation.host import Clock
from lab.emulation.launch import last_words, launch
from lab.errors import FleetError

if TYPE_CHECKING:
    from pathlib import Path

    from lab.emulation.boot import Boot
    from lab.emulation.host import Host
    from lab.emulation.process import Process
    from lab.emulation.room import Room

_DISK, _STATE = "disk.img", "state"
LOOPBACK = "127.0.0.1"
# QEMU's user network (docs/system/devices/net.rst): this guest, that gateway.
_GUEST, _GATEWAY = "10.0.2.15/24", "10.0.2.2"
TRANSLATION_CACHE_MIB = 256
START_TIMEOUT_S = 30.0
SAVE_TIMEOUT_S = LOAD_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Board:
    """What is an architecture's own on QEMU's command line."""

    program: str
    machine: str
    cpu: str
    console: str
    resumes: bool = False
    """Whether a host can be relied on to go on from a snapshot, with KVM inside."""
    threads: str = "multi"
    """TCG's `thread=`: whether each vCPU has a thread of its own or all take turns in one."""
    reboots: bool = False
    """Whether a host was seen to come back from a reboot, with KVM inside."""


def accelerator(clock: Clock, threads: str) -> list[str]:
    match clock:
        case Clock.EMULATED:
            return ["-accel", f"tcg,thread={threads},tb-size={TRANSLATION_CACHE_MIB}"]
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

    def snapshots(self, host: Host) -> Qemu | None:
        # Resumed with icount, a host that idles once stays idle: QEMU 7.2 moves its clock no more.
        return self if self.board.resumes and host.clock is Clock.EMULATED else None

    def reboots(self, host: Host) -> bool:
        return self.board.reboots and host.clock is Clock.EMULATED

    def command(self, host: Host, boot: Boot) -> list[str]:
        """Return QEMU's command line; paths of the host's own are relative to its room."""
        words = [
            *(f"console={self.board.console}", "quiet", "loglevel=3", "mitigations=off"),
            # panic=-1: a crash reboots at once, which shows as another boot, or, where the host
            # cannot reboot, ends the emulator.
            *("net.ifnames=0", "panic=-1", f"systemd.hostname={host.name}", *boot.arguments),
        ]
        return [
            self.board.program,
            *("-name", host.name, "-no-user-config", "-nodefaults"),
            *(() if self.reboots(host) else ("-no-reboot",)),
            *("-display", "none"),
            *("-machine", self.board.machine, "-cpu", self.board.cpu),
            *accelerator(host.clock, self.board.threads),
            *("-smp", str(host.cpus), "-m", str(host.memory_mib)),
            *("-kernel", str(boot.image.kernel), "-initrd", str(boot.image.initrd)),
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
            *(("-incoming", f"exec:cat {_state(boot.snapshot)}") if boot.snapshot else ()),
        ]

    def prepare(self, host: Host, boot: Boot, room: Room) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, host.port or 0))
            except OSError as error:
                raise FleetError(
                    f"Port {host.port} of {LOOPBACK}, for {host.name}, is taken by another program:"
                    f" end that, or give hosts.{host.name} another port in the fleet file."
                ) from error
        snapshot = boot.snapshot
        below = (
            ("-F", "qcow2", "-b", str(snapshot / _DISK))
            if snapshot
            else ("-F", "raw", "-b", str(boot.image.disk))
        )
        run(
            ["qemu-img", "create", "-q", "-f", "qcow2", *below, str(room.disk)],
            what=f"Making the disk of {host.name}",
            log=room.emulator_log,
        )

    def start(self, host: Host, boot: Boot, room: Room) -> Process:
        process = launch(self.command(host, boot), room)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not room.control_socket.exists():
            if not process.alive:
                raise FleetError(f"{host.name} did not start: {last_words(room.emulator_log)}")
            if time.monotonic() > deadline:
                raise FleetError(f"QEMU of {host.name} opened no control socket: run it again.")
            time.sleep(0.02)
        if boot.snapshot:
            self._go_on(host, room)
        return process

    def _go_on(self, host: Host, room: Room) -> None:
        """Let the host run once its state is read: it was saved while it was stopped."""
        deadline = time.monotonic() + LOAD_TIMEOUT_S
        with qmp(room.control_socket) as control:
            while control.execute("query-status")["status"] == "inmigrate":
                if time.monotonic() > deadline:
                    raise FleetError(f"QEMU did not read the state of {host.name} in time.")
                time.sleep(0.05)
            control.execute("cont")

    def identity(self, host: Host, boot: Boot) -> dict[str, object]:
        version = subprocess.run(
            [self.board.program, "--version"], capture_output=True, text=True, check=True
        )
        # The port is this machine's side of the network alone.
        command = self.command(replace(host, port=0), replace(boot, snapshot=None))
        return {"emulator": version.stdout.splitlines()[0], "command": command}

    def save(self, room: Room, into: Path) -> None:
        with qmp(room.control_socket) as control:
            running = control.execute("query-status")["running"]
            control.execute("stop")
            try:
                control.execute("migrate", uri=f"exec:cat > {_state(into)}")
                deadline = time.monotonic() + SAVE_TIMEOUT_S
                while (told := control.execute("query-migrate"))["status"] != "completed":
                    if told["status"] == "failed" or time.monotonic() > deadline:
                        raise FleetError(f"QEMU's migration to a file is {told['status']}")
                    time.sleep(0.1)
                # Its end has the disk written out, and nothing writes until the host goes on.
                shutil.copy(room.disk, into / _DISK)
            finally:
                if running:
                    control.execute("cont")

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


def _state(snapshot: Path) -> str:
    return shlex.quote(str(snapshot / _STATE))
