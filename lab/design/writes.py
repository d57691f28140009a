"""Every write that a run makes on a host, and when it is undone: said before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from lab.design.catalog import catalog
from lab.paths import PLAYBOOKS

HOST_FOLDER = "/var/lib/kvmlab"
AFTERWARDS = "when the agent ends, however it ends"


@dataclass(frozen=True)
class Write:
    """Something the lab would change on a host, and when it is undone."""

    target: str
    value: str
    undone: str


def packages() -> list[Write]:
    """Return what provisioning installs where it is missing, by family of distributions."""
    installed = []
    for path in sorted((PLAYBOOKS / "roles" / "packages" / "vars").glob("*.yml")):
        names = yaml.safe_load(path.read_text())["packages_names"]["host"]
        target = f"packages, on {path.stem} and its kin"
        installed.append(Write(target, f"{', '.join(names)}, kernel headers", "they stay"))
    return installed


def writes(plan: dict[str, Any], host: str) -> list[Write]:
    """Return every write a run of `plan` makes on `host`."""
    run = plan["run"]
    changes = [
        *packages(),
        Write("KVM's module, where none is loaded", "kvm_intel, kvm_amd, …", "by the next boot"),
        Write(f"{HOST_FOLDER}/probes-<sha256>/", "this clone's probes/", "restore --purge"),
        Write(f"{HOST_FOLDER}/build/", "the guest's VMM, built there", "restore --purge"),
        Write(f"{HOST_FOLDER}/headers/", "links to kernel headers, if needed", "restore --purge"),
        Write(f"{HOST_FOLDER}/runs/{run}/", "plan, state, rows, log", "restore --purge"),
        Write(f"{HOST_FOLDER}/lock", "the name of the run", "when the agent ends"),
    ]
    groups = 1 + max(trial["boot_group"] for trial in plan["hosts"][host])
    if plan["reboot"][host] and groups > 1:
        times = f"{groups - 1} times{' at most' if plan['stop'] else ''}, between groups of blocks"
        changes.append(Write("the host is rebooted", times, "never"))
    if any("link" in trial["workload"] for trial in plan["hosts"][host]):
        changes += [
            Write("network namespaces without names", "a pair of veth each trial", "with its VM"),
            Write("the kernel's modules", "veth, sch_netem, sch_tbf", "by the next boot"),
        ]
    if any({"link", "kernel"} <= trial["workload"].keys() for trial in plan["hosts"][host]):
        changes += [
            Write("in those namespaces", "a tap and a bridge each trial", "with its VM"),
            Write("the kernel's modules", "tun, bridge", "by the next boot"),
        ]
    used: dict[str, set[int]] = {}
    for trial in plan["hosts"][host]:
        for knob, value in trial["setting"].items():
            used.setdefault(knob, set()).add(value)
    for name, values in used.items():
        knob = catalog().knobs[name]
        changes.append(
            Write(
                knob.mechanism,
                ", ".join(map(str, sorted(values))),
                AFTERWARDS if knob.scope == "host" else "with its VM",
            )
        )
    for name, tuning in catalog().tuning.items():
        if value := plan["tuning"][host].get(name):
            changes += [Write(target, f"{name}: {value}", AFTERWARDS) for target in tuning.targets]
    return changes
