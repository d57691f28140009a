"""A VM that runs on this host already, libvirt's or anybody's: the lab asks it, and no more."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

from agent import echo, guest, vcpu_thread, vms
from agent.errors import MissingError

WORKLOADS = ("domain_rr",)


class Domain:
    """The VM of a name, with the interface of `guest.Vm`, for as long as a client asks it.

    It is neither paused nor placed, and no probe watches it: how long its vCPUs would poll when the
    trial began nothing tells. Raises MissingError where there is no such VM, or it does not answer.
    """

    def __init__(self, workload: dict[str, Any], client: Callable[[], guest.Vm]) -> None:
        name, protocol = workload["domain"], workload["protocol"]
        self._pid = named(name)
        threads = _vcpu_threads(self._pid)
        if not threads:
            raise MissingError(
                f"the threads of {name} do not say which of them are vCPUs: start its QEMU with "
                "-name guest=NAME,debug-threads=on, as libvirt does"
            )
        self.ready: dict[str, Any] = {
            "pid": self._pid,
            "vcpus": [{"id": id_, "tid": tid} for id_, tid in sorted(threads.items())],
        }
        if not echo.answers(workload["address"], workload["port"], protocol):
            raise MissingError(
                f"{name} answered nothing over {protocol.upper()} at {workload['address']} port "
                f"{workload['port']}: an echo service (RFC 862) must listen there, and no "
                "firewall be in its way"
            )
        self._client = client()

    def boot(self) -> bool:
        """Return whether the guest has been booted for the trial: this one was up before it."""
        return False

    def run(self, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Let the client ask and return what was seen; AgentError with a sentence of its own."""
        before, began = self._counts(), time.monotonic_ns()
        seen = self._client.run(meanwhile)
        wall_ns = time.monotonic_ns() - began
        spent = [vcpu_thread.less(now, was) for now, was in zip(self._counts(), before)]
        return {
            **seen,
            "completed": seen["requests"]["replies"],
            "wall_ns": wall_ns,
            **vcpu_thread.totals(spent),
            "vcpus": [
                {**vcpu, "cpus": vcpu_thread.cpus(vcpu["tid"]), "cpu_ns": each["vcpu_ns"]}
                for vcpu, each in zip(self.ready["vcpus"], spent)
            ],
            "stats": None,
        }

    def rest(self) -> dict[str, Any]:
        """Return nothing: it knows of no trial."""
        return {}

    def close(self) -> None:
        self._client.close()

    def _counts(self) -> list[dict[str, int]]:
        return [vcpu_thread.counts(self._pid, vcpu["tid"]) for vcpu in self.ready["vcpus"]]


def named(name: str) -> int:
    """Return the pid of the one VM here whose QEMU calls its guest so; MissingError without."""
    running = vms.find([])
    found = [vm.pid for vm in running if vm.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise MissingError(f"{len(found)} VMs of this host are called {name}: end all but one")
    others = ", ".join(sorted(vm.name for vm in running)) or "none"
    raise MissingError(f"no VM called {name} runs on this host: start it (running: {others})")


def _vcpu_threads(pid: int) -> dict[int, int]:
    """Return thread ids by vCPU."""
    tids = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    found = {tid: vms.vcpu_by_name(vms.thread_name(pid, tid)) for tid in tids}
    return {vcpu: tid for tid, vcpu in found.items() if vcpu is not None}
