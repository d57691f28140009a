"""A real Linux guest under QEMU, with the lab's init, that a client on the network asks."""

from __future__ import annotations

import os
import platform
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

from agent import guest, initramfs, netns
from agent.errors import MissingError, UnsupportedError
from agent.files import write_atomic
from agent.network import CLIENT, DEVICE, GUEST_MAC, PREFIX, TAP, Network
from agent.qemu import Qemu, emulator, thread_counts

# Workloads whose guest is one, and the port its init answers at (linux/init.c).
WORKLOADS = ("qemu_rr",)
PORT = 7
INIT = guest.SHIPPED / "linux"
MEMORY_MIB = 256
CPU = ("vcpu_ns", "user_ns", "system_ns", "guest_ns")
SWITCHES = ("voluntary", "involuntary")
# Names a package's kernel has in /boot, or beside its modules.
KERNELS = ("boot/vmlinuz-{0}", "boot/vmlinux-{0}", "lib/modules/{0}/vmlinuz", "boot/Image-{0}")
# For a guest that has served all and has only to say so.
LAST_WORDS_S = 120.0

ROOT = Path("/")


def describe(binary: Path) -> dict[str, Any]:
    """Return what the VMM says of this host, and what is to be said of Linux guests."""
    description = guest.describe(binary)
    description["workloads"].update(dict.fromkeys(WORKLOADS, ability()))
    return description


def ability() -> dict[str, str | None]:
    """Return what a VMM's `--describe` says of a workload: `instruction` or else `reason`.

    A VM is made to find out, and does not run. A workload may name a kernel, so that a host
    without one has the workload all the same.
    """
    try:
        kernel = f"Linux {_release(_kernel(None))}"
    except MissingError:
        kernel = "a kernel that the workload names"
    namespace = netns.own()
    try:
        with closing(Qemu("look", [], 1, namespace)) as qemu:
            return {"instruction": f"{kernel} under QEMU {qemu.version}", "reason": None}
    except MissingError as error:
        return {"instruction": None, "reason": str(error)}
    finally:
        os.close(namespace)


def _kernel(given: str | None) -> Path:
    """Return the kernel to boot: the one `given`, else the host's own; MissingError without."""
    if given is not None:
        if Path(given).is_file():
            return Path(given)
        raise MissingError(f"the guest's kernel {given} is not on this host: put it there")
    release = platform.release()
    for name in KERNELS:
        path = ROOT / name.format(release)
        if path.is_file():
            return path
    raise MissingError(
        f"this host has no file of its own kernel {release} in /boot to boot a guest with: install "
        "its package, or name another with the workload's key kernel"
    )


def _release(kernel: Path) -> str:
    """Return the release in a kernel's file name, or that of its folder."""
    return kernel.name.partition("-")[2] or kernel.parent.name


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


class LinuxVm:
    """One fresh Linux guest of a trial, with the interface of `guest.Vm`; close it.

    It is made paused. `boot` lets it boot and pauses it again, so that `run` holds nothing but the
    client's requests; `rest` lets it say what it saw, and switch itself off.
    """

    def __init__(
        self,
        plan: dict[str, Any],
        network: Network,
        home: Path,
        client: Callable[[], guest.Vm],
        vcpu_cpu: int | None,
        timeout_s: float,
    ) -> None:
        workload = plan["workload"]
        self._vcpu_cpu = vcpu_cpu
        self._timeout_s = timeout_s
        self._make_client = client
        self._client: guest.Vm | None = None
        self._said: dict[str, Any] = {}
        kernel = _kernel(workload.get("kernel"))
        archive = home / "build" / guest.SHIPPED.name / "initramfs"
        write_atomic(archive, initramfs.build(_init(home), ROOT / "lib/modules" / _release(kernel)))
        here = emulator()
        command_line = [
            *(f"console={here.console}", "quiet", "panic=-1", "ipv6.disable=1"),
            *parameters(plan["setting"]),
            *("--", DEVICE, str(PREFIX), CLIENT, network.ends[0].hardware_address),
        ]
        options = [
            *("-m", str(MEMORY_MIB), "-kernel", str(kernel), "-initrd", str(archive)),
            *("-append", " ".join(command_line)),
            *("-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no"),
            *("-device", f"{here.card},netdev=net,mac={GUEST_MAC}"),
        ]
        self._qemu = Qemu(workload["name"], options, workload["vcpus"], network.descriptors[1])
        vcpus = [{"id": vcpu, "tid": tid} for tid, vcpu in self._qemu.vcpus.items()]
        self.ready: dict[str, Any] = {
            "pid": self._qemu.pid,
            "vcpus": sorted(vcpus, key=lambda vcpu: vcpu["id"]),
        }

    def boot(self) -> bool:
        """Boot the guest, connect the client, and pause the guest; return that it has run."""
        if self._vcpu_cpu is not None:
            os.sched_setaffinity(self.ready["vcpus"][0]["tid"], [self._vcpu_cpu])
        self._qemu.go_on()
        began = time.monotonic_ns()
        self._said = self._qemu.answer("ready", self._timeout_s)
        self._said["boot_ns"] = time.monotonic_ns() - began
        self._client = self._make_client()
        self._qemu.pause()
        return True

    def run(self, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Let the client ask and return what was seen; the guest is paused before and after.

        Raises AgentError with a sentence of the client's, of QEMU's or the guest's.
        """
        assert self._client  # noqa: S101  (boot made it)
        before, statistics = self._counts(), self._qemu.statistics()
        began = time.monotonic_ns()
        self._qemu.go_on()
        seen = self._client.run(meanwhile)
        wall_ns = time.monotonic_ns() - began
        self._qemu.pause()
        run_ns = time.monotonic_ns() - began
        spent = [_less(now, was) for now, was in zip(self._counts(), before)]
        return {
            **seen,
            "wall_ns": wall_ns,
            "cpu": {name: sum(each[name] for each in spent) for name in CPU},
            "switches": {name: sum(each[name] for each in spent) for name in SWITCHES},
            "vcpus": [
                {**vcpu, "run_ns": run_ns, "cpu_ns": each["vcpu_ns"]}
                for vcpu, each in zip(self.ready["vcpus"], spent)
            ],
            "stats": self._gained(statistics),
            "linux": {**self._said, "qemu": self._qemu.version},
        }

    def rest(self) -> dict[str, Any]:
        """Let the guest say how many requests it answered, and switch itself off."""
        self._qemu.go_on()
        self._qemu.write("end")
        return {"completed": self._qemu.answer("result", LAST_WORDS_S)["answered"]}

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._qemu.close()

    def _counts(self) -> list[dict[str, int]]:
        return [thread_counts(self._qemu.pid, vcpu["tid"]) for vcpu in self.ready["vcpus"]]

    def _gained(self, before: dict[str, Any] | None) -> dict[str, Any] | None:
        after = self._qemu.statistics()
        if before is None or after is None:
            return None
        grows = self._qemu.growing()
        return {
            "vm": _difference(after["vm"], before["vm"], grows),
            "vcpu": [
                _difference(now, was, grows) for now, was in zip(after["vcpu"], before["vcpu"])
            ],
        }


def _init(home: Path) -> bytes:
    try:
        return guest.build(home, INIT, "init").read_bytes()
    except UnsupportedError as error:
        raise MissingError(str(error)) from error


def _less(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: value - before[name] for name, value in now.items()}


def _difference(now: dict[str, Any], before: dict[str, Any], grows: set[str]) -> dict[str, Any]:
    """Return what statistics gained, and of those that may fall what they are."""
    return {
        name: (
            value
            if name not in grows
            else [each - was for each, was in zip(value, before[name])]
            if isinstance(value, list)
            else value - before[name]
        )
        for name, value in now.items()
    }
