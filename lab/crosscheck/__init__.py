"""What the probes say, against what others know of the same trial.

The others are KVM's statistics, the VMM's clock, the scheduler and the guest's program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from lab.crosscheck import halts, phases
from lab.crosscheck.model import Difference
from lab.labels import nanoseconds, setting_label
from lab.store.layout import Document

__all__ = ["QUANTITIES", "Difference", "differences", "notable", "sentence"]

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


def notable(found: Iterable[Difference]) -> dict[str, list[Difference]]:
    """Return the differences that deserve a word, by what they mean."""
    groups = defaultdict(list)
    for each in found:
        if each.notable:
            groups[each.meaning].append(each)
    return dict(groups)


def sentence(meaning: str, group: Sequence[Difference]) -> str:
    """Say what differences with one meaning come to."""
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
        f"{meaning}: {names} differ in {number} trial{'' if number == 1 else 's'}, most "
        f"the {quantity.name} of trial {worst.trial} ({cell}), {other} by {quantity.by}, {probe} "
        "by the probe"
    )
