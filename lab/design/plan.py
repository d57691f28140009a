"""The plan: every trial of every host, in the order it will run, decided before anything runs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from lab.design.experiment import Experiment, Probe, Setting
from lab.store.layout import SCHEMA

WARMUP_BLOCK = -1
OFF: list[Probe] = []
"""The probes of a trial that shows what the probes of the others cost."""


@dataclass(frozen=True)
class Trial:
    """One fresh VM in one cell of one block; results/FORMAT.md names the fields."""

    trial: int
    block: int
    position: int
    warmup: bool
    setting: Setting
    probes: list[Probe]
    aa: bool
    workload: dict[str, Any]
    seed: int
    boot_group: int


class _Arm(NamedTuple):
    """What the cells of a workload in one block differ by."""

    setting: Setting
    probes: list[Probe]
    aa: bool = False


def _seed(*parts: object) -> int:
    """Return a seed that depends on all `parts` and on nothing else (not on PYTHONHASHSEED)."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6])


def trials(experiment: Experiment, host: str) -> list[Trial]:
    """Return the trials of `host`: complete blocks, and before each boot's a warm-up of every load.

    A block is one pass over all cells in an order of its own, drawn from the experiment's seed and
    the host's name. Where the experiment wants them, the reference without probes is a cell too
    (the probes' cost), and the reference once more (the A/A arm). A workload keeps one table of
    intervals within a block, so that its cells are compared on the same arrivals.
    """
    reference = _Arm(experiment.reference, experiment.probes)
    arms = [_Arm(setting, experiment.probes) for setting in experiment.settings]
    arms += [_Arm(experiment.reference, OFF)] if experiment.overhead else []
    arms += [reference._replace(aa=True)] if experiment.aa else []
    workloads = [workload.model_dump() for workload in experiment.workloads]
    ordered: list[tuple[int, int, _Arm, dict[str, Any]]] = []
    for block in range(experiment.blocks):
        group = experiment.boot_group(block)
        if not ordered or group > ordered[-1][0]:
            ordered += [(group, WARMUP_BLOCK, reference, workload) for workload in workloads]
        cells = [(group, block, arm, workload) for arm in arms for workload in workloads]
        random.Random(_seed(experiment.seed, host, block)).shuffle(cells)  # noqa: S311
        ordered += cells
    position = {block: 0 for _, block, _, _ in ordered}
    planned = []
    for number, (group, block, arm, workload) in enumerate(ordered):
        planned.append(
            Trial(
                trial=number,
                block=block,
                position=position[block],
                warmup=block == WARMUP_BLOCK,
                setting=arm.setting,
                probes=arm.probes,
                aa=arm.aa,
                workload=workload,
                seed=_seed(experiment.seed, host, block, workload["name"]),
                boot_group=group,
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
    rebooted: Collection[str] = (),
) -> dict[str, Any]:
    """Return plan.json for all `hosts`.

    `tunings` is what their inventory asks of them, `rebooted` are those it lets the lab reboot.
    """
    return {
        "schema": SCHEMA,
        "run": run,
        "experiment": name,
        "seed": experiment.seed,
        "reference": experiment.reference,
        "time_budget_s": experiment.time_budget_s,
        "trial_timeout_s": experiment.trial_timeout_s,
        "boots": experiment.boots,
        "stop": experiment.stop.model_dump() if experiment.stop else None,
        "reboot": {host: host in rebooted for host in hosts},
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
