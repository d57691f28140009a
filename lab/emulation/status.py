"""Say how every host of the fleet is, by looking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lab.emulation.host import Host
from lab.emulation.machine import machine
from lab.emulation.room import Room, rooms
from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    DOWN = "down"
    BOOTING = "booting"
    UP = "up"
    PAUSED = "paused"
    """An icount host that nobody uses; any connection lets it run."""
    FAILED = "failed"
    """Something is left, and no emulator runs: `down` or the next `up` clears it."""


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    state: State
    architecture: str | None = None
    clock: str | None = None
    kernel: str | None = None
    flavour: str | None = None
    memory_mib: int | None = None
    """What the host has."""
    rss_mib: int | None = None
    """What its emulator takes here."""
    pid: int | None = None
    port: int | None = None


def status(hosts: Iterable[Host], *, strays: bool = True) -> list[Status]:
    """Return the status of `hosts`, then with `strays` of what else is found in the cache."""
    asked: dict[str, Host | None] = {host.name: host for host in hosts}
    if strays:
        asked |= {room.name: room.host() for room in rooms() if room.name not in asked}
    return [_status(name, host) for name, host in asked.items()]


def _status(name: str, asked: Host | None) -> Status:
    room = Room(name)
    host = room.host() or asked
    process, facts = room.process(), room.facts()
    if not host:
        return Status(name, State.FAILED)
    if not process:
        state = State.FAILED if room.folder.exists() else State.DOWN
    elif not facts:
        state = State.BOOTING
    else:
        state = _running(host, room)
    return Status(
        name,
        state,
        architecture=host.architecture,
        clock=host.clock.value,
        kernel=facts.kernel if facts else None,
        flavour=facts.flavour if facts else None,
        memory_mib=facts.memory_mib if facts else host.memory_mib,
        rss_mib=process.rss_mib() if process else None,
        pid=process.pid if process else None,
        port=host.port,
    )


def _running(host: Host, room: Room) -> State:
    try:
        paused = machine(host.architecture).emulator.paused(room)
    except LabError:
        return State.FAILED
    return State.PAUSED if paused else State.UP
