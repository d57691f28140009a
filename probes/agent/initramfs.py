"""The initramfs of a Linux guest: its kernel's network card driver, and the lab's init."""

from __future__ import annotations

import gzip
import lzma
import subprocess
from pathlib import Path

from agent.errors import MissingError

# The rest of what the guest needs is built into the kernels of distributions.
MODULES = ("virtio_pci", "virtio_net")


def build(init: bytes, modules: Path) -> bytes:
    """Return a cpio archive with `init`, and the modules below `modules` in the order to load.

    `modules` is /lib/modules/<release>; without it everything is taken to be built in. Raises
    MissingError for a module that cannot be decompressed here.
    """
    index = modules / "modules.dep"
    order = load_order(index.read_text(), MODULES) if index.exists() else []
    names = [f"/modules/{_name(path)}.ko" for path in order]
    archive = Cpio()
    for folder in ("dev", "proc", "sys", "modules"):
        archive.folder(folder)
    for path, name in zip(order, names):
        archive.file(name[1:], _module(modules / path))
    archive.file("modules/order", "".join(f"{name}\n" for name in names).encode())
    archive.file("init", init, 0o755)
    return archive.close()


def load_order(dependencies: str, wanted: tuple[str, ...]) -> list[str]:
    """Return the module files to load, in order, from modules.dep; what is built in is not there.

    modules.dep lists what a module needs with the last to load first (modules.dep(5)).
    """
    table: dict[str, tuple[str, list[str]]] = {}
    for line in dependencies.splitlines():
        file, _, needs = line.partition(":")
        table[_name(file)] = (file, needs.split())
    order: dict[str, None] = {}
    for module in wanted:
        if module in table:
            file, needed = table[module]
            order.update(dict.fromkeys([*reversed(needed), file]))
    return list(order)


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _module(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        try:
            return subprocess.run(
                ["zstd", "-dcq"], input=content, capture_output=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise MissingError(
                f"{path} cannot be decompressed: install zstd on this host"
            ) from error
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
