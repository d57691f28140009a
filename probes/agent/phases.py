"""Where the time of a vCPU thread goes (bpf/machine.h), for the level `phases`."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent import arch, printfmt
from agent.errors import UnsupportedError
from agent.namespace import TRACEFS
from agent.tracepoint import Event, read_format

SWITCH = "sched:sched_switch"
USERSPACE_EXIT = "kvm:kvm_userspace_exit"
EVENTS = (
    Event("syscalls:sys_enter_ioctl", "on_ioctl_enter", ("fd", "cmd")),
    Event("syscalls:sys_exit_ioctl", "on_ioctl_exit"),
    Event(USERSPACE_EXIT, "on_userspace_exit", ("reason", "errno")),
    Event(SWITCH, "on_switch", ("prev_state", "next_pid")),
    Event(
        "sched:sched_wakeup",
        "on_sched_wakeup",
        ("pid",),
        blind={
            "preempted": "without sched:sched_wakeup, waiting for the CPU after a wake-up counts "
            "as blocked"
        },
    ),
    Event(
        "kvm:kvm_mmio",
        "on_mmio",
        ("type",),
        refines="",
        blind={"kernel_io": "this kernel has no tracepoint kvm:kvm_mmio that tells it"},
    ),
)
# Needed at every level: the accounts of threads that die.
THREAD_EXIT = Event("sched:sched_process_exit", "on_thread_exit")

# Order of `enum phase` in bpf/thread.h; the first three are settled at the end of each KVM_RUN.
PHASES = ("userspace", "blocked", "preempted", "run_overhead", "guest", "handling", "polled")
SETTLED = 3
# What cannot be told apart where no entry to the guest is seen.
UNSPLIT = ("run_overhead", "guest", "handling")
IN_KVM = ("run_overhead", "guest", "handling", "polled")
# The row's order.
SHOWN = ("userspace", "run_overhead", "guest", "handling", "polled", "blocked", "preempted")

TO_VMM = 0x80

# include/uapi/linux/kvm.h, without the direction bits
KVM_RUN = 0xAE80


@dataclass
class Sample:
    """Buckets of one kind of visit: count and ns by bucket."""

    buckets: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(count for count, _ in self.buckets.values())

    @property
    def ns(self) -> int:
        return sum(ns for _, ns in self.buckets.values())

    def add(self, other: Sample) -> None:
        for bucket, (count, ns) in other.buckets.items():
            have = self.buckets.get(bucket, (0, 0))
            self.buckets[bucket] = (have[0] + count, have[1] + ns)

    def less(self, earlier: Sample) -> Sample:
        """Return what came in since `earlier`, a sample of the same visits."""
        fresh = {}
        for bucket, (count, ns) in self.buckets.items():
            old = earlier.buckets.get(bucket, (0, 0))
            if count > old[0]:
                fresh[bucket] = (count - old[0], ns - old[1])
        return Sample(fresh)


class Names:
    """The kernel's names of exits and their refinements, and the common class of each."""

    def __init__(self, architecture: arch.Architecture, tracefs: Any = TRACEFS) -> None:  # noqa: ANN401
        self._architecture = architecture
        self._refinements = [event for event in events(architecture) if event.refines is not None]
        self._tables = {
            event.name: printfmt.symbols(read_format(event.name, tracefs) or "")
            for event in events(architecture)
        }

    def flags(self) -> list[str]:
        """Return the -D flags that number the refinements: 0 is none."""
        return [f"-D{event.prefix}_HOW={n}" for n, event in enumerate(self._refinements, 1)]

    def native(self, code: int, how: int, detail: int) -> str:
        """Return the exit's native name, `exit: refinement` where one was seen."""
        name = self._architecture.exit_name(code, self._tables)
        refinement = how & ~TO_VMM
        if not refinement:
            return name
        event = self._refinements[refinement - 1]
        return f"{name}: {self._refinement(event, detail)}"

    def _refinement(self, event: Event, detail: int) -> str:
        own = event.name.partition(":")[2]
        if not event.refines:
            return own
        for table in self._tables[event.name]:
            if f"REC->{event.refines}" in table.expression and detail in table.names:
                return table.names[detail]
        return f"{own} {event.refines} {detail:#x}"

    def exit_class(self, native: str, how: int) -> str:
        if how & TO_VMM:
            return "userspace_io"
        for pattern, name in self._architecture.EXIT_CLASSES:
            if pattern.search(native):
                return name
        return "kernel_io" if native.endswith(": kvm_mmio") else "other"

    def userspace(self, reason: int) -> str:
        """Return the name of what KVM_RUN ended with: an exit reason, or an error if negative."""
        if reason < 0:
            return errno.errorcode.get(-reason, str(reason))
        for table in self._tables[USERSPACE_EXIT]:
            if reason in table.names:
                return table.names[reason]
        return f"KVM_EXIT {reason}"


def events(architecture: arch.Architecture) -> tuple[Event, ...]:
    return EVENTS + architecture.EVENTS


def flags(architecture: arch.Architecture, names: Names) -> list[str]:
    """Return the -D flags of this level.

    Raises UnsupportedError when the kernel does not say which states of a thread are runnable.
    """
    text = read_format(SWITCH) or ""
    try:
        mask = printfmt.mask(text, "prev_state")
    except ValueError as error:
        raise UnsupportedError(
            f"{SWITCH} of this kernel prints no mask of prev_state ({error}): this probe needs to "
            "learn that kernel's form"
        ) from error
    return [
        "-DPHASES",
        f"-DKVM_RUN={architecture.IOC_NONE | KVM_RUN}u",
        f"-DNOT_RUNNABLE={mask}",
        *names.flags(),
    ]


def account(thread: Any, now: int) -> dict[str, Any]:  # noqa: ANN401  (a bcc structure)
    """Return one thread's account, up to `now` when KVM_RUN has not returned.

    Between two KVM_RUNs the account ends with the last: what follows is not the vCPU's.
    """
    sums = list(thread.sums)[: len(PHASES)]
    ended = thread.ended
    ended_by = "death" if thread.died else "return"
    if thread.phase == PHASES.index("userspace"):
        sums[:SETTLED] = list(thread.settled)
        ended = ended or thread.began
    elif not thread.died:
        ended, ended_by = max(now, thread.since), "running"
        sums[thread.now] += ended - thread.since
    return {
        "tid": thread.tid,
        "began": thread.began,
        "ended": ended,
        "wall_ns": ended - thread.began,
        "phases": {name: sums[PHASES.index(name)] for name in SHOWN},
        "unattributed_ns": ended - thread.began - sum(sums),
        "runs": thread.runs,
        "entries": thread.entries,
        "exits": thread.exits,
        "migrations": thread.migrations,
        "ended_by": ended_by,
    }


def hide(accounts: list[dict[str, Any]], hidden: Iterable[str]) -> None:
    """Turn the time of these phases into time that nothing tells."""
    for vcpu in accounts:
        for phase in hidden:
            vcpu["unattributed_ns"] += vcpu["phases"][phase]
            vcpu["phases"][phase] = None


def hide_unseen(accounts: list[dict[str, Any]], entry: str) -> dict[str, str]:
    """Take out what these vCPUs' tracepoints did not tell; return why, by phase.

    Without entries the time in KVM cannot be split: what is neither polled nor off CPU stays
    unattributed.
    """
    runs = sum(vcpu["runs"] for vcpu in accounts)
    if not runs or any(vcpu["entries"] for vcpu in accounts):
        return {}
    hide(accounts, UNSPLIT)
    why = (
        f"{entry} stayed silent during {runs} KVM_RUNs: this KVM enters its guests without it, "
        "and the time inside KVM_RUN cannot be split"
    )
    return dict.fromkeys(UNSPLIT, why)


def exit_rows(
    samples: Mapping[tuple[int, int, int], Sample], names: Names
) -> tuple[list[dict[str, Any]], dict[str, Sample]]:
    """Return one vCPU's rows of exits by native name, and its handling's samples by class.

    `samples` is keyed by (code, how, detail).
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    classes: dict[str, Sample] = {}
    for (code, how, detail), sample in samples.items():
        native = names.native(code, how, detail)
        name = names.exit_class(native, how)
        row = rows.setdefault(
            (name, native),
            {
                "class": name,
                "native": native,
                "code": code & 0xFFFFFFFF,
                "count": 0,
                "handling_ns": 0,
            },
        )
        row["count"] += sample.count
        row["handling_ns"] += sample.ns
        classes.setdefault(name, Sample()).add(sample)
    return sorted(rows.values(), key=lambda row: (row["class"], row["native"])), classes


def histogram(phase: str, exit_class: str | None, sample: Sample) -> dict[str, Any]:
    return {
        "phase": phase,
        "class": exit_class,
        "buckets": [(bucket, count) for bucket, (count, _) in sorted(sample.buckets.items())],
    }
