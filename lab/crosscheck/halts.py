"""The probe's sums against KVM's own statistics of the same trial.

What holds in `kvm_vcpu_halt()` and `update_halt_poll_stats()` of
`virt/kvm/kvm_main.c` (Linux 6.18):

- every halt with a window counts as attempted; a poll is successful when the vCPU
  was not scheduled out, so `hit` and `late_hit` together;
- `halt_poll_success_ns` and `halt_poll_fail_ns` end with the poll loop, `halt_wait_ns`
  begins there and counts only vCPUs that slept;
- so the probe's times sum to success + fail + wait, except for `late_hit`, whose
  `ns` runs a little past the loop, and `instant`, which no statistic counts.

`halt_exits` (x86) counts every HLT that trapped; one whose wake-up is already
pending never comes to `kvm_vcpu_halt()`, so it may well exceed the probe's halts.
A statistic that the kernel does not have gives no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.crosscheck.model import Pair, Quantity
from lab.store.layout import Document
from lab.trial.outcomes import statistic

KVM = "KVM's statistics"
GRAIN = {"events": 1.0, "ns": 100.0}
"""Differences that do not count: an event in all, or so many ns a halt."""
MISSED = "the probe missed halts"
SURPLUS = "the probe counted halts that the statistics do not have"
CUT_SHORT = "polling was cut short by other tasks, the probe took the window for polled"
OVERRAN = "polls ran past the end of their window"
LATE = "late hits ran past the end of the poll loop"


def _against(
    outcomes: tuple[str, ...], statistics: tuple[str, ...], unit: str
) -> Callable[[Document], Iterator[Pair]]:
    def pairs(row: Document) -> Iterator[Pair]:
        probe = row.get("haltpoll")
        values = [statistic(row, name) for name in statistics]
        if not probe or None in values:
            return
        counted = probe["outcomes" if unit == "events" else "sums_ns"]
        grain = GRAIN[unit] * (1 if unit == "events" else probe["halts"])
        yield Pair(
            probe=sum(counted[each] for each in outcomes),
            other=sum(value for value in values if value is not None),
            grain=grain,
        )

    return pairs


QUANTITIES = (
    Quantity(
        name="halts",
        by=KVM,
        pairs=_against(
            ("hit", "late_hit", "miss", "no_poll", "instant"), ("halt_exits",), "events"
        ),
        unit="events",
        tolerance=0.02,
        more=SURPLUS,
        less="",
    ),
    Quantity(
        name="polls begun",
        by=KVM,
        pairs=_against(
            ("hit", "late_hit", "miss"),
            ("halt_attempted_poll",),
            "events",
        ),
        unit="events",
        tolerance=0.005,
        more="the architecture vetoed polls",
        less=MISSED,
    ),
    Quantity(
        name="polls that paid",
        by=KVM,
        pairs=_against(
            ("hit", "late_hit"),
            ("halt_successful_poll",),
            "events",
        ),
        unit="events",
        tolerance=0.005,
        more=SURPLUS,
        less=MISSED,
    ),
    Quantity(
        name="time polled with success",
        by=KVM,
        pairs=_against(
            ("hit", "late_hit"),
            ("halt_poll_success_ns",),
            "ns",
        ),
        unit="ns",
        tolerance=0.02,
        more=LATE,
        less=MISSED,
    ),
    Quantity(
        name="time polled in vain",
        by=KVM,
        pairs=_against(
            ("miss_poll",),
            ("halt_poll_fail_ns",),
            "ns",
        ),
        unit="ns",
        tolerance=0.05,
        more=CUT_SHORT,
        less=OVERRAN,
    ),
    Quantity(
        name="time asleep",
        by=KVM,
        pairs=_against(
            ("miss_wait", "no_poll"),
            ("halt_wait_ns",),
            "ns",
        ),
        unit="ns",
        tolerance=0.02,
        more=OVERRAN,
        less=CUT_SHORT,
    ),
    Quantity(
        name="time halted",
        by=KVM,
        pairs=_against(
            ("hit", "late_hit", "miss_poll", "miss_wait", "no_poll"),
            ("halt_poll_success_ns", "halt_poll_fail_ns", "halt_wait_ns"),
            "ns",
        ),
        unit="ns",
        tolerance=0.005,
        more=LATE,
        less=MISSED,
    ),
)
