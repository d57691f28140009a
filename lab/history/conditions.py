"""Under which conditions a run was made, as names and values that can be held against another's.

Each name belongs to one of these: a condition that gives numbers another meaning or level by
itself (probes, microcode, mitigations, what KVM counts as a successful poll), or one that is a
cause to be named when numbers change (the kernel, a module's parameter, the governor).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.store.layout import Document, rows_file
from lab.store.read import read_manifest, read_plan

KERNEL = "kernel"
PARAMETER = "parameter "
WORKLOAD = "workload "
POLL_SUCCESS = "meaning of a successful poll"
MEANING = ("probes", "microcode", "mitigation ", "CPU", "KVM flavour", "clock class", POLL_SUCCESS)
"""Names, or beginnings of names, of what makes numbers before and after it incomparable."""

Conditions = Mapping[str, str]


def conditions(folder: Path) -> dict[str, dict[str, str]]:
    """Read a run's conditions by host; what was not recorded is not there."""
    plan = read_plan(folder)
    found = {}
    for host, entry in read_manifest(folder)["hosts"].items():
        if facts := entry.get("facts"):
            named = {**_of_facts(facts), **_of_plan(plan, host)}
            if meaning := _poll_success(rows_file(folder, host)):
                named[POLL_SUCCESS] = meaning
            found[host] = {name: str(value) for name, value in named.items() if value is not None}
    return found


def _of_facts(facts: Document) -> dict[str, Any]:
    kvm, versions = facts.get("kvm") or {}, facts.get("versions") or {}
    return {
        KERNEL: " ".join(filter(None, [facts.get("kernel"), facts.get("kernel_version")])) or None,
        "command line": facts.get("cmdline"),
        "probes": facts.get("probes_sha256"),
        "microcode": facts.get("microcode"),
        "CPU": facts.get("cpu_model"),
        "KVM flavour": kvm.get("flavour"),
        "clock class": facts.get("clock_class"),
        "clock source": facts.get("clocksource"),
        "hypervisor": facts.get("hypervisor"),
        "SMT": facts.get("smt"),
        "governor": facts.get("governor"),
        "idle driver": facts.get("idle_driver"),
        "transparent huge pages": facts.get("thp"),
        "CPU of the vCPU": (facts.get("cpus") or {}).get("vcpu"),
        "bcc": versions.get("bcc"),
        "QEMU": versions.get("qemu"),
        **{f"mitigation {name}": text for name, text in (facts.get("mitigations") or {}).items()},
        **{PARAMETER + name: text for name, text in (kvm.get("parameters") or {}).items()},
    }


def _of_plan(plan: Document, host: str) -> dict[str, Any]:
    """Say what a cell of each workload is: the workload itself, and what is attached meanwhile."""
    return {
        f"{WORKLOAD}{plan['experiment']}/{trial['workload']['name']}": json.dumps(
            {**trial["workload"], "probes": trial.get("probes", ["halts"])}, sort_keys=True
        )
        for trial in plan["hosts"].get(host, [])
        if trial.get("probes", True)
    }


def _poll_success(rows: Path) -> str | None:
    """Say what this kernel counts as a successful poll; None where no trial tells.

    The statistic `blocking` (c3858335c711, "KVM: stats: Add stat to detect if vcpu is currently
    blocking") came in one series with 30c9434717fd ("KVM: Reconcile discrepancies in
    halt-polling stats", v5.17), which made it any halt that never slept.
    """
    for row in _rows(rows) if rows.is_file() else ():
        statistics = ((row.get("guest") or {}).get("stats") or {}).get("vcpu")
        if statistics:
            told = "blocking" in statistics[0]
            return "the vCPU never slept" if told else "the wake-up came inside the poll loop"
    return None


def _rows(path: Path) -> Iterator[Document]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
