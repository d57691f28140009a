"""Where the time of vCPUs went and what they left the guest for, read from a trial's row.

A phase or class that the host cannot show is None here, never zero; `not_visible` says why.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lab.trial import histogram

if TYPE_CHECKING:
    from lab.store.layout import Document
    from lab.trial.histogram import Pairs

PHASES = (
    "guest",
    "handling",
    "userspace",
    "run_overhead",
    "polled",
    "blocked",
    "preempted",
)
UNATTRIBUTED = "unattributed"
CLASSES = (
    "halt",
    "hypercall",
    "userspace_io",
    "kernel_io",
    "interrupt",
    "page_fault",
    "feature",
    "ipi",
    "other",
)


def wall_ns(row: Document) -> int | None:
    """Time from each vCPU thread's first KVM_RUN to its last one's return, over all of them."""
    probe = row.get("phases")
    return sum(vcpu["wall_ns"] for vcpu in probe["vcpus"]) if probe else None


def phase_ns(row: Document, phase: str) -> int | None:
    """Time of all vCPUs in a phase, or `unattributed`."""
    probe = row.get("phases")
    if not probe or phase in probe["not_visible"]:
        return None
    vcpus = probe["vcpus"]
    if phase == UNATTRIBUTED:
        return sum(int(vcpu["unattributed_ns"]) for vcpu in vcpus)
    seen = [vcpu["phases"][phase] for vcpu in vcpus]
    return None if None in seen else sum(seen)


def exits(row: Document, kind: str | None = None) -> int | None:
    """Count the exits of all vCPUs, of one class or of all."""
    probe = row.get("phases")
    if not probe or {kind or "handling", "handling"} & probe["not_visible"].keys():
        return None
    return sum(int(each["count"]) for each in probe["exits"] if kind in {None, each["class"]})


def natives(row: Document) -> dict[str, int]:
    """Count the exits of all vCPUs by their native name; none where exits are not visible."""
    counts: Counter[str] = Counter()
    for each in row["phases"]["exits"] if exits(row) is not None else ():
        counts[each["native"]] += each["count"]
    return dict(counts)


def handling(row: Document, kind: str) -> Pairs:
    """Histogram of the handling times of one class of exits, over all vCPUs."""
    probe = row.get("phases")
    found = probe["histograms"] if probe else []
    return histogram.merge(
        *(each["buckets"] for each in found if (each["phase"], each["class"]) == ("handling", kind))
    )


def halts(row: Document) -> int:
    """Halts the guest made: its wake-ups, those that were none of its own, other vCPUs' ticks."""
    guest = row["guest"]
    ticks = sum(vcpu.get("ticks", 0) for vcpu in guest.get("vcpus", ()))
    return int(guest["completed"] + guest.get("spurious", 0) + ticks)


def programmed(row: Document) -> int:
    """Units of work the guest did: wake-ups, or exits of its kind."""
    guest = row["guest"]
    return int(guest["completed"] * guest.get("batch", 1))
