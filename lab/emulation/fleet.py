"""Build hosts, bring them up, take them down: several at once, none in another's way."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.emulation import ssh
from lab.emulation.boot import Boot
from lab.emulation.build import Builder
from lab.emulation.cache import prune
from lab.emulation.commands import require, require_root
from lab.emulation.events import Failed, Listener, Reporter, Stage, nobody
from lab.emulation.inventory import write_inventory
from lab.emulation.keys import lab_keys
from lab.emulation.kvm import look
from lab.emulation.launch import last_words
from lab.emulation.machine import machine
from lab.emulation.room import Room, rooms
from lab.emulation.snapshot import KIND as SNAPSHOTS
from lab.emulation.snapshot import SET_CLOCK, Snapshot
from lab.errors import FleetError, LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lab.emulation.boot import Image
    from lab.emulation.host import Host

# Package scripts of a foreign architecture run translated, one core each.
BUILDERS = 2
# An emulator takes memory beyond its host's: translated code, devices.
OVERHEAD_MIB = 400
LEAST_FREE_MIB = 2048
KEPT_DAYS = 30
RESUME_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one host fared, with seconds per stage."""

    host: Host
    error: LabError | None
    seconds: dict[Stage, float] = field(default_factory=dict)


def build(
    hosts: Sequence[Host], listener: Listener = nobody, *, fresh: bool = False
) -> list[Outcome]:
    """Make the images of `hosts`; what one lacks does not stop the others.

    What no host asked for in KEPT_DAYS is removed from the cache.
    """
    builder = Builder(fresh)

    def work(host: Host, report: Reporter) -> None:
        builder.image(host, report)

    outcomes = _each(hosts, work, listener, BUILDERS)
    for kind in (SNAPSHOTS, "image", "kernel", "rootfs"):
        prune(kind, KEPT_DAYS)
    return outcomes


def up(hosts: Sequence[Host], listener: Listener = nobody) -> list[Outcome]:
    """Build what is missing, start `hosts` in parallel, see that KVM works, write the inventory.

    A host that is up stays as it is. Leftovers of a killed run are cleared first.
    Raises NothingToRunError without root and FleetError without memory for all; what fails on one
    host is in its outcome.
    """
    require_root("Starting emulated hosts")
    _check_memory(hosts)
    builder, slots = Builder(), threading.Semaphore(BUILDERS)
    cancelled = threading.Event()

    def work(host: Host, report: Reporter) -> None:
        room = Room(host.name)
        with room.lock():
            if room.ready:
                return
            room.clear()
            programs = machine(host.architecture).emulator.programs
            require([*programs, "ssh"], f"Starting {host.name}")
            with slots:
                image = builder.image(host, report)
            _bring_up(host, image, room, report, cancelled)

    try:
        return _each(hosts, work, listener, len(hosts), cancelled)
    finally:
        write_inventory(lab_keys())


def down(names: Iterable[str]) -> list[str]:
    """Stop the hosts `names` and all that was left of them; return those there was any of."""
    cleared = []
    for name in names:
        room = Room(name)
        with room.lock():
            if room.clear():
                cleared.append(name)
    write_inventory(lab_keys())
    return cleared


def known() -> list[str]:
    """Return names of hosts that have anything here, also of those no fleet file names."""
    return [room.name for room in rooms()]


def _each(
    hosts: Sequence[Host],
    work: Callable[[Host, Reporter], None],
    listener: Listener,
    workers: int,
    cancelled: threading.Event | None = None,
) -> list[Outcome]:
    def one(host: Host) -> Outcome:
        report = Reporter(host.name, listener, {})
        try:
            work(host, report)
        except LabError as error:
            listener(Failed(host.name, error))
            return Outcome(host, error, report.seconds)
        return Outcome(host, None, report.seconds)

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        futures = [pool.submit(one, host) for host in hosts]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            # Interrupted: the workers notice, and stop what they started.
            if cancelled:
                cancelled.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _bring_up(
    host: Host, image: Image, room: Room, report: Reporter, cancelled: threading.Event
) -> None:
    """Resume the host where it can be, boot it where not, and take the snapshot it lacks."""
    its = machine(host.architecture)
    boot = Boot(image, its.kernel_arguments)
    how = its.emulator.snapshots
    snapshot = Snapshot.of(how, host, boot) if how else None
    if snapshot and (found := snapshot.find()):
        try:
            _start(host, replace(boot, snapshot=found), room, report, cancelled)
        except FleetError as error:
            if cancelled.is_set():
                raise
            report.retry(FleetError(f"it could not be resumed, and is booted: {error}"))
            snapshot.discard()
        else:
            return
    _start(host, boot, room, report, cancelled)
    if snapshot:
        try:
            with report.stage(Stage.SNAPSHOT):
                snapshot.take(room)
        except FleetError as error:
            report.retry(FleetError(f"it has no snapshot and will be booted again: {error}"))


def _start(
    host: Host, boot: Boot, room: Room, report: Reporter, cancelled: threading.Event
) -> None:
    its = machine(host.architecture)
    emulator = its.emulator
    keys = lab_keys()
    timeout_s = RESUME_TIMEOUT_S if boot.snapshot else host.boot_timeout_s

    def check() -> None:
        if cancelled.is_set():
            raise FleetError(f"{host.name} was not started: interrupted.")
        if process.alive:
            return
        raise FleetError(f"{host.name} ended while booting: {last_words(room.console_log)}")

    try:
        with report.stage(Stage.START):
            room.open(host)
            _check_disk(room)
            emulator.prepare(host, boot, room)
            process = emulator.start(host, boot, room)
        address = emulator.address(host, room)
        with emulator.awake(host, room):
            with report.stage(Stage.RESUME if boot.snapshot else Stage.BOOT):
                _wait(host, room, timeout_s, lambda end: ssh.wait(address, keys, end, check))
                if boot.snapshot:
                    ssh.run(address, keys, SET_CLOCK, "sh", timeout_s=RESUME_TIMEOUT_S)
            with report.stage(Stage.KVM):
                facts = look(host, its, address, keys)
        room.write_facts(facts)
    except BaseException:
        room.stop()
        raise


def _wait(host: Host, room: Room, timeout_s: float, until: Callable[[float], None]) -> None:
    try:
        until(time.monotonic() + timeout_s)
    except TimeoutError as error:
        raise FleetError(
            f"{host.name} did not let SSH in within {timeout_s:g} s ({error}):"
            f" see {room.console_log}, or raise hosts.{host.name}.boot_timeout_s in the fleet file."
        ) from error


def _check_memory(hosts: Sequence[Host]) -> None:
    idle = [host for host in hosts if not Room(host.name).ready]
    wanted = sum(host.memory_mib + OVERHEAD_MIB for host in idle)
    for line in Path("/proc/meminfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == "MemAvailable" and int(value.split()[0]) >> 10 < wanted:
            raise FleetError(
                f"{len(idle)} hosts want {wanted} MiB of memory and {int(value.split()[0]) >> 10}"
                " MiB are free here: name fewer hosts, or lower memory_mib in the fleet file."
            )


def _check_disk(room: Room) -> None:
    free_mib = shutil.disk_usage(room.folder).free >> 20
    if free_mib < LEAST_FREE_MIB:
        raise FleetError(
            f"The disk with {room.folder} has {free_mib} MiB free, and a host may write"
            f" {LEAST_FREE_MIB}: make room there, or point XDG_CACHE_HOME at a larger disk."
        )
