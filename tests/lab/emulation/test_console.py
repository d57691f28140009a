"""`fleet console --attach` on a terminal; an echo stands for the host."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lab.emulation import load_fleet
from lab.emulation.launch import launch
from lab.emulation.room import Room

if TYPE_CHECKING:
    from pathlib import Path


def _until(descriptor: int, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        said += os.read(descriptor, 1024)
    return said


def test_what_is_typed_reaches_the_console_until_the_key_that_leaves(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache
    room = Room("emu-x86")
    room.open(load_fleet()["emu-x86"])
    launch(["sleep", "60"], room)
    terminal, its_end = pty.openpty()
    try:
        with socket.socket(socket.AF_UNIX) as console:
            # A socket's name may have 107 bytes.
            monkeypatch.chdir(room.folder)
            console.bind(room.console_socket.name)
            console.listen()
            console.settimeout(60)
            words = [sys.executable, "-m", "lab", "fleet", "console", room.name, "--attach"]
            with subprocess.Popen(words, stdin=its_end, stdout=its_end) as attached:
                host, _ = console.accept()
                with host:
                    host.sendall(b"login: ")
                    _until(terminal, b"login: ")
                    # Interrupts are for the host, too.
                    os.write(terminal, b"root\x03")
                    assert host.recv(1024) == b"root\x03"
                    os.write(terminal, b"\x1d")
                    assert attached.wait(60) == 0
    finally:
        room.clear()
        os.close(terminal)
        os.close(its_end)


def test_without_a_terminal_it_says_so(cache: Path) -> None:
    assert cache
    room = Room("emu-x86")
    room.open(load_fleet()["emu-x86"])
    launch(["sleep", "60"], room)
    room.console_socket.touch()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", "fleet", "console", room.name, "--attach"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        room.clear()
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert done.stderr.count("\n") == 1
