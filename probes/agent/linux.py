"""Real Linux guests: what a host has to boot one, and what can be turned inside."""

from __future__ import annotations

import os
import platform
from contextlib import closing
from pathlib import Path
from typing import Any

from agent import domain, guest, netns
from agent.errors import MissingError
from agent.qemu import Qemu

# Workloads whose guest QEMU boots for the trial, and all whose guest is a Linux.
BOOTED = ("qemu_rr", "qemu_pipe")
WORKLOADS = (*BOOTED, *domain.WORKLOADS)
# Names a package's kernel has in /boot, or beside its modules.
KERNELS = ("boot/vmlinuz-{0}", "boot/vmlinux-{0}", "lib/modules/{0}/vmlinuz", "boot/Image-{0}")

ROOT = Path("/")


def describe(binary: Path) -> dict[str, Any]:
    """Return what the VMM says of this host, and what is to be said of Linux guests."""
    description = guest.describe(binary)
    description["workloads"].update(dict.fromkeys(BOOTED, ability()))
    running = {"instruction": "a VM that runs already", "reason": None}
    description["workloads"].update(dict.fromkeys(domain.WORKLOADS, running))
    return description


def ability() -> dict[str, str | None]:
    """Return what a VMM's `--describe` says of a workload: `instruction` or else `reason`.

    A VM is made to find out, and does not run. A workload may name a kernel, so that a host
    without one has the workload all the same.
    """
    try:
        named = f"Linux {release(kernel(None))}"
    except MissingError:
        named = "a kernel that the workload names"
    namespace = netns.own()
    try:
        with closing(Qemu("look", [], 1, namespace)) as qemu:
            return {"instruction": f"{named} under QEMU {qemu.version}", "reason": None}
    except MissingError as error:
        return {"instruction": None, "reason": str(error)}
    finally:
        os.close(namespace)


def kernel(given: str | None) -> Path:
    """Return the kernel to boot: the one `given`, else the host's own; MissingError without."""
    if given is not None:
        return there(given)
    running = platform.release()
    for name in KERNELS:
        path = ROOT / name.format(running)
        if path.is_file():
            return path
    raise MissingError(
        f"this host has no file of its own kernel {running} in /boot to boot a guest with: install "
        "its package, or name another with the workload's key kernel"
    )


def there(path: str) -> Path:
    """Return the path of a file that a workload names; MissingError where this host has none."""
    if Path(path).is_file():
        return Path(path)
    raise MissingError(f"the guest's {path} is not on this host: put it there")


def release(path: Path) -> str:
    """Return the release in a kernel's file name, or that of its folder."""
    return path.name.partition("-")[2] or path.parent.name


def parameters(setting: dict[str, int]) -> list[str]:
    """Return the guest's kernel parameters for the guest's knobs, none where none is set.

    drivers/cpuidle/cpuidle-haltpoll.c loads without a hint of the hypervisor's only if forced to;
    the parameters are its governor's, drivers/cpuidle/governors/haltpoll.c.
    """
    knobs = {name: value for name, value in setting.items() if name.startswith("guest.")}
    if not knobs:
        return []
    given = (f"haltpoll.{name.replace('.', '_')}={value}" for name, value in knobs.items())
    return ["cpuidle_haltpoll.force=1", *given]


def knobs(result: dict[str, Any]) -> dict[str, int | None]:
    """Return the guest's knobs as a guest's result has them; none where its driver is another."""
    said = result.get("linux", {})
    return {
        name.replace("guest_", "guest.", 1): value if said["idle_driver"] == "haltpoll" else None
        for name, value in said.items()
        if name.startswith("guest_")
    }
