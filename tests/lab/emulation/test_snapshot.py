"""Snapshots are found by what a host depends on; what cannot be resumed is booted."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.emulation import Event, Host, Retried, fleet, load_fleet
from lab.emulation.boot import Boot, Image
from lab.emulation.emulator.qemu import Qemu
from lab.emulation.events import Reporter
from lab.emulation.machine import machine
from lab.emulation.room import Room
from lab.emulation.snapshot import Snapshot
from lab.errors import FleetError

if TYPE_CHECKING:
    from pathlib import Path

HOST = load_fleet()["emu-arm64"]


@pytest.fixture
def boot(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Boot:
    """Return a boot of an image that is there, with an emulator that can save hosts."""

    def save(_qemu: Qemu, _room: Room, into: Path) -> None:
        (into / "state").touch()

    def identity(_qemu: Qemu, host: Host, _boot: Boot) -> dict[str, object]:
        return {"memory": host.memory_mib}

    monkeypatch.setattr(Qemu, "save", save)
    monkeypatch.setattr(Qemu, "identity", identity)
    image = Image(cache)
    cache.mkdir()
    image.disk.touch()
    return Boot(image)


def _snapshot(host: Host, boot: Boot) -> Snapshot:
    how = machine(host.architecture).emulator.snapshots
    assert how
    return Snapshot.of(how, host, boot)


def test_a_snapshot_is_found_until_the_host_or_its_image_is_another(boot: Boot) -> None:
    assert _snapshot(HOST, boot).find() is None
    _snapshot(HOST, boot).take(Room(HOST.name))
    assert _snapshot(HOST, boot).find()
    assert _snapshot(replace(HOST, memory_mib=512), boot).find() is None
    # Built afresh, under the same name.
    os.utime(boot.image.disk, (0, 0))
    assert _snapshot(HOST, boot).find() is None


@pytest.mark.needs("fleet")
def test_the_port_is_no_part_of_a_hosts_state(tmp_path: Path) -> None:
    qemu, boot = machine(HOST.architecture).emulator, Boot(Image(tmp_path))
    assert isinstance(qemu, Qemu)
    moved = replace(HOST, port=42999)
    assert qemu.command(HOST, boot) != qemu.command(moved, boot)
    assert qemu.identity(HOST, boot) == qemu.identity(moved, boot)


def test_a_host_that_cannot_be_resumed_is_booted_and_says_so(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[str] = []

    def start(_host: Host, boot: Boot, *_: object) -> None:
        ways.append("resume" if boot.snapshot else "boot")
        if boot.snapshot:
            raise FleetError("no")

    monkeypatch.setattr(fleet, "_start", start)
    events: list[Event] = []
    report = Reporter(HOST.name, events.append, {})

    def up() -> None:
        room, cancelled = Room(HOST.name), threading.Event()
        fleet._bring_up(HOST, boot.image, room, report, cancelled)

    up()
    assert ways == ["boot"]
    up()
    assert ways == ["boot", "resume", "boot"]
    (told,) = [event for event in events if isinstance(event, Retried)]
    assert "could not be resumed, and is booted: no" in str(told.error)
