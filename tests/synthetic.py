"""Writes synthetic runs: of the real format, with made-up hosts that follow the kernel's algorithm.

Every name says `synthetic`, so that nobody takes one for a measurement. The polling window
follows `kvm_vcpu_halt()` of Linux 6.18 (grow 2, grow_start 10 µs, shrink 2); a guest that polls
sees its wake-up sooner than one that was put to sleep, with some noise per trial and per wake-up.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lab.labels import setting_label
from tests import synthetic_phases
from tests.synthetic_phases import buckets

Document = dict[str, Any]
Arm = tuple[Mapping[str, int], list[str], bool]

KNOB = "vm.halt_poll_ns"
CEILINGS = (0, 20_000, 50_000, 200_000, 1_000_000)
SETTINGS = [{KNOB: ceiling} for ceiling in CEILINGS]
REFERENCE = {KNOB: 200_000}
BOOT = "5e7f0b3c-0000-4000-8000-000000000000"
GROW, GROW_START, SHRINK = 2, 10_000, 2
OUTCOMES = ("hit", "late_hit", "miss", "no_poll", "instant")
SPLIT = ("hit", "late_hit", "miss_poll", "miss_wait", "no_poll", "instant")

FIXED_30US = {
    "name": "fixed-30us",
    "guest": "halt",
    "count": 200,
    "interval": {"kind": "fixed", "ns": 30_000},
}
EXPONENTIAL_100US = {
    "name": "exponential-100us",
    "guest": "halt",
    "count": 200,
    "interval": {"kind": "exponential", "ns": 100_000},
}
FIXED_150US = {**FIXED_30US, "name": "fixed-150us", "interval": {"kind": "fixed", "ns": 150_000}}
FIXED_1MS = {**FIXED_30US, "name": "fixed-1ms", "interval": {"kind": "fixed", "ns": 1_000_000}}
EXIT = {"name": "exit", "guest": "exit", "count": 100, "batch": 100}
USERSPACE = {"name": "userspace", "guest": "userspace", "count": 100, "batch": 100}
HYPERCALL, MMIO, IPI, FPU = (
    {"name": name, "guest": name, "count": 100, "batch": 23}
    for name in ("hypercall", "mmio", "ipi", "fpu")
)
WORKLOADS = (FIXED_30US, FIXED_150US, EXPONENTIAL_100US, FIXED_1MS)


def write_run(
    store: Path,
    name: str = "20260101-000000-synthetic",
    *,
    hosts: Mapping[str, str] | None = None,
    settings: Iterable[Mapping[str, int]] = SETTINGS,
    reference: Mapping[str, int] = REFERENCE,
    workloads: Sequence[Document] = WORKLOADS,
    blocks: int = 6,
    seed: int = 20181024,
    probes: Sequence[str] = ("halts",),
    overhead: bool = False,
    aa: bool = False,
    architectures: Mapping[str, str] | None = None,
) -> Path:
    """Write a whole run below `store`; `hosts` maps a host's name to its clock class.

    `architectures` maps a host's name to what it is, if not x86_64.
    """
    hosts = {"synthetic": "hardware"} if hosts is None else hosts
    rng = np.random.default_rng(seed)
    run = store / name
    run.mkdir(parents=True)
    arms = [(setting, list(probes), False) for setting in settings]
    arms += [(reference, [], False)] if overhead else []
    arms += [(reference, list(probes), True)] if aa else []
    warm = (reference, list(probes), False)
    plans = {host: plan_trials(arms, warm, workloads, blocks, rng) for host in hosts}
    of_hosts = dict.fromkeys(hosts, "x86_64") | dict(architectures or {})
    facts = {host: host_facts(host, clock, of_hosts[host]) for host, clock in hosts.items()}
    (run / "experiment.toml").write_text(
        'analysis = """\nWhat does a synthetic window buy?\n\n- No host was measured.\n"""\n'
    )
    dump(run / "plan.json", {
        "run": name, "experiment": "synthetic", "seed": seed, "reference": dict(reference),
        "time_budget_s": 170, "hosts": plans,
    })  # fmt: skip
    dump(run / "manifest.json", {
        "run": name, "created_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:02:00Z",
        "command": ["kvmlab", "run", "synthetic"], "experiment": "synthetic", "seed": seed,
        "tool": {"version": "0.1.0", "commit": None, "dirty": False}, "state": "complete",
        "hosts": {
            host: {"state": "complete", "error": None, "facts": facts[host]} for host in hosts
        },
    })  # fmt: skip
    for host, plan in plans.items():
        write_rows(run, host, [measured(name, host, trial, rng) for trial in plan])
    return run


def dump(path: Path, document: Document) -> None:
    path.write_text(json.dumps({"schema": 1, **document}))


def write_rows(run: Path, host: str, rows: Iterable[Document]) -> Path:
    path = run / f"{host}.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def plan_trials(
    arms: Sequence[Arm],
    warm: Arm,
    workloads: Sequence[Document],
    blocks: int,
    rng: np.random.Generator,
) -> list[Document]:
    cells = [(-1, warm, workload) for workload in workloads]
    for block in range(blocks):
        order = [(block, arm, workload) for arm in arms for workload in workloads]
        cells += [order[i] for i in rng.permutation(len(order))]
    return [
        {
            "trial": number,
            "block": block,
            "position": number,
            "warmup": block < 0,
            "setting": dict(setting),
            "probes": probes,
            "aa": aa,
            "workload": workload,
            "seed": 1000 + block,
        }
        for number, (block, (setting, probes, aa), workload) in enumerate(cells)
    ]


def measured(run: str, host: str, trial: Document, rng: np.random.Generator) -> Document:
    """Row of a trial that went well."""
    guest, probe = halts(trial, rng) if trial["workload"]["guest"] == "halt" else exits(trial, rng)
    phases = functions = None
    if "phases" in trial["probes"]:
        phases = synthetic_phases.phases(trial["workload"], guest, probe, rng)
    if phases and "functions" in trial["probes"]:
        functions = synthetic_phases.functions(phases, rng)
    return {
        "schema": 1, "run": run, "host": host, "boot_id": BOOT, **trial,
        "status": "ok", "reason": None,
        "started_at": "2026-01-01T00:00:00Z", "duration_ns": 1_000_000_000,
        "effective": trial["setting"], "guest": guest,
        "haltpoll": probe if trial["probes"] else None, "phases": phases, "functions": functions,
        "host_state": {
            "busy_ticks": 90, "idle_ticks": 10, "irq_ticks": 0, "steal_ticks": 0,
            "guest_ticks": 80, "throttles": 0, "frequency_khz": 3_000_000, "load_1m": 0.1,
        },
    }  # fmt: skip


def unmeasured(run: str, host: str, trial: Document, status: str, reason: str) -> Document:
    return {
        "schema": 1, "run": run, "host": host, "boot_id": BOOT, **trial,
        "status": status, "reason": reason,
        "started_at": None, "duration_ns": 0, "effective": {}, "guest": None, "haltpoll": None,
        "phases": None, "functions": None, "host_state": None,
    }  # fmt: skip


def halts(trial: Document, rng: np.random.Generator) -> tuple[Document, Document]:
    """Guest and probe of a halting trial."""
    count, ceiling = trial["workload"]["count"], trial["setting"].get(KNOB, 200_000)
    spent = intervals(trial["workload"]["interval"], count, np.random.default_rng(trial["seed"]))
    drift = rng.lognormal(0, 0.03) * probe_cost(trial)
    window, latency, stream = 0, [], []
    windows: list[tuple[int, ...]] = []
    clock = 0.0
    for interval in spent:
        hit = interval <= window
        woken = drift * (2_000 if hit else 7_000 + 4_000 * (interval > 500_000))
        latency.append(woken * rng.lognormal(0, 0.15) * (5 if rng.random() < 0.01 else 1))
        ns = int(interval + (80 if hit else latency[-1] / 2))
        hit = hit and ns <= window
        clock += interval + latency[-1] + 1_500
        stream.append((0, int(clock), ns, int(not hit), 1, window))
        new = next_window(window, ns, ceiling)
        if new != window:
            windows.append((0, int(clock), int(new > window), new, window))
        window = new
    probe = probed(np.array(stream), windows)
    sums = probe["sums_ns"]
    polled = sums["hit"] + sums["miss_poll"]
    cpu = int(polled + count * 3_500 * drift)
    guest = {
        "counter": {"source": "synthetic", "nominal_hz": 1e9, "calibrated_hz": 1e9},
        "count": count, "completed": count, "spurious": 0, "wall_ns": int(clock),
        "cpu": {"vcpu_ns": cpu, "user_ns": 0, "system_ns": cpu, "guest_ns": 0},
        "switches": {"voluntary": count, "involuntary": 0},
        "latency_ns": np.round(latency).astype(int).tolist(), "arm_ns": [900] * count,
        "vcpus": [{"id": 0, "tid": 4711}],
        "stats": {"vm": {}, "vcpu": [{
            "halt_exits": count,
            "halt_attempted_poll": probe["outcomes"]["hit"] + probe["outcomes"]["miss"],
            "halt_successful_poll": probe["outcomes"]["hit"],
            "halt_poll_success_ns": sums["hit"], "halt_poll_fail_ns": sums["miss_poll"],
            "halt_wait_ns": sums["miss_wait"] + sums["no_poll"],
        }]},
    }  # fmt: skip
    return guest, probe


def next_window(window: int, ns: int, ceiling: int) -> int:
    """Follow the end of `kvm_vcpu_halt()`."""
    if not ceiling:
        return 0
    if ns <= window:
        return window
    if window and ns > ceiling:
        return window // SHRINK if window // SHRINK >= GROW_START else 0
    if window < ceiling and ns < ceiling:
        return min(max(window * GROW, GROW_START), ceiling)
    return window


def probed(stream: np.ndarray[Any, Any], windows: list[tuple[int, ...]]) -> Document:
    thread, end, ns, waited, valid, window = stream.T
    polled, slept = window > 0, waited > 0
    times = {
        "hit": ns[polled & ~slept & (ns <= window)],
        "late_hit": ns[polled & ~slept & (ns > window)],
        "miss_poll": np.minimum(ns, window)[polled & slept],
        "miss_wait": (ns - np.minimum(ns, window))[polled & slept],
        "no_poll": ns[~polled & slept],
        "instant": ns[~polled & ~slept],
    }
    return {
        "halts": len(ns), "invalid": 0, "window_changes": len(windows), "lost": 0,
        "outcomes": {name: len(times.get(name, times["miss_poll"])) for name in OUTCOMES},
        "sums_ns": {name: int(times[name].sum()) for name in SPLIT},
        "histograms": {name: buckets(times[name]) for name in SPLIT if name != "instant"},
        "origin": 1_000_000_000,
        "stream": {"thread": thread.tolist(), "end": end.tolist(), "ns": ns.tolist(),
                   "waited": waited.tolist(), "valid": valid.tolist(), "window": window.tolist()},
        "windows": {name: [change[i] for change in windows]
                    for i, name in enumerate(("thread", "at", "grow", "new", "old"))},
        "attach": {"kvm:kvm_vcpu_wakeup": "tracepoint", "kvm:kvm_halt_poll_ns": "tracepoint"},
    }  # fmt: skip


def intervals(kind: Document, count: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    if kind["kind"] == "exponential":
        return np.maximum(rng.exponential(kind["ns"], count), 1_000)
    return np.full(count, float(kind["ns"]))


def probe_cost(trial: Document) -> float:
    """Factor by which the probes slow the guest down."""
    return {"": 1.0, "halts": 1.01}.get(",".join(trial["probes"]), 1.08)


def exits(trial: Document, rng: np.random.Generator) -> tuple[Document, Document]:
    """Guest and probe of a trial that leaves in batches and never halts."""
    workload = trial["workload"]
    count = workload["count"]
    cost = 400 + synthetic_phases.EXITS[workload["guest"]][3] * probe_cost(trial)
    batch = rng.lognormal(np.log(cost * workload["batch"] * rng.lognormal(0, 0.02)), 0.05, count)
    total = int(batch.sum())
    return {
        "counter": {"source": "synthetic", "nominal_hz": 1e9, "calibrated_hz": 1e9},
        "count": count, "completed": count, "spurious": 0, "wall_ns": total,
        "cpu": {"vcpu_ns": total, "user_ns": 0, "system_ns": total, "guest_ns": 0},
        "switches": {"voluntary": 0, "involuntary": 0},
        "batch": workload["batch"], "batch_ns": batch.round().astype(int).tolist(),
        "vcpus": [{"id": 0, "tid": 4711}], "stats": {"vm": {}, "vcpu": [{}]},
    }, probed(np.zeros((0, 6), dtype=np.int64), [])  # fmt: skip


def host_facts(host: str, clock_class: str, architecture: str = "x86_64") -> Document:
    return {
        "hostname": host, "architecture": architecture, "kernel": "6.18.0-synthetic",
        "kernel_version": "#1", "distribution": "Synthetic 1", "cmdline": "quiet",
        "cpu_model": "Synthetic CPU", "cpus_online": "0-1", "microcode": None, "smt": False,
        "numa_nodes": 1, "governor": None, "idle_driver": None, "clocksource": "tsc",
        "hypervisor": None, "mitigations": {"spectre_v2": "Mitigation: synthetic"},
        "kvm": {"flavour": "vmx", "api_version": 12, "modules": ["kvm"],
                "parameters": {"kvm.halt_poll_ns": "200000"}},
        "clock_class": clock_class, "clock_class_reason": "synthetic",
        "versions": {"python": "3.11", "bcc": None, "cc": None, "qemu": None},
        "probes_sha256": "0" * 64, "headers": None, "cpus": {"vcpu": 1, "housekeeping": [0]},
        "boot_id": "synthetic", "uptime_s": 100, "load_1m": 0.1, "foreign_vms": [],
        "knobs": [{"knob": KNOB, "status": "ok", "reason": None, "value": 200_000}],
    }  # fmt: skip


def label(ceiling: int) -> str:
    return setting_label({KNOB: ceiling})
