from __future__ import annotations

import dataclasses
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lab.emulation.launch import launch
from lab.emulation.process import MARK, Process, marked
from lab.emulation.room import Room
from lab.emulation.spec import load_fleet
from lab.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


@pytest.fixture
def room(cache: Path) -> Iterator[Room]:
    room = Room("emu-x86")
    assert room.folder.is_relative_to(cache)
    room.open(load_fleet()["emu-x86"])
    yield room
    room.clear()


def test_a_reused_pid_is_spared(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process
    earlier = dataclasses.replace(process, started=process.started - 1)
    assert not earlier.alive
    earlier.stop()
    assert sleeper.poll() is None


def test_a_pid_of_an_earlier_boot_is_spared(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process
    dataclasses.replace(process, boot="another").stop()
    assert sleeper.poll() is None


def test_stopping_ends_even_what_ignores_a_term(room: Room) -> None:
    process = launch(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], room)
    process.stop(grace_s=0.2)
    assert not process.alive


def test_a_process_is_known_again_from_its_file(room: Room) -> None:
    process = launch(["sleep", "60"], room)
    assert room.process() == process
    assert process.rss_mib() is not None
    assert room.clear()
    assert not process.alive
    assert room.process() is None


def test_what_was_never_written_down_is_found_by_its_mark(room: Room) -> None:
    """A command killed between starting an emulator and noting its pid leaves just this."""
    leaked = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(room.folder)})
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(room.folder) + "2"})
    try:
        assert [process.pid for process in marked(room.folder)] == [leaked.pid]
        assert room.clear()
        assert leaked.wait(5) != 0
        assert other.poll() is None
    finally:
        for child in (leaked, other):
            child.kill()
            child.wait()


def test_clearing_nothing_says_so(cache: Path) -> None:
    assert cache
    assert not Room("never").clear()


def test_a_host_at_work_is_not_touched_by_another_command(room: Room) -> None:
    with room.lock(), pytest.raises(FleetError, match="Another kvmlab .* emu-x86"), room.lock():
        pass


def test_a_room_remembers_its_host(room: Room) -> None:
    assert room.host() == load_fleet()["emu-x86"]
