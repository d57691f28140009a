"""What a person without root, QEMU, a port or a mirror is told."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.emulation import debian, down, lacking, load_fleet, ssh_command, status, up
from lab.emulation.boot import Boot, Image
from lab.emulation.commands import require, require_root, run
from lab.emulation.emulator.qemu import LOOPBACK
from lab.emulation.machine import machine
from lab.emulation.room import Room
from lab.emulation.status import State
from lab.errors import FleetError, NothingToRunError

if TYPE_CHECKING:
    from pathlib import Path


def test_no_qemu() -> None:
    with pytest.raises(NothingToRunError, match=r"needs qemu-none, not installed .*make fleet"):
        require(["sh", "qemu-none"], "Starting emu-x86")


def test_no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NothingToRunError, match="needs root.*sudo"):
        require_root("Starting emulated hosts")
    with pytest.raises(NothingToRunError, match="needs root"):
        up(list(load_fleet().values()))


def test_what_lacks_is_said_in_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("lab.emulation.commands._PATH", "/nowhere")
    assert "qemu-system-x86_64" in str(lacking([load_fleet()["emu-x86"]]))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in str(lacking([load_fleet()["emu-x86"]]))


@pytest.mark.usefixtures("cache")
def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        host = replace(load_fleet()["emu-x86"], port=taken.getsockname()[1])
        room = Room(host.name)
        room.open(host)
        with pytest.raises(FleetError, match=rf"Port {host.port} .*hosts\.emu-x86 another port"):
            machine(host.architecture).emulator.prepare(host, Boot(Image(tmp_path)), room)


@pytest.mark.parametrize(
    "said", ["out of luck", "On the way\nE: out of luck\nE: gave up\nI: cleaning"]
)
def test_a_tool_that_fails_is_quoted_with_its_log(tmp_path: Path, said: str) -> None:
    log = tmp_path / "log"
    with pytest.raises(FleetError, match=r"Trying failed: (E: )?out of luck \(see .*log\)"):
        run(["sh", "-c", f"printf %s '{said}' >&2; exit 3"], what="Trying", log=log)


def test_a_full_disk_is_told_from_the_tools_words(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="is full: make room"):
        run(
            ["sh", "-c", "echo cp: No space left on device >&2; exit 1"],
            what="Copying",
            log=tmp_path / "log",
        )


def test_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APT_CONFIG", "/dev/null")
    monkeypatch.setenv("KVMLAB_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert debian.mirror() == "http://mirror.example/debian"


@pytest.mark.usefixtures("cache")
def test_a_host_that_is_down() -> None:
    with pytest.raises(FleetError, match="emu-x86 is not up: start it with kvmlab fleet up"):
        ssh_command("emu-x86")
    seen = status([load_fleet()["emu-x86"]])
    assert [entry.state for entry in seen] == [State.DOWN]
    assert down(["emu-x86"]) == []
