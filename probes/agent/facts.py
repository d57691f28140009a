"""Facts of this host: whatever is needed to doubt a result. What cannot be read is None."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from agent import arch, clock
from agent.files import read_text
from agent.knobs import Knob, verdict
from agent.process import boot_id
from agent.settings import Choice

CPU = Path("/sys/devices/system/cpu")


def collect(
    knobs: dict[str, Knob], cpus: dict[str, Any], description: dict[str, Any]
) -> dict[str, Any]:
    """Return the facts results/FORMAT.md lists, but for those only the agent's run knows.

    `description` is what the VMM says of the host; empty when it could not be asked.
    """
    architecture = arch.of()
    clock_class, reason = (
        clock.classify(architecture, description.get("turn_ns", []))
        if architecture
        else ("unknown", f"no module for {platform.machine()} in agent/arch")
    )
    return {
        "hostname": socket.gethostname(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "kernel_version": platform.version(),
        "distribution": _distribution(),
        "cmdline": _cmdline(read_text("/proc/cmdline") or ""),
        "cpu_model": _cpu_model(),
        "cpus_online": os.cpu_count(),
        "microcode": architecture.microcode() if architecture else None,
        "smt": read_text(CPU / "smt" / "control"),
        "numa_nodes": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or None,
        "governor": read_text(CPU / "cpu0" / "cpufreq" / "scaling_governor"),
        "thp": Choice("thp", Path("/sys/kernel/mm/transparent_hugepage/enabled")).show(),
        "idle_driver": read_text(CPU / "cpuidle" / "current_driver"),
        "clocksource": read_text(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource"
        ),
        "hypervisor": architecture.hypervisor() if architecture else None,
        "mitigations": {
            path.name: read_text(path) for path in sorted((CPU / "vulnerabilities").glob("*"))
        },
        "kvm": _kvm(architecture),
        "clock_class": clock_class,
        "clock_class_reason": reason,
        "versions": {
            "python": platform.python_version(),
            "cc": _first_line(["cc", "--version"]),
            "qemu": _first_line([f"qemu-system-{platform.machine()}", "--version"]),
        },
        "cpus": cpus,
        "boot_id": boot_id(),
        "uptime_s": float((read_text("/proc/uptime") or "0").split()[0]),
        "load_1m": os.getloadavg()[0],
        "foreign_vms": foreign_vms(),
        "knobs": [verdict(knob) for knob in knobs.values()],
    }


def foreign_vms() -> list[int]:
    """Return the pids of processes that hold a VM: an open file that is a `kvm-vm` inode."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        # Each of them may close meanwhile.
        with contextlib.suppress(OSError):
            if str(link.readlink()) == "anon_inode:kvm-vm":
                found.add(int(link.parts[2]))
    return sorted(found)


def _cmdline(line: str) -> str:
    """Return the kernel's own parameters: what goes to init may be secret and changes nothing."""
    own = line.partition(" -- ")[0].split()
    return " ".join(word for word in own if not word.startswith(("init=", "rdinit=")))


def _kvm(architecture: arch.Architecture | None) -> dict[str, Any]:
    modules = sorted(Path("/sys/module").glob("kvm*"))
    return {
        "flavour": architecture.flavour() if architecture else None,
        "modules": [module.name for module in modules],
        "parameters": {
            f"{module.name}.{path.name}": read_text(path)
            for module in modules
            for path in sorted(module.glob("parameters/*"))
        },
    }


def _distribution() -> str | None:
    for line in (read_text("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def _cpu_model() -> str | None:
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "cpu", "CPU part", "processor 0"):
            return value.strip()
    return None


def _first_line(command: list[str]) -> str | None:
    if not shutil.which(command[0]):
        return None
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.partition("\n")[0] or None
