"""The initramfs of a Linux guest: the lab's init, and drivers of its kernel's."""

from __future__ import annotations

from pathlib import Path

from agent.early_userspace import Cpio, ZstdError, load_order, module_name, read_module
from agent.errors import MissingError

# The rest of what the guest needs is built into the kernels of distributions.
NETWORK_CARD = ("virtio_pci", "virtio_net")


def build(init: bytes, modules: Path, wanted: tuple[str, ...]) -> bytes:
    """Return a cpio archive with `init`, and the modules `wanted` in the order to load.

    `modules` is /lib/modules/<release>; without it everything is taken to be built in. Raises
    MissingError for a module that cannot be decompressed here.
    """
    index = modules / "modules.dep"
    order = load_order(index.read_text(), wanted) if index.exists() else []
    names = [f"/modules/{module_name(path)}.ko" for path in order]
    archive = Cpio()
    for folder in ("dev", "proc", "sys", "modules"):
        archive.folder(folder)
    for path, name in zip(order, names):
        archive.file(name[1:], _module(modules / path))
    archive.file("modules/order", "".join(f"{name}\n" for name in names).encode())
    archive.file("init", init, 0o755)
    return archive.close()


def _module(path: Path) -> bytes:
    try:
        return read_module(path)
    except ZstdError as error:
        raise MissingError(f"{path} cannot be decompressed: install zstd on this host") from error
