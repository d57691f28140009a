"""Run one trial: set the knobs, start a fresh VM, watch it, and make its row."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from agent import SCHEMA, domain, intervals, linux, linux_boot
from agent.domain import Domain
from agent.errors import AgentError, MissingError, UnsupportedError
from agent.files import write_atomic
from agent.guest import Vm
from agent.host_state import HostState
from agent.journal import Journal
from agent.knobs import Availability, Knob, ModuleParameter, inert
from agent.linux_vm import LinuxVm, PingPong, Requests
from agent.network import Bridged, End, Network
from agent.probe import Watched
from agent.probes import DEFAULT, Probes
from agent.process import boot_id


class Bench:
    """What every trial of a run needs: the VMM, the probes, the knobs, the CPUs."""

    def __init__(
        self,
        binary: Path,
        workloads: dict[str, dict[str, Any]],
        probes: Probes,
        knobs: dict[str, Knob],
        journal: Journal,
        folder: Path,
        vcpu_cpu: int | None,
        timeout_s: float,
    ) -> None:
        self._binary = binary
        self._workloads = workloads
        self._probes = probes
        self._knobs = knobs
        self._journal = journal
        self._home = folder.parent.parent
        self._table = folder / "intervals"
        self._vcpu_cpu = vcpu_cpu
        self._timeout_s = timeout_s

    def trial(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Return the result row of `plan` without what `header` adds.

        A trial that cannot run here is an `inert` or `missing` row, one that breaks a `failed` row.
        Raises AgentError when the host itself is at fault (a knob that does not take its value).
        """
        started = time.monotonic_ns()
        row: dict[str, Any] = {
            **plan,
            "status": "ok",
            "reason": None,
            "started_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "effective": None,
            "guest": None,
            "haltpoll": None,
            "phases": None,
            "functions": None,
            "network": None,
            "host_state": None,
        }
        blocked = self._blocked(plan)
        if blocked:
            row.update(status=blocked.status, reason=blocked.reason)
        else:
            self._set(plan["setting"])
            state = HostState(self._vcpu_cpu)
            try:
                row.update(self._measure(plan))
            except UnsupportedError:
                raise
            except MissingError as error:
                row.update(status="missing", reason=str(error))
            except AgentError as error:
                row.update(status="failed", reason=str(error))
            if row["status"] == "ok":
                row.update(self._inert(plan["setting"]))
            row["effective"] = self._effective(plan["setting"], row["guest"])
            row["host_state"] = state.since()
        row["duration_ns"] = time.monotonic_ns() - started
        return row

    def _blocked(self, plan: dict[str, Any]) -> Availability | None:
        if lacking := self._workloads[plan["workload"]["guest"]]["reason"]:
            return Availability("missing", lacking)
        for name, value in plan["setting"].items():
            knob = self._knobs.get(name)
            if knob is None:
                return Availability("missing", f"this agent has no knob {name}")
            if elsewhere := _not_of(plan["workload"]["guest"], knob):
                return Availability("inert", elsewhere)
            availability = knob.can_be(value)
            if availability.status != "ok":
                return availability
        return None

    def _inert(self, setting: dict[str, int]) -> dict[str, str]:
        """Return the status and reason of a trial whose knobs can be turned and do nothing."""
        reasons = [inert(name) for name in setting]
        return {"status": "inert", "reason": str(reasons[0])} if reasons and all(reasons) else {}

    def _set(self, setting: dict[str, int]) -> None:
        for name, value in setting.items():
            knob = self._knobs[name]
            if isinstance(knob, ModuleParameter) and knob.show() != value:
                self._journal.write(knob, value)

    def _effective(
        self, setting: dict[str, int], guest: dict[str, Any] | None
    ) -> dict[str, int | None]:
        """Read every knob back; those of a guest are what the guest said of itself.

        KVM_CAP_HALT_POLL cannot be read: the kernel took it, or the VMM would have failed.
        """
        said = {**setting, **linux.knobs(guest or {})}
        return {
            name: knob.show() if knob.scope == "host" else said.get(name)
            for name, knob in self._knobs.items()
        }

    def _measure(self, plan: dict[str, Any]) -> dict[str, Any]:
        watched = plan["workload"]["guest"] not in domain.WORKLOADS
        probes = self._probes.attached(plan.get("probes", DEFAULT) if watched else [])
        with _network(plan["workload"]) as network, closing(self._vm(plan, network)) as vm:
            pid = vm.ready["pid"]
            vcpus = {vcpu["tid"]: vcpu["id"] for vcpu in vm.ready["vcpus"]}
            probes.begin([Watched(pid, self._ceiling(plan["setting"]), vcpus)])
            if vm.boot():
                probes.restart()
            try:
                guest = vm.run(probes.drain)
            finally:
                seen = probes.end()
            guest.update(vm.rest())
            facts = network.facts() if network else None
        return {"guest": guest, **seen[pid], "network": facts}

    def _vm(self, plan: dict[str, Any], network: Network | None) -> Vm | LinuxVm | Domain:
        workload = plan["workload"]
        if workload["guest"] in domain.WORKLOADS:
            return Domain(workload, lambda: self._tiny(plan, network))
        if workload["guest"] not in linux.BOOTED:
            return self._tiny(plan, network)
        task = (
            Requests(plan, network, self._home, lambda: self._tiny(plan, network))
            if network
            else PingPong(plan, self._home, self._timeout_s)
        )
        return LinuxVm(workload, task, self._vcpu_cpu, self._timeout_s)

    def _tiny(self, plan: dict[str, Any], network: Network | None) -> Vm:
        """Start the VMM; for a Linux guest it is that one's client."""
        options = self._options(plan)
        if network is None:
            return Vm(self._binary, options, self._timeout_s)
        return Vm(self._binary, options + network.options, self._timeout_s, network.descriptors)

    def _ceiling(self, setting: dict[str, int]) -> int:
        """Return the ceiling of the polling window (kvm_vcpu_max_halt_poll_ns() in kvm_main.c)."""
        if "vm.halt_poll_ns" in setting:
            return setting["vm.halt_poll_ns"]
        return self._knobs["host.halt_poll_ns"].show() or 0

    def _options(self, plan: dict[str, Any]) -> list[str]:
        workload = plan["workload"]
        options = self._requests(plan)
        if workload["guest"] in linux.WORKLOADS:
            options += ["--workload", "net_rr"]
            options += ["--remote", str(workload.get("port", linux_boot.PORT))]
            return options + (["--address", workload["address"]] if "address" in workload else [])
        options += ["--workload", workload["guest"]]
        if "batch" in workload:
            options += ["--batch", str(workload["batch"])]
        if "vcpus" in workload:
            options += ["--vcpus", str(workload["vcpus"]), "--tick", str(workload["tick_ns"])]
        if "vm.halt_poll_ns" in plan["setting"]:
            options += ["--halt-poll-ns", str(plan["setting"]["vm.halt_poll_ns"])]
        if self._vcpu_cpu is not None:
            options += ["--cpu", str(self._vcpu_cpu)]
        return options

    def _requests(self, plan: dict[str, Any]) -> list[str]:
        """Return what is asked of a guest, and when."""
        workload = plan["workload"]
        options = ["--count", str(workload["count"])]
        if "interval" in workload:
            table = intervals.table(workload["interval"], workload["count"], plan["seed"])
            write_atomic(self._table, "".join(f"{ns}\n" for ns in table).encode())
            options += ["--intervals", str(self._table)]
        if "burst" in workload:
            options += ["--burst", str(workload["burst"])]
        if workload.get("loop") == "open":
            options += ["--open"]
        if workload.get("protocol") == "tcp":
            options += ["--tcp"]
        return options


def _not_of(guest: str, knob: Knob) -> str | None:
    """Return why a knob does nothing to this workload's guest, or None."""
    if knob.scope != "host" and guest in domain.WORKLOADS:
        return "it is set when a VM starts, and this one ran before the trial"
    if knob.scope == "guest" and guest not in linux.BOOTED:
        return "the lab's own guest has no idle driver: this knob is for Linux guests"
    if knob.scope == "vm" and guest in linux.BOOTED:
        return "QEMU sets no KVM_CAP_HALT_POLL on its VMs: use the module's parameter"
    return None


def _network(workload: dict[str, Any]) -> AbstractContextManager[Network | None]:
    """Return the private network of a workload that has a `link`, else nothing."""
    if "link" not in workload:
        return nullcontext()
    device = Bridged if workload["guest"] in linux.BOOTED else End
    return closing(Network(workload["link"], device))


def header(run: str, host: str) -> dict[str, Any]:
    return {"schema": SCHEMA, "run": run, "host": host, "boot_id": boot_id()}
