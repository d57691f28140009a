"""The plan: every trial of every host, in the order it will run, decided before anything runs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import yaml

from lab.catalog import catalog
from lab.experiment import Experiment, Probe, Setting
from lab.paths import PLAYBOOKS
from lab.store.layout import SCHEMA

WARMUP_BLOCK = -1
OFF: list[Probe] = []
"""The probes of a trial that shows what the probes of the others cost."""
HOST_FOLDER = "/var/lib/kvmlab"
AFTERWARDS = "when the agent ends, however it ends"


@dataclass(frozen=True)
class Trial:
    """One fresh VM in one cell of one block; results/FORMAT.md names the fields."""

    trial: int
    block: int
    position: int
    warmup: bool
    setting: Setting
    probes: list[Probe]
    workload: dict[str, Any]
    seed: int


def _seed(*parts: object) -> int:
    """Return a seed that depends on all `parts` and on nothing else (not on PYTHONHASHSEED)."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6])


def trials(experiment: Experiment, host: str) -> list[Trial]:
    """Return the trials of `host`: a warm-up of every workload, then `blocks` complete blocks.

    A block is one pass over all cells in an order of its own, drawn from the experiment's seed and
    the host's name; the reference without probes is a cell too, where the experiment wants the
    probes' cost. A workload keeps one table of intervals within a block, so that its cells are
    compared on the same arrivals.
    """
    arms = [(setting, experiment.probes) for setting in experiment.settings]
    arms += [(experiment.reference, OFF)] if experiment.overhead else []
    workloads = [workload.model_dump() for workload in experiment.workloads]
    ordered = [
        (WARMUP_BLOCK, (experiment.reference, experiment.probes), workload)
        for workload in workloads
    ]
    for block in range(experiment.blocks):
        cells = [(block, arm, workload) for arm in arms for workload in workloads]
        random.Random(_seed(experiment.seed, host, block)).shuffle(cells)  # noqa: S311
        ordered += cells
    position = {block: 0 for block, _, _ in ordered}
    planned = []
    for number, (block, (setting, probes), workload) in enumerate(ordered):
        planned.append(
            Trial(
                trial=number,
                block=block,
                position=position[block],
                warmup=block == WARMUP_BLOCK,
                setting=setting,
                probes=probes,
                workload=workload,
                seed=_seed(experiment.seed, host, block, workload["name"]),
            )
        )
        position[block] += 1
    return planned


def document(
    run: str,
    name: str,
    experiment: Experiment,
    hosts: list[str],
    tunings: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return plan.json for all `hosts`; `tunings` is what their inventory asks of them."""
    return {
        "schema": SCHEMA,
        "run": run,
        "experiment": name,
        "seed": experiment.seed,
        "reference": experiment.reference,
        "time_budget_s": experiment.time_budget_s,
        "trial_timeout_s": experiment.trial_timeout_s,
        "tuning": {host: tunings.get(host, {}) for host in hosts},
        "hosts": {host: [asdict(trial) for trial in trials(experiment, host)] for host in hosts},
    }


def for_host(plan: dict[str, Any], host: str, *, allow_foreign_vms: bool) -> dict[str, Any]:
    """Return the part of plan.json that `host` is sent."""
    return {
        "schema": SCHEMA,
        "run": plan["run"],
        "host": host,
        "time_budget_s": plan["time_budget_s"],
        "trial_timeout_s": plan["trial_timeout_s"],
        "allow_foreign_vms": allow_foreign_vms,
        "tuning": plan["tuning"][host],
        "trials": plan["hosts"][host],
    }


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
    if any("link" in trial["workload"] for trial in plan["hosts"][host]):
        changes += [
            Write("network namespaces without names", "a pair of veth each trial", "with its VM"),
            Write("the kernel's modules", "veth, sch_netem, sch_tbf", "by the next boot"),
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
                "with its VM" if knob.scope == "vm" else AFTERWARDS,
            )
        )
    for name, tuning in catalog().tuning.items():
        if value := plan["tuning"][host].get(name):
            changes += [Write(target, f"{name}: {value}", AFTERWARDS) for target in tuning.targets]
    return changes
