"""Tuning of the host for one run: asked for in the inventory, journalled, undone with the knobs.

The simple ones are files of the catalog. `isolation` keeps others off the vCPU's CPU as far as that
goes without a boot: interrupts, unbound workqueues, all tasks below a cgroup. The tick, RCU's
callbacks, per-CPU kernel threads and interrupts that their drivers manage stay; they need
`nohz_full=`, `rcu_nocbs=` and `isolcpus=managed_irq,` on the kernel's command line.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any, Callable

from agent.errors import AgentError
from agent.files import read_json, read_text
from agent.journal import Journal
from agent.knobs import CATALOG
from agent.settings import KINDS, Cpuset, Text

ISOLATION = "isolation"
REQUIRED = "required"


class Tuning:
    """What the inventory asks of this host, done in two steps; `facts` tells what came of it."""

    def __init__(
        self, asked: dict[str, Any], journal: Journal, sysfs: Path, procfs: Path = Path("/proc")
    ) -> None:
        self._asked = {name: value for name, value in asked.items() if name != REQUIRED}
        self._required = bool(asked.get(REQUIRED))
        self._journal = journal
        self._roots = {"/sys": sysfs, "/proc": procfs}
        self.facts: list[dict[str, Any]] = []

    def apply(self) -> None:
        """Write what does not depend on the vCPU's CPU, before that is chosen.

        Raises AgentError when something required is not to be had.
        """
        catalog = read_json(CATALOG)["tuning"]
        for name, value in self._asked.items():
            if name != ISOLATION:
                self._try(name, partial(self._write, catalog[name], value))

    def isolate(self, cpu: int | None) -> None:
        """Keep others off `cpu`, when that is asked for; AgentError as for `apply`."""
        if ISOLATION in self._asked:
            self._try(ISOLATION, partial(self._isolate, cpu))

    def _try(self, name: str, act: Callable[[], str | None]) -> None:
        value = self._asked[name]
        fact = {"tuning": name, "value": value, "status": "ok", "reason": None}
        try:
            fact["reason"] = act()
        except (AgentError, OSError) as error:
            if self._required:
                raise AgentError(
                    f"{name}={value} is required by kvmlab_tuning and cannot be had: {error}"
                ) from error
            fact.update(status="missing", reason=str(error))
        self.facts.append(fact)

    def _find(self, pattern: str) -> list[Path]:
        top = next(top for top in self._roots if pattern.startswith(f"{top}/"))
        return sorted(self._roots[top].glob(str(Path(pattern).relative_to(top))))

    def _write(self, entry: dict[str, Any], value: str) -> str | None:
        kind = KINDS[entry["kind"]]
        targets = [kind(str(path), path) for path in self._find(entry["target"])]
        if not targets:
            raise AgentError(f"this host has no {entry['target']}")
        # Undone last written first: what the write itself moves comes back after it.
        self._journal.record(
            [Text(str(path), path) for what in entry["disturbs"] for path in self._find(what)]
        )
        self._journal.record(targets)
        for target in targets:
            if target.show() != value:
                target.write(value)
        return None

    def _isolate(self, cpu: int | None) -> str | None:
        if cpu is None:
            raise AgentError("this host has one CPU, which the vCPU shares with everything")
        housekeeping = format_list(os.sched_getaffinity(0) - {cpu})
        self._confine_tasks(housekeeping)
        masks = [
            *self._find("/proc/irq/default_smp_affinity"),
            *self._find("/sys/devices/virtual/workqueue/cpumask"),
        ]
        for path in masks:
            mask = Text(str(path), path)
            self._journal.write(mask, without(str(mask.show()), cpu))
        return self._move_interrupts(cpu, housekeeping)

    def _confine_tasks(self, housekeeping: str) -> None:
        """Keep every cgroup to these CPUs, but the root, which this process moves to."""
        root = self._roots["/sys"] / "fs/cgroup"
        if "cpuset" not in (read_text(root / "cgroup.controllers") or "").split():
            raise AgentError(f"{root} is no cgroup v2 hierarchy with the controller cpuset")
        control = Cpuset("cgroup cpuset", root / "cgroup.subtree_control")
        if control.show() == control.ON:
            # With tasks in it a cpuset.cpus is never emptied again: validate_change(), cpuset.c.
            raise AgentError(
                "others use the cgroup controller cpuset here: stop them (containers?)"
            )
        affinity = os.sched_getaffinity(0)
        (root / "cgroup.procs").write_text(f"{os.getpid()}\n")
        # A move sets it to all CPUs.
        os.sched_setaffinity(0, affinity)
        # Without the controller the files go, and what was written to them.
        self._journal.write(control, control.ON)
        for cpuset in self._find("/sys/fs/cgroup/*/cpuset.cpus"):
            Text(str(cpuset), cpuset).write(housekeeping)

    def _move_interrupts(self, cpu: int, housekeeping: str) -> str | None:
        """Return which interrupts stay, if any does."""
        there = [
            Text(str(path), path)
            for path in self._find("/proc/irq/*/smp_affinity_list")
            if cpu in parse_list(read_text(path) or "")
        ]
        self._journal.record(there)
        staying = []
        for interrupt in there:
            rest = parse_list(str(interrupt.show())) - {cpu}
            try:
                interrupt.write(format_list(rest) if rest else housekeeping)
            except AgentError:
                # Per CPU, or managed by its driver: the kernel refuses, and nothing was changed.
                (actions,) = self._find(f"/sys/kernel/irq/{interrupt.path.parent.name}/actions")
                staying += [read_text(actions)]
        handled = ", ".join(filter(None, staying))
        return f"interrupts stay that cannot be moved: {handled}" if handled else None


def parse_list(text: str) -> set[int]:
    """Read a list of CPUs as the kernel shows it: `0-2,5` (bitmap_parselist())."""
    cpus: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus


def format_list(cpus: set[int]) -> str:
    """Write a list of CPUs as the kernel shows it."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def without(mask: str, cpu: int) -> str:
    """Take `cpu` out of a mask as the kernel shows it: hexadecimal, 32 bits to a comma."""
    digits = mask.replace(",", "")
    left = f"{int(digits, 16) & ~(1 << cpu):0{len(digits)}x}"
    head = len(left) % 8 or 8
    return ",".join([left[:head], *(left[i : i + 8] for i in range(head, len(left), 8))])
