"""A host's kernel: image, modules and headers, from Debian, from .deb files or from a tree."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.emulation.cache import obtain
from lab.emulation.commands import run
from lab.emulation.debian import Archive
from lab.errors import FleetError, UsageError

if TYPE_CHECKING:
    from lab.emulation.host import Kernel
    from lab.emulation.machine import Machine

FORMAT = 1


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """An unpacked kernel: `tree` is laid over a root file system as it is."""

    tree: Path

    @property
    def release(self) -> str:
        """What `uname -r` says on it."""
        return next(path.name for path in (self.tree / "usr/lib/modules").iterdir())

    @property
    def image(self) -> Path:
        return _images(self.tree, self.release)[0]

    @property
    def busybox(self) -> Path:
        return self.tree.parent / "busybox"

    @property
    def modules(self) -> Path:
        return self.tree / "usr/lib/modules" / self.release


def kernel_recipe(machine: Machine, kernel: Kernel) -> dict[str, object]:
    recipe: dict[str, object] = {"format": FORMAT, "architecture": machine.debian}
    if kernel.tree:
        return recipe | {"tree": _fingerprint(kernel.tree), "name": kernel.tree.name}
    if kernel.debs:
        return recipe | {"debs": [_fingerprint(deb) for deb in kernel.debs]}
    return recipe | {
        "package": kernel.package,
        "suite": kernel.suite,
        "version": kernel.version,
    }


def _images(tree: Path, release: str) -> list[Path]:
    # Debian keeps the image beside its modules since its packages of Linux 6.17.
    return [
        *tree.glob(f"boot/vmlinu*-{release}"),
        *tree.glob(f"usr/lib/modules/{release}/vmlinu[xz]"),
    ]


def _fingerprint(path: Path) -> str:
    """Digest a file, or every file below a directory, by content and name."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(str(file.relative_to(path.parent)).encode())
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


def obtain_kernel(machine: Machine, kernel: Kernel, *, fresh: bool = False) -> KernelFiles:
    """Return the kernel's files, downloaded and unpacked if they must be.

    Raises FleetError when the archive lacks it, UsageError when a tree or .deb holds no kernel.
    """

    def build(into: Path, log: Path) -> None:
        tree = into / "tree"
        tree.mkdir()
        archive = Archive(kernel.suite or machine.kernel_suite, machine.debian)
        archive.refresh(log)
        downloads = into / "downloads"
        if kernel.tree:
            shutil.copytree(kernel.tree, tree, symlinks=True, dirs_exist_ok=True)
        elif kernel.debs:
            for deb in kernel.debs:
                _unpack(deb, tree, log)
        else:
            pinned = f"={kernel.version}" if kernel.version else ""
            image = kernel.package + pinned
            # The headers of a kernel are named after it: bcc compiles against them.
            headers = image.replace("linux-image-", "linux-headers-", 1).replace("-unsigned", "")
            packages = archive.kernel_closure([headers, image], log)
            for deb in archive.download(packages, downloads, log):
                _unpack(deb, tree, log)
        _merge_usr(tree)
        _check(tree, kernel, log)
        shutil.rmtree(downloads, ignore_errors=True)
        (busybox,) = archive.download(["busybox-static"], downloads, log)
        _unpack(busybox, downloads, log)
        shutil.copy(next(downloads.glob("**/bin/busybox")), into / "busybox")
        shutil.rmtree(downloads)

    return KernelFiles(
        obtain("kernel", kernel_recipe(machine, kernel), build, fresh=fresh) / "tree"
    )


def _unpack(deb: Path, into: Path, log: Path) -> None:
    run(["dpkg-deb", "-x", str(deb), str(into)], what=f"Unpacking {deb.name}", log=log)


def _merge_usr(tree: Path) -> None:
    """Move lib into usr/lib: over a merged-usr root a directory `lib` would replace its link."""
    if (tree / "lib").is_dir():
        shutil.copytree(tree / "lib", tree / "usr/lib", symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(tree / "lib")


def _check(tree: Path, kernel: Kernel, log: Path) -> None:
    releases = [path.name for path in tree.glob("usr/lib/modules/*") if path.is_dir()]
    what = kernel.tree or ", ".join(map(str, kernel.debs)) or kernel.package
    if len(releases) != 1:
        raise UsageError(
            f"The kernel {what} has modules of {len(releases)} releases, not of one:"
            " name exactly one image with its modules in fleet.toml."
        )
    if not _images(tree, releases[0]):
        raise UsageError(
            f"The kernel {what} has no boot/vmlinuz-{releases[0]} or vmlinux-{releases[0]}:"
            " name a tree or package that holds the image too."
        )
    # A package's own scripts would make the module index on installation.
    run(["depmod", "-b", str(tree / "usr"), releases[0]], what="Indexing the modules", log=log)
    if not (tree / "usr/lib/modules" / releases[0] / "modules.dep").exists():
        raise FleetError(f"depmod left no index for the modules of {what} (see {log}).")
