"""Command lines, magic numbers and small formats, per architecture without naming any twice."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.emulation import choose, load_fleet
from lab.emulation.boot import Boot, Image
from lab.emulation.emulator.hercules import Hercules
from lab.emulation.emulator.qemu import Qemu
from lab.emulation.initramfs import Cpio, load_order, unsigned
from lab.emulation.machine import architectures, machine

if TYPE_CHECKING:
    from lab.emulation import Host

BOOT = Boot(Image(Path("/cache/image/x")))
QEMU_HOSTS = [
    host for host in load_fleet().values() if isinstance(machine(host.architecture).emulator, Qemu)
]


def _words(host: Host) -> list[str]:
    emulator = machine(host.architecture).emulator
    assert isinstance(emulator, Qemu)
    return emulator.command(host, BOOT)


@pytest.mark.parametrize("host", QEMU_HOSTS, ids=lambda host: host.name)
def test_qemu_listens_on_the_loopback_address_alone_and_reaches_nothing(host: Host) -> None:
    (network,) = (word for word in _words(host) if word.startswith("user,"))
    assert f"hostfwd=tcp:127.0.0.1:{host.port}-:22" in network
    assert "restrict=on" in network


@pytest.mark.parametrize("host", QEMU_HOSTS, ids=lambda host: host.name)
def test_the_image_is_never_qemus_disk(host: Host) -> None:
    line = " ".join(_words(host))
    assert str(BOOT.image.disk) not in line
    assert "-accel tcg" in line


def test_icount_is_one_processor_one_thread_and_an_instruction_a_nanosecond() -> None:
    for host in choose(load_fleet(), ("icount",)):
        line = " ".join(_words(host))
        assert "-icount shift=0,sleep=off,align=off" in line
        assert "thread=single" in line
        assert "-smp 1 " in line


def test_hercules_is_configured_as_fleet_toml_says() -> None:
    host = load_fleet()["emu-s390x"]
    emulator = machine(host.architecture).emulator
    assert isinstance(emulator, Hercules)
    lines = emulator.configuration(host).splitlines()
    assert f"MAINSIZE {host.memory_mib}" in lines
    assert f"NUMCPU {host.cpus}" in lines


@pytest.mark.parametrize(
    ("architecture", "magic"),
    # From qemu-binfmt-conf.sh.
    [
        ("arm64", r"\x02\x00\xb7\x00"),
        ("ppc64le", r"\x02\x00\x15\x00"),
        ("s390x", r"\x00\x02\x00\x16"),
        ("x86_64", r"\x02\x00\x3e\x00"),
    ],
)
def test_binfmt_lines_hold_the_type_and_machine(architecture: str, magic: str) -> None:
    line = machine(architecture).elf.registration("q", "/q")
    _, name, kind, offset, found, mask, interpreter, flags = line.split(":")
    assert (name, kind, offset, interpreter, flags) == ("q", "M", "", "/q", "OCF")
    assert found.endswith(magic)
    assert found.count("\\x") == mask.count("\\x") == 20


def test_every_architecture_is_in_the_shipped_fleet() -> None:
    assert {host.architecture for host in load_fleet().values()} == set(architectures())


def test_modules_load_after_what_they_need() -> None:
    index = "k/a/ext4.ko.xz: k/b/jbd2.ko.xz k/b/crc16.ko.xz\nk/b/jbd2.ko.xz:\nk/b/crc16.ko.xz:\n"
    assert load_order(index, ("ext4", "built-in")) == [
        "k/b/crc16.ko.xz",
        "k/b/jbd2.ko.xz",
        "k/a/ext4.ko.xz",
    ]


def test_a_signature_is_cut_off_and_nothing_else() -> None:
    module, signature = b"\x7fELF module", b"s" * 23
    trailer = struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature))
    assert unsigned(module + signature + trailer + b"~Module signature appended~\n") == module
    assert unsigned(module) == module


def test_the_cpio_archive_is_one_that_cpio_reads(tmp_path: Path) -> None:
    archive = Cpio()
    archive.folder("bin")
    archive.file("bin/true", b"#!/bin/sh\n", 0o755)
    file = tmp_path / "initrd"
    file.write_bytes(archive.close())
    # bsdtar is not everywhere; the kernel's own unpacker wants this header and alignment.
    assert file.read_bytes()[:6] == b"070701"
    assert len(file.read_bytes()) % 4 == 0
    try:
        listed = subprocess.run(
            ["cpio", "-t"], input=file.read_bytes(), capture_output=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("cpio is not installed")
    assert listed.stdout.split() == [b"bin", b"bin/true"]
