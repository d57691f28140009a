"""A small initramfs: busybox, the modules that reach the root file system, one script."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from typing import TYPE_CHECKING

from lab.emulation.commands import found
from lab.errors import FleetError

if TYPE_CHECKING:
    from pathlib import Path

    from lab.emulation.boot import RootDevice
    from lab.emulation.kernel import KernelFiles

FILE_SYSTEM_MODULES = ("crc32c_generic", "ext4")
_SIGNATURE_MARK = b"~Module signature appended~\n"
_SCRIPT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module; done
{commands}
tries=0
while [ ! -b {device} ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done
if ! mount -t ext4 -o rw,noatime {device} /root; then
    echo "kvmlab: no root file system on {device}: the kernel's modules lack its driver or ext4"
    poweroff -f
fi
umount /sys
mount -o move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
"""


def load_order(dependencies: str, wanted: tuple[str, ...]) -> list[str]:
    """Return the module files to load, in order, from modules.dep; what is built in is skipped.

    modules.dep lists what a module needs with the last to load first (depmod.d).
    """
    table: dict[str, tuple[str, list[str]]] = {}
    for line in dependencies.splitlines():
        file, _, needs = line.partition(":")
        table[_name(file)] = (file, needs.split())
    order: dict[str, None] = {}
    for module in wanted:
        if entry := table.get(module.replace("-", "_")):
            order |= dict.fromkeys([*reversed(entry[1]), entry[0]])
    return list(order)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".", 1)[0].replace("-", "_")


def unsigned(module: bytes) -> bytes:
    """Cut off an appended signature (include/linux/module_signature.h)."""
    if not module.endswith(_SIGNATURE_MARK):
        return module
    end = len(module) - len(_SIGNATURE_MARK)
    # The trailer before the mark has 12 bytes, the last four the signature's length.
    (length,) = struct.unpack(">I", module[end - 4 : end])
    return module[: end - 12 - length]


def _module(path: Path) -> bytes:
    """Read a module uncompressed: busybox's insmod takes no other."""
    content = path.read_bytes()
    match path.suffix:
        case ".xz":
            return lzma.decompress(content)
        case ".gz":
            return gzip.decompress(content)
        case ".zst":
            try:
                return subprocess.run(
                    [found("zstd"), "-dcq"], input=content, capture_output=True, check=True
                ).stdout
            except (OSError, subprocess.CalledProcessError) as error:
                raise FleetError(f"{path} could not be decompressed: install zstd.") from error
    return content


def initramfs(kernel: KernelFiles, root: RootDevice) -> bytes:
    order = load_order(
        (kernel.modules / "modules.dep").read_text(), (*FILE_SYSTEM_MODULES, *root.modules)
    )
    archive = Cpio()
    for folder in ("bin", "modules", "proc", "sys", "dev", "root"):
        archive.folder(folder)
    archive.file("bin/busybox", kernel.busybox.read_bytes(), 0o755)
    for path in order:
        module = _module(kernel.modules / path)
        archive.file(f"modules/{_name(path)}.ko", module if root.signed else unsigned(module))
    script = _SCRIPT.format(
        modules=" ".join(f"{_name(path)}.ko" for path in order),
        commands="\n".join(root.commands),
        device=root.device,
    )
    archive.file("init", script.encode(), 0o755)
    return archive.close()


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
