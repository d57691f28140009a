"""The VMs that run on this host, as anyone with root sees them: nothing is asked of them."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from agent.facts import foreign_vms
from agent.files import read_text
from agent.namespace import DEBUGFS
from agent.process import alive, start_time

VM = "anon_inode:kvm-vm"
VCPU = re.compile(r"anon_inode:kvm-vcpu:(\d+)$")
# QEMU's, with debug-threads=on (accel/kvm/kvm-accel-ops.c); libvirt sets that.
QEMU_VCPU = re.compile(r"CPU (\d+)/KVM$")
CEILING = Path("/sys/module/kvm/parameters/halt_poll_ns")
# KVM's own count of halts and exits of a VM (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD),
# by the names that debugfs has for them.
STATISTICS = (
    "exits",
    "halt_exits",
    "halt_wakeup",
    "halt_attempted_poll",
    "halt_successful_poll",
    "halt_poll_invalid",
    "halt_poll_success_ns",
    "halt_poll_fail_ns",
    "halt_wait_ns",
)


@dataclass(frozen=True)
class Vm:
    """A process that holds a VM. `started` tells it from another that gets its pid."""

    pid: int
    started: int
    name: str

    @property
    def alive(self) -> bool:
        return alive(self.pid, self.started)

    def vcpus(self) -> list[int]:
        """Return the ids of the vCPUs that the process holds."""
        found = map(VCPU.match, _links(self.pid))
        return [int(match[1]) for match in found if match]

    def statistics(self) -> dict[str, int] | None:
        """Return KVM's statistics of the VM; None where debugfs does not show them.

        A locked-down kernel (security=lockdown, or secure boot) lets nobody read them.
        """
        # Its folder is named by the thread that made the VM, and the VM's descriptor.
        threads = {path.name for path in Path(f"/proc/{self.pid}/task").glob("[0-9]*")}
        for folder in (DEBUGFS / "kvm").glob("[0-9]*-*"):
            if folder.name.partition("-")[0] in threads:
                found = {name: read_text(folder / name) for name in STATISTICS}
                return {name: int(text) for name, text in found.items() if text} or None
        return None


def find(pids: list[int]) -> list[Vm]:
    """Return the VMs of these processes, of all processes when none is named."""
    return [vm for vm in map(_vm, pids or foreign_vms()) if vm]


def holds_vm(pid: int) -> bool:
    return VM in _links(pid)


def ceiling() -> int:
    """Return the ceiling of polling windows in force on this host, in ns.

    A VMM may set another for its VM (KVM_CAP_HALT_POLL), which cannot be seen from outside.
    """
    return int(read_text(CEILING) or 0)


def thread_name(pid: int, tid: int) -> str | None:
    return read_text(f"/proc/{pid}/task/{tid}/comm")


def vcpu_by_name(thread: str | None) -> int | None:
    match = QEMU_VCPU.match(thread or "")
    return int(match[1]) if match else None


def _vm(pid: int) -> Vm | None:
    started = start_time(pid)
    return None if started is None else Vm(pid, started, _name(pid))


def _name(pid: int) -> str:
    """Return what QEMU was told to call its guest, else the process's name."""
    words = (read_text(f"/proc/{pid}/cmdline") or "").split("\0")
    for option, value in zip(words, words[1:]):
        if option in ("-name", "--name"):
            # -name guest=web1,debug-threads=on
            keys = dict(part.rpartition("=")[::2] for part in value.split(","))
            return keys.get("guest") or keys.get("") or value
    return read_text(f"/proc/{pid}/comm") or "?"


def _links(pid: int) -> list[str]:
    """Return what the descriptors of a process are."""
    links = []
    # Each of them may close meanwhile, and the process end.
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(path.readlink()))
    return links
