"""What an initramfs is made of: an archive, and a kernel's modules in the order to load.

Standard library alone: the lab, which imports nothing of the agent, runs this file for its own.
"""

from __future__ import annotations

import gzip
import lzma
import subprocess
from pathlib import Path


def load_order(dependencies: str, wanted: tuple[str, ...]) -> list[str]:
    """Return the module files to load, in order, from modules.dep; what is built in is not there.

    modules.dep lists what a module needs with the last to load first (modules.dep(5)).
    """
    table: dict[str, tuple[str, list[str]]] = {}
    for line in dependencies.splitlines():
        file, _, needs = line.partition(":")
        table[module_name(file)] = (file, needs.split())
    order: dict[str, None] = {}
    for module in wanted:
        if entry := table.get(module.replace("-", "_")):
            file, needed = entry
            order.update(dict.fromkeys([*reversed(needed), file]))
    return list(order)


def module_name(path: str) -> str:
    """Return the name that the kernel has for the module of a file."""
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


class ZstdError(Exception):
    """The program `zstd` is not there, or fails."""


def read_module(path: Path, zstd: str = "zstd") -> bytes:
    """Read a module uncompressed; `zstd` is the program for what needs it."""
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        command = [zstd, "-dcq"]
        try:
            return subprocess.run(command, input=content, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise ZstdError from error
    return content


class Cpio:
    """Write the `newc` format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._inode = 0

    def folder(self, name: str) -> None:
        self._entry(name, 0o040755, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self._entry(name, 0o100000 | mode, content)

    def close(self) -> bytes:
        self._entry("TRAILER!!!", 0, b"")
        return bytes(self._out)

    def _entry(self, name: str, mode: int, content: bytes) -> None:
        self._inode += 1
        label = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, device and its node (four), name size, check
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(label), 0)
        self._out += b"070701" + b"".join(b"%08X" % field for field in fields) + label
        self._pad()
        self._out += content
        self._pad()

    def _pad(self) -> None:
        self._out += bytes(-len(self._out) % 4)
