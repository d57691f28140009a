"""A real Linux guest under QEMU, fresh for one trial, and what it is measured with."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Callable, Protocol

from agent import guest, netns, vcpu_thread
from agent.initramfs import NETWORK_CARD
from agent.linux_boot import BROUGHT, Brought, Shipped
from agent.network import CLIENT, DEVICE, GUEST_MAC, PREFIX, TAP, Network
from agent.qemu import Qemu, emulator

# For a guest that has nothing to do to halt.
PATIENCE_S = 5.0


class Task(Protocol):
    """What a booted guest is measured doing."""

    boots: Shipped | Brought
    # QEMU's words for it beside those that boot the guest, and the network namespace it is in.
    options: list[str]
    namespace: int

    def begin(self) -> None:
        """Make ready what the guest, which runs, is asked by."""

    def run(self, qemu: Qemu, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Do it, and return what was seen of it outside of the guest."""

    def close(self) -> None: ...


class Requests:
    """`qemu_rr`: a client on the private network asks, and the guest sends back."""

    def __init__(
        self, plan: dict[str, Any], network: Network, home: Path, client: Callable[[], guest.Vm]
    ) -> None:
        self._make_client = client
        self._client: guest.Vm | None = None
        self.namespace = network.descriptors[1]
        self.options = [
            *("-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no"),
            *("-device", f"{emulator().card},netdev=net,mac={GUEST_MAC}"),
        ]
        mac = network.ends[0].hardware_address
        arguments = ["echo", DEVICE, str(PREFIX), CLIENT, mac]
        self.boots: Shipped | Brought = (
            Brought(plan, network)
            if any(plan["workload"][key] for key in BROUGHT)
            else Shipped(plan, arguments, NETWORK_CARD, home)
        )

    def begin(self) -> None:
        self._client = self._make_client()

    def run(self, qemu: Qemu, meanwhile: Callable[[], None]) -> dict[str, Any]:
        del qemu
        assert self._client  # noqa: S101  (begin made it)
        seen = self._client.run(meanwhile)
        # Who answers and keeps no count has answered what came back.
        return {**seen, "completed": seen["requests"]["replies"]}

    def close(self) -> None:
        if self._client:
            self._client.close()


class PingPong:
    """`qemu_pipe`: two processes in the guest pass a byte to and fro."""

    def __init__(self, plan: dict[str, Any], home: Path, timeout_s: float) -> None:
        self._count = plan["workload"]["count"]
        self._timeout_s = timeout_s
        self.options: list[str] = []
        self.boots: Shipped | Brought = Shipped(plan, ["pingpong", str(self._count)], (), home)
        # Last: nobody closes it when the guest cannot be had.
        self.namespace = netns.own()

    def begin(self) -> None:
        """Nothing: it begins when it is told to."""

    def run(self, qemu: Qemu, meanwhile: Callable[[], None]) -> dict[str, Any]:
        qemu.write("go")
        qemu.answer("done", self._timeout_s, meanwhile)
        return {"count": self._count}

    def close(self) -> None:
        os.close(self.namespace)


class LinuxVm:
    """One fresh Linux guest of a trial, with the interface of `guest.Vm`; close it.

    It is made paused. `boot` lets it boot and pauses it again, so that `run` holds nothing but the
    task; `rest` lets it say what it saw. vCPU 0 runs on `vcpu_cpu` and the others beside it, on
    CPUs of their own as long as one is left for QEMU and the client.
    """

    def __init__(
        self, workload: dict[str, Any], task: Task, vcpu_cpu: int | None, timeout_s: float
    ) -> None:
        self._vcpu_cpu = vcpu_cpu
        self._timeout_s = timeout_s
        self._task = task
        self._said: dict[str, Any] = {}
        options = ["-m", str(workload["memory_mib"]), *task.boots.options, *task.options]
        try:
            self._qemu = Qemu(workload["name"], options, workload["vcpus"], task.namespace)
        except BaseException:
            task.close()
            raise
        self.ready: dict[str, Any] = {
            "pid": self._qemu.pid,
            "vcpus": [{"id": id_, "tid": tid} for id_, tid in enumerate(self._qemu.threads)],
        }

    def boot(self) -> bool:
        """Boot the guest, make its task ready, and pause the guest; return that it has run."""
        for tid, cpu in zip(self._qemu.threads, _places(self._vcpu_cpu)):
            os.sched_setaffinity(tid, [cpu])
        self._qemu.go_on()
        began = time.monotonic_ns()
        self._said = self._task.boots.ready(self._qemu, self._timeout_s)
        self._said["boot_ns"] = time.monotonic_ns() - began
        self._task.begin()
        self._qemu.pause()
        return True

    def run(self, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Let the guest do its task and return what was seen; it is paused before and after.

        Raises AgentError with a sentence of the client's, of QEMU's or the guest's.
        """
        before, statistics = self._counts(), self._qemu.statistics()
        began = time.monotonic_ns()
        self._qemu.go_on()
        entered = self._asleep()
        seen = self._task.run(self._qemu, meanwhile)
        wall_ns = time.monotonic_ns() - began
        idle = self._asleep()
        self._qemu.pause()
        run_ns = time.monotonic_ns() - began
        spent = [vcpu_thread.less(now, was) for now, was in zip(self._counts(), before)]
        return {
            **seen,
            "wall_ns": wall_ns,
            **vcpu_thread.totals(spent),
            "vcpus": [
                {
                    **vcpu,
                    "cpus": vcpu_thread.cpus(vcpu["tid"]),
                    "run_ns": run_ns,
                    **_least(first, last),
                    "cpu_ns": each["vcpu_ns"],
                }
                for vcpu, each, first, last in zip(self.ready["vcpus"], spent, entered, idle)
            ],
            "stats": self._gained(statistics),
            "linux": {**self._said, "qemu": self._qemu.version},
        }

    def rest(self) -> dict[str, Any]:
        """Let the guest say what it has to say when no probe watches it."""
        self._qemu.go_on()
        return self._task.boots.last_words(self._qemu)

    def close(self) -> None:
        self._task.close()
        self._qemu.close()

    def _counts(self) -> list[dict[str, int]]:
        return [vcpu_thread.counts(self._qemu.pid, tid) for tid in self._qemu.threads]

    def _asleep(self) -> list[tuple[int, int] | None]:
        """Return for each vCPU the moments around seeing it asleep in KVM_RUN, as far as seen."""
        return [
            vcpu_thread.asleep_in_run(self._qemu.pid, tid, PATIENCE_S) for tid in self._qemu.threads
        ]

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


def _places(vcpu_cpu: int | None) -> list[int]:
    """Return CPUs for vCPUs 0, 1 and so on, none of them the first of this process's own.

    vCPUs without one share those of this process. With one CPU in all there are none to give.
    """
    if vcpu_cpu is None:
        return []
    return [vcpu_cpu, *sorted(os.sched_getaffinity(0), reverse=True)[:-1]]


def _least(entered: tuple[int, int] | None, idle: tuple[int, int] | None) -> dict[str, int]:
    """Return how long a vCPU certainly was in its first KVM_RUN to its last one, if it was seen."""
    return {"run_least_ns": idle[0] - entered[1]} if entered and idle else {}


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
