"""Make what a host boots: root file system, kernel, image, each once per recipe."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.emulation.cache import digest
from lab.emulation.events import Reporter, Stage
from lab.emulation.image import obtain_image
from lab.emulation.kernel import kernel_recipe, obtain_kernel
from lab.emulation.keys import lab_keys
from lab.emulation.machine import machine
from lab.emulation.rootfs import obtain_rootfs, rootfs_recipe

if TYPE_CHECKING:
    from lab.emulation.boot import Image
    from lab.emulation.host import Host


@dataclass(slots=True)
class Builder:
    """Builds for several hosts. With `fresh` everything is made anew, but shared things once."""

    fresh: bool = False
    _made: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _again(self, key: str) -> bool:
        with self._lock:
            first = key not in self._made
            self._made.add(key)
        return self.fresh and first

    def image(self, host: Host, report: Reporter) -> Image:
        """Return the image of `host`. Raises NothingToRunError, FleetError or UsageError."""
        its = machine(host.architecture)
        keys = lab_keys()
        with report.stage(Stage.ROOTFS):
            again = self._again(digest(rootfs_recipe(its, host.suite, host.packages)))
            rootfs = obtain_rootfs(its, host.suite, host.packages, fresh=again)
        with report.stage(Stage.KERNEL):
            again = self._again(digest(kernel_recipe(its, host.kernel)))
            kernel = obtain_kernel(its, host.kernel, fresh=again)
        with report.stage(Stage.IMAGE):
            root = its.emulator.root
            again = self._again(f"{rootfs}{kernel.tree}")
            return obtain_image(rootfs, kernel, root, keys, fresh=again)
