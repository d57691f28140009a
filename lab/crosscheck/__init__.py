"""What the probes say, against what others know of the same trial.

The others are KVM's statistics, the VMM's clock, the scheduler and the guest's program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lab.crosscheck import halts, phases
from lab.crosscheck.model import Difference
from lab.labels import nanoseconds, setting_label
from lab.store.layout import Document

__all__ = ["QUANTITIES", "Difference", "differences", "warnings"]

QUANTITIES = (*halts.QUANTITIES, *phases.QUANTITIES)


def differences(row: Document) -> list[Difference]:
    """Compare what one trial's probes say with the others; nothing where one side is silent."""
    if row["status"] == "failed" or not row.get("guest"):
        return []
    return [
        Difference(
            host=row["host"],
            trial=row["trial"],
            setting=setting_label(row["setting"]),
            workload=row["workload"]["name"],
            quantity=quantity,
            pair=pair,
        )
        for quantity in QUANTITIES
        for pair in quantity.pairs(row)
    ]


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
    pair, quantity = worst.pair, worst.quantity
    other, probe = (
        f"{value:,.0f}" if quantity.unit == "events" else nanoseconds(value)
        for value in (pair.other, pair.probe)
    )
    cell = ", ".join(each for each in (worst.workload, worst.setting, pair.part) if each)
    number = len({(each.host, each.trial) for each in group})
    return (
        f"{names} differ in {number} trial{'' if number == 1 else 's'}, most the {quantity.name} "
        f"of trial {worst.trial} ({cell}), {other} by {quantity.by}, {probe} by the probe"
    )
