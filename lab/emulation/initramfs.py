"""A small initramfs: busybox, the modules that reach the root file system, one script."""

from __future__ import annotations

import runpy
import struct
from typing import TYPE_CHECKING

from lab.emulation.commands import found
from lab.errors import FleetError
from lab.paths import PROBES

if TYPE_CHECKING:
    from pathlib import Path

    from lab.emulation.boot import RootDevice
    from lab.emulation.kernel import KernelFiles

# The agent's own: it makes the initramfs of Linux guests.
_SHARED = runpy.run_path(str(PROBES / "agent" / "early_userspace.py"))
Cpio, load_order = _SHARED["Cpio"], _SHARED["load_order"]
module_name, read_module = _SHARED["module_name"], _SHARED["read_module"]
ZstdError = _SHARED["ZstdError"]

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
    try:
        content: bytes = read_module(path, found("zstd"))
    except ZstdError as error:
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
        archive.file(f"modules/{module_name(path)}.ko", module if root.signed else unsigned(module))
    script = _SCRIPT.format(
        modules=" ".join(f"{module_name(path)}.ko" for path in order),
        commands="\n".join(root.commands),
        device=root.device,
    )
    archive.file("init", script.encode(), 0o755)
    content: bytes = archive.close()
    return content
