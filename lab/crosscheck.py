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

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.labels import nanoseconds, setting_label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.store.layout import Document


@dataclass(frozen=True)
class Quantity:
    """Something both sides know.

    `tolerance` is the relative difference not worth a word; `more` and `less` say
    what it means when the probe has more, or less, than the statistics. An empty
    `less` means that less is in order: the statistics count more than halts.
    """

    name: str
    outcomes: tuple[str, ...]
    statistics: tuple[str, ...]
    unit: str
    tolerance: float
    more: str
    less: str


@dataclass(frozen=True)
class Difference:
    """One quantity of one trial; `absolute` is probe less statistics, in `unit`."""

    host: str
    trial: int
    setting: str
    workload: str
    quantity: Quantity
    probe: float
    statistic: float
    halts: int

    @property
    def absolute(self) -> float:
        return self.probe - self.statistic

    @property
    def relative(self) -> float | None:
        """As a share of the statistic; None where that is 0."""
        return self.absolute / self.statistic if self.statistic else None

    @property
    def notable(self) -> bool:
        """Beyond the tolerance, and above the grain: 1 event, or 100 ns a halt."""
        grain = 1.0 if self.quantity.unit == "events" else 100.0 * self.halts
        allowed = max(grain, self.quantity.tolerance * abs(self.statistic))
        return abs(self.absolute) > allowed and bool(self.meaning)

    @property
    def meaning(self) -> str:
        return self.quantity.more if self.absolute > 0 else self.quantity.less


MISSED = "the probe missed halts"
SURPLUS = "the probe counted halts that the statistics do not have"
CUT_SHORT = "polling was cut short by other tasks, the probe took the window for polled"
OVERRAN = "polls ran past the end of their window"
LATE = "late hits ran past the end of the poll loop"

QUANTITIES = (
    Quantity(
        name="halts",
        outcomes=("hit", "late_hit", "miss", "no_poll", "instant"),
        statistics=("halt_exits",),
        unit="events",
        tolerance=0.02,
        more=SURPLUS,
        less="",
    ),
    Quantity(
        name="polls begun",
        outcomes=("hit", "late_hit", "miss"),
        statistics=("halt_attempted_poll",),
        unit="events",
        tolerance=0.005,
        more="the architecture vetoed polls",
        less=MISSED,
    ),
    Quantity(
        name="polls that paid",
        outcomes=("hit", "late_hit"),
        statistics=("halt_successful_poll",),
        unit="events",
        tolerance=0.005,
        more=SURPLUS,
        less=MISSED,
    ),
    Quantity(
        name="time polled with success",
        outcomes=("hit", "late_hit"),
        statistics=("halt_poll_success_ns",),
        unit="ns",
        tolerance=0.02,
        more=LATE,
        less=MISSED,
    ),
    Quantity(
        name="time polled in vain",
        outcomes=("miss_poll",),
        statistics=("halt_poll_fail_ns",),
        unit="ns",
        tolerance=0.05,
        more=CUT_SHORT,
        less=OVERRAN,
    ),
    Quantity(
        name="time asleep",
        outcomes=("miss_wait", "no_poll"),
        statistics=("halt_wait_ns",),
        unit="ns",
        tolerance=0.02,
        more=OVERRAN,
        less=CUT_SHORT,
    ),
    Quantity(
        name="time halted",
        outcomes=("hit", "late_hit", "miss_poll", "miss_wait", "no_poll"),
        statistics=("halt_poll_success_ns", "halt_poll_fail_ns", "halt_wait_ns"),
        unit="ns",
        tolerance=0.005,
        more=LATE,
        less=MISSED,
    ),
)


def differences(row: Document) -> list[Difference]:
    """Compare one trial's probe with its statistics; empty where either is not there."""
    probe, guest = row.get("haltpoll"), row.get("guest")
    if row["status"] == "failed" or not probe or not guest or not guest.get("stats"):
        return []
    vcpus = guest["stats"]["vcpu"]
    found = []
    for quantity in QUANTITIES:
        values = [vcpu.get(name) for vcpu in vcpus for name in quantity.statistics]
        if not values or None in values:
            continue
        counted = probe["outcomes" if quantity.unit == "events" else "sums_ns"]
        found.append(
            Difference(
                host=row["host"],
                trial=row["trial"],
                setting=setting_label(row["setting"]),
                workload=row["workload"]["name"],
                quantity=quantity,
                probe=sum(counted[each] for each in quantity.outcomes),
                statistic=sum(values),
                halts=probe["halts"],
            )
        )
    return found


def warnings(found: Iterable[Difference]) -> list[str]:
    """One sentence for each meaning that is notable in some trial."""
    notable = defaultdict(list)
    for each in found:
        if each.notable:
            notable[each.meaning].append(each)
    return [f"{meaning}: {_extent(group)}" for meaning, group in notable.items()]


def _extent(group: list[Difference]) -> str:
    names = " and ".join(dict.fromkeys(each.quantity.name for each in group))
    worst = max(group, key=lambda each: abs(each.absolute))
    both = (
        f"{worst.statistic:,.0f} by KVM's statistics, {worst.probe:,.0f} by the probe"
        if worst.quantity.unit == "events"
        else f"{nanoseconds(worst.statistic)} by KVM's statistics, "
        f"{nanoseconds(worst.probe)} by the probe"
    )
    number = len({(each.host, each.trial) for each in group})
    return (
        f"{names} differ in {number} trial{'' if number == 1 else 's'}, most the "
        f"{worst.quantity.name} of trial {worst.trial} ({worst.workload}, {worst.setting}), {both}"
    )
