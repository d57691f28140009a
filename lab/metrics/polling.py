"""What polling bought and burned, by the probe of halts and by KVM's statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics.model import EXITS, HALT, Direction, Metric, ratio
from lab.trial.outcomes import CLASSES, outcomes, statistic

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.store.layout import Document


def _sums_per_wakeup(*sums: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        probe = row.get("haltpoll")
        if not probe:
            return None
        return ratio(sum(probe["sums_ns"][each] for each in sums), row["guest"].get("completed"))

    return value


def _statistics_per_wakeup(name: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        return ratio(statistic(row, name), row["guest"].get("completed"))

    return value


def _hit_rate(row: Document) -> float | None:
    probe = row.get("haltpoll")
    if not probe:
        return None
    counted = probe["outcomes"]
    return ratio(counted["hit"], counted["hit"] + counted["late_hit"] + counted["miss"])


def _lost(row: Document) -> float | None:
    probe = row.get("haltpoll")
    return None if not probe else float(probe["lost"])


def _outcome(name: str) -> Callable[[Document], float | None]:
    return lambda row: ratio(outcomes(row)[name].count, row["guest"].get("completed"))


METRICS = (
    Metric(
        name="poll_fail_ns_per_wakeup",
        title="time polled in vain per wake-up",
        unit="ns",
        direction=Direction.LOWER,
        definition="KVM's own halt_poll_fail_ns, by wake-ups completed: ends when the poll loop "
        "did, also where another task cut it short",
        guests=HALT,
        value=_statistics_per_wakeup("halt_poll_fail_ns"),
        primary=True,
    ),
    Metric(
        name="poll_vain_ns_per_wakeup",
        title="time polled in vain per wake-up, at most",
        unit="ns",
        direction=Direction.LOWER,
        definition="time spent in polls that did not see the wake-up (outcomes miss and late_hit), "
        "by wake-ups completed; takes each poll to have run to its window's end, which the probe "
        "cannot see",
        guests=HALT,
        value=_sums_per_wakeup("miss_poll", "late_hit"),
    ),
    Metric(
        name="poll_success_ns_per_wakeup",
        title="time polled with success per wake-up, by KVM's statistics",
        unit="ns",
        direction=Direction.NEITHER,
        definition="KVM's own halt_poll_success_ns, by wake-ups completed",
        guests=HALT,
        value=_statistics_per_wakeup("halt_poll_success_ns"),
    ),
    Metric(
        name="poll_ns_per_wakeup",
        title="time polled per wake-up",
        unit="ns",
        direction=Direction.NEITHER,
        definition="time spent polling, paid or in vain (hit, late_hit, miss), by wake-ups "
        "completed",
        guests=HALT,
        value=_sums_per_wakeup("hit", "late_hit", "miss_poll"),
    ),
    Metric(
        name="poll_hit_rate",
        title="polls that paid",
        unit="1",
        direction=Direction.HIGHER,
        definition="polls that saw the wake-up, by polls begun; absent when nothing was polled",
        guests=HALT,
        value=_hit_rate,
    ),
    Metric(
        name="wait_ns_per_wakeup",
        title="time asleep per wake-up",
        unit="ns",
        direction=Direction.NEITHER,
        definition="time the vCPU was scheduled out while halted (the rest of a miss, and "
        "no_poll), by wake-ups completed",
        guests=HALT,
        value=_sums_per_wakeup("miss_wait", "no_poll"),
    ),
    Metric(
        name="lost_events",
        title="events lost by the probe",
        unit="events",
        direction=Direction.NEITHER,
        definition="streamed events that did not fit the ring buffer; counts and sums are "
        "not touched",
        guests=HALT | EXITS,
        value=_lost,
    ),
    *(
        Metric(
            name=f"halts_{name}",
            title=f"halts, {name.replace('_', ' ')}",
            unit="1",
            direction=Direction.NEITHER,
            definition=f"halts of class {name}, by wake-ups completed; lab/trial/outcomes.py "
            "defines the class",
            guests=HALT,
            value=_outcome(name),
        )
        for name in CLASSES
    ),
)
