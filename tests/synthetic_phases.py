"""What the probe levels `phases` and `functions` add to a synthetic row (`results/FORMAT.md`).

A vCPU's wall time is dealt out to its phases, exits take a lognormal time by class, and the
nanoseconds obey the conservation law that the lab checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.trial import histogram

Document = dict[str, Any]

EXITS = {
    "halt": ("halt", "hlt", 120, 2_500),
    "exit": ("feature", "cpuid", 114, 700),
    "hypercall": ("hypercall", "vmmcall", 129, 650),
    "userspace": ("userspace_io", "io", 123, 1_900),
    "mmio": ("userspace_io", "npf", 1024, 2_600),
    "ipi": ("ipi", "msr", 124, 1_200),
    "fpu": ("feature", "cpuid", 114, 760),
}
"""Class, native reason, its code and handling time (ns) of the exit a guest makes."""
MARKS = 4
PHASES = ("userspace", "run_overhead", "guest", "handling", "polled", "blocked", "preempted")


def phases(workload: Document, guest: Document, probe: Document, rng: Any) -> Document:
    """Give the `phases` of a trial, and its `guest` the time in KVM_RUN."""
    kind, native, code, cost = EXITS[workload["guest"]]
    number = guest["completed"] * guest.get("batch", 1)
    interrupts = 3 + int(rng.integers(5))
    taken = {
        kind: (native, code, lognormal(cost, number, rng)),
        "interrupt": ("interrupt", 96, lognormal(900, interrupts, rng)),
    }
    marks = lognormal(2_000, MARKS, rng)
    if kind == "userspace_io":
        taken[kind] = (native, code, np.concatenate([taken[kind][2], marks]))
    else:
        taken["userspace_io"] = ("io", 123, marks)
    outside = len(taken["userspace_io"][2])
    entries = sum(len(times) for _, _, times in taken.values())
    split = probe["sums_ns"]
    sums = {
        "userspace": 400 * outside,
        "run_overhead": 700 * outside,
        "guest": int(lognormal(300, entries, rng).sum()),
        "handling": int(sum(times.sum() for _, _, times in taken.values())),
        "polled": split["hit"] + split["late_hit"] + split["miss_poll"],
        "blocked": split["miss_wait"] + split["no_poll"],
        "preempted": 5_000,
    }
    wall = sum(sums.values()) + 200
    guest["vcpus"][0] |= {"run_ns": wall + 300, "run_least_ns": wall - 500}
    return {
        "vcpus": [{
            "vcpu": 0, "tid": 4711, "began": 1_000, "ended": 1_000 + wall, "wall_ns": wall,
            "phases": sums, "unattributed_ns": 200, "runs": outside + 1, "entries": entries,
            "exits": entries, "migrations": 0, "ended_by": "return",
        }],
        "exits": [
            {"vcpu": 0, "class": name, "native": native, "code": code, "count": len(times),
             "handling_ns": int(times.sum())}
            for name, (native, code, times) in taken.items()
        ],
        "userspace_exits": [{"vcpu": 0, "reason": 2, "name": "KVM_EXIT_IO", "count": outside}],
        "histograms": [
            {"vcpu": 0, "phase": "handling", "class": name, "buckets": buckets(times)}
            for name, (_, _, times) in taken.items()
        ],
        "not_visible": {}, "dropped": 0, "attach": {"kvm:kvm_entry": "raw tracepoint"},
    }  # fmt: skip


def unseen(seen: Document) -> Document:
    """Give the same where entries and exits stay silent, as under a software KVM."""
    because = "because kvm:kvm_entry and kvm:kvm_exit stay silent here"
    (vcpu,) = seen["vcpus"]
    hidden = {"run_overhead", "guest", "handling"}
    known = {name: None if name in hidden else ns for name, ns in vcpu["phases"].items()}
    return seen | {
        "vcpus": [
            vcpu
            | {
                "phases": known,
                "unattributed_ns": vcpu["wall_ns"] - sum(filter(None, known.values())),
                "entries": 0,
                "exits": 0,
            }
        ],
        "exits": [],
        "histograms": [],
        "not_visible": dict.fromkeys(sorted(hidden), because),
    }


def functions(seen: Document, rng: Any) -> Document:
    swaps = lognormal(60, 2 * seen["vcpus"][0]["runs"], rng)
    return {
        "functions": [
            {"function": "fpu_swap_kvm_fpstate", "role": "fpu", "boundary": "KVM_RUN",
             "kind": "fentry", "not_visible": None, "count": len(swaps),
             "sum_ns": int(swaps.sum()), "buckets": buckets(swaps)},
            {"function": "kvm_load_guest_fpu", "role": "fpu", "boundary": "KVM_RUN", "kind": None,
             "not_visible": "because the compiler put it inside its callers", "count": 0,
             "sum_ns": None, "buckets": []},
            {"function": "kvm_vcpu_halt", "role": "halt", "boundary": None, "kind": "fentry",
             "not_visible": None, "count": 0, "sum_ns": 0, "buckets": []},
        ],
        "fpu_tracepoint": {"load": len(swaps) // 2, "put": len(swaps) // 2},
        "own_cost_ns": 25,
    }  # fmt: skip


def lognormal(ns: float, number: int, rng: Any) -> np.ndarray[Any, Any]:
    times: np.ndarray[Any, Any] = rng.lognormal(np.log(ns), 0.2, number).astype(np.int64)
    return times


def buckets(ns: np.ndarray[Any, Any]) -> list[list[int]]:
    return [list(pair) for pair in histogram.merge([(int(b), 1) for b in histogram.bucket(ns)])]
