"""The probe of phases against the VMM's clock, the scheduler, KVM's statistics, the program.

- Conservation: phases and what could not be attributed sum to the vCPU thread's wall time. The VMM
  reads its `CLOCK_MONOTONIC` before and after the thread's first and last KVM_RUN, so it knows a
  least and a most that this time may be, and lets them be missed by 1 µs.
- The scheduler's guest time (`/proc/PID/task/TID/stat`) is as coarse as its tick where the
  kernel counts ticks, hence the wide tolerance.
- KVM's statistics are read at the guest's marks, the probe counts from the first KVM_RUN on:
  a few more exits by the probe are in order.
- The guest makes exactly `count` times `batch` exits; its four calls (`probes/guest/arch.h`:
  warm-up, start, end, done) are exits to the VMM. A guest that is to halt does not where its
  interrupt is there already: WFI then does not trap (arm64), and KVM's count of halts tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.crosscheck.model import Pair, Quantity
from lab.metrics import HALT, LINUX
from lab.store.layout import Document
from lab.trial import phases
from lab.trial.outcomes import statistic

GRAIN_NS = 1_000
TICKS_NS = 20_000_000
CALLS = 4
HALT_EXITS = ("halt_exits", "wfi_exit_stat", "exit_wait_state")
"""Halts that trapped, as KVM counts them: x86, arm64, s390x."""
PROGRAMMED = {
    "hypercall": "hypercall",
    "userspace": "userspace_io",
    "mmio": "userspace_io",
}
"""Class of a guest's exit where it is the same everywhere.

`exit` is what is cheapest on an architecture: the native exit whose number is nearest. Its class
may hold others (x86's CPUID and MSRs), and another may be larger (timer ticks on a slow host).
"""

LEAKED = "time of a vCPU is missing from the phases"
SURPLUS = "the phases hold more time than the vCPU had"
SCHEDULER = "the scheduler's guest time is another"
MISSED = "the probe missed exits"
EXTRA = "the guest left more often than it was programmed to"


def _conserved(row: Document) -> Iterator[Pair]:
    probe = row.get("phases")
    bounds = {
        vcpu["id"]: (vcpu["run_least_ns"], vcpu["run_ns"])
        for vcpu in row["guest"]["vcpus"]
        if "run_least_ns" in vcpu
    }
    for vcpu in probe["vcpus"] if probe else ():
        if vcpu["vcpu"] in bounds:
            least, most = bounds[vcpu["vcpu"]]
            total = sum(filter(None, vcpu["phases"].values())) + vcpu["unattributed_ns"]
            nearest = min(max(total, least), most)
            yield Pair(total, nearest, GRAIN_NS, part=f"vCPU {vcpu['vcpu']}")


def _scheduled(row: Document) -> Iterator[Pair]:
    seen, scheduled = phases.phase_ns(row, "guest"), row["guest"]["cpu"].get("guest_ns")
    if seen is not None and scheduled is not None:
        yield Pair(seen, scheduled, TICKS_NS)


def _counted(kind: str | None, names: tuple[str, ...]) -> Callable[[Document], Iterator[Pair]]:
    def pairs(row: Document) -> Iterator[Pair]:
        seen = phases.exits(row, kind)
        known = [value for name in names if (value := statistic(row, name)) is not None]
        if seen is not None and known:
            yield Pair(seen, known[0], grain=1)

    return pairs


def _halted(row: Document) -> Iterator[Pair]:
    """Yield the halts, fewer where an interrupt was there before its guest halted for it.

    A Linux guest halts for its own timers too.
    """
    seen = phases.exits(row, "halt")
    if seen is not None and row["workload"]["guest"] in HALT - LINUX:
        yield Pair(seen, phases.halts(row), grain=0)


def _programmed(row: Document) -> Iterator[Pair]:
    if phases.exits(row) is None:
        return
    guest = row["workload"]["guest"]
    expected = phases.programmed(row)
    kind = PROGRAMMED.get(guest)
    if kind:
        calls = CALLS if kind == "userspace_io" else 0
        yield Pair(phases.exits(row, kind) or 0, expected + calls, grain=0, part=f"class {kind}")
    elif guest in {"exit", "fpu"}:
        native, seen = min(
            phases.natives(row).items(),
            key=lambda each: abs(each[1] - expected),
            default=("none", 0),
        )
        yield Pair(seen, expected, grain=0, part=native)


def _answered(row: Document) -> Iterator[Pair]:
    """Yield what came to the VMM, which is known also where entries and exits stay silent."""
    probe = row.get("phases")
    if probe and PROGRAMMED.get(row["workload"]["guest"]) == "userspace_io":
        # A negative reason is an error of KVM_RUN, such as a signal, not an exit.
        seen = sum(each["count"] for each in probe["userspace_exits"] if each["reason"] >= 0)
        yield Pair(seen, phases.programmed(row) + CALLS, grain=0)


QUANTITIES = (
    Quantity(
        name="time of the vCPU",
        by="the VMM's clock",
        pairs=_conserved,
        unit="ns",
        tolerance=0,
        more=SURPLUS,
        less=LEAKED,
    ),
    Quantity(
        name="time in the guest",
        by="the scheduler",
        pairs=_scheduled,
        unit="ns",
        tolerance=0.1,
        more=SCHEDULER,
        less=SCHEDULER,
    ),
    Quantity(
        name="exits",
        by="KVM's statistics",
        pairs=_counted(None, ("exits",)),
        unit="events",
        tolerance=0.001,
        more="",
        less=MISSED,
    ),
    Quantity(
        name="halts that trapped",
        by="KVM's statistics",
        pairs=_counted("halt", HALT_EXITS),
        unit="events",
        tolerance=0.001,
        more="",
        less=MISSED,
    ),
    Quantity(
        name="programmed halts",
        by="the guest's program",
        pairs=_halted,
        unit="events",
        tolerance=0,
        more=EXTRA,
        less="",
    ),
    Quantity(
        name="programmed exits",
        by="the guest's program",
        pairs=_programmed,
        unit="events",
        tolerance=0,
        more=EXTRA,
        less=MISSED,
    ),
    Quantity(
        name="exits to the VMM",
        by="the guest's program",
        pairs=_answered,
        unit="events",
        tolerance=0,
        more=EXTRA,
        less=MISSED,
    ),
)
