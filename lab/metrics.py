"""Metrics: what is computed from one trial, with unit, direction and definition.

A metric that cannot be computed from a trial is absent, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.store.layout import Document


class Direction(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True)
class Metric:
    """A quantity of one trial.

    `value` takes a row that was measured and gives the value in `unit`, or None
    where the row does not hold it. `primary` metrics are compared and shown unless
    others are asked for; each further one costs power, since all of a run's
    comparisons are corrected together.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    definition: str
    guests: frozenset[str]
    value: Callable[[Document], float | None]
    primary: bool = False


def metric(name: str) -> Metric:
    """Look a metric up; KeyError for one that does not exist."""
    return _BY_NAME[name]


def applying(guest: str) -> list[Metric]:
    """Metrics that a guest (`halt`, `exit`, …) can have."""
    return [each for each in METRICS if guest in each.guests]


def measure(row: Document) -> dict[str, float]:
    """All metrics a trial holds, by name; an inert one was run as well where it could be."""
    if row["status"] == "failed" or not row.get("guest"):
        return {}
    values = {each.name: each.value(row) for each in applying(row["workload"]["guest"])}
    return {name: value for name, value in values.items() if value is not None}


def _latency(q: float) -> Callable[[Document], float | None]:
    return lambda row: _quantile(row["guest"].get("latency_ns"), q)


def _exit(q: float) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        batch = _quantile(row["guest"].get("batch_ns"), q)
        return _ratio(batch, row["guest"].get("batch"))

    return value


def _quantile(values: Iterable[float] | None, q: float) -> float | None:
    sample = np.asarray(values if values is not None else [], dtype=np.float64)
    # Fewer than 1 / (1 - q) values have none beyond the quantile: a maximum in disguise.
    if sample.size < 1 / (1 - q):
        return None
    return float(np.quantile(sample, q))


def _cpu_per_wakeup(row: Document) -> float | None:
    return _ratio(row["guest"]["cpu"].get("vcpu_ns"), row["guest"].get("completed"))


def _cpu_share(row: Document) -> float | None:
    return _ratio(row["guest"]["cpu"].get("vcpu_ns"), row["guest"].get("wall_ns"))


def _sums_per_wakeup(*sums: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        probe = row.get("haltpoll")
        if not probe:
            return None
        return _ratio(sum(probe["sums_ns"][each] for each in sums), row["guest"].get("completed"))

    return value


def _statistics_per_wakeup(name: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        vcpus = (row["guest"].get("stats") or {}).get("vcpu") or []
        values = [vcpu.get(name) for vcpu in vcpus]
        if not values or None in values:
            return None
        return _ratio(sum(values), row["guest"].get("completed"))

    return value


def _hit_rate(row: Document) -> float | None:
    probe = row.get("haltpoll")
    if not probe:
        return None
    outcomes = probe["outcomes"]
    return _ratio(outcomes["hit"], outcomes["hit"] + outcomes["late_hit"] + outcomes["miss"])


def _lost(row: Document) -> float | None:
    probe = row.get("haltpoll")
    return None if not probe else float(probe["lost"])


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return None if numerator is None or not denominator else numerator / denominator


HALT = frozenset({"halt"})
EXITS = frozenset({"exit", "hypercall", "userspace", "mmio", "ipi", "fpu"})

METRICS = (
    Metric(
        name="wakeup_p50_ns",
        title="median wake-up latency",
        unit="ns",
        direction=Direction.LOWER,
        definition="median over a trial's wake-ups of the time from the timer's deadline to the "
        "first instruction of its handler, by the guest's own counter; holds the cost of arming",
        guests=HALT,
        value=_latency(0.5),
        primary=True,
    ),
    Metric(
        name="wakeup_p99_ns",
        title="p99 wake-up latency",
        unit="ns",
        direction=Direction.LOWER,
        definition="the same, 99th percentile; absent below 100 wake-ups",
        guests=HALT,
        value=_latency(0.99),
        primary=True,
    ),
    Metric(
        name="cpu_ns_per_wakeup",
        title="CPU time per wake-up",
        unit="ns",
        direction=Direction.LOWER,
        definition="CPU time of the vCPU threads between the guest's start and end marks, by "
        "wake-ups completed; polling, exits and the guest itself together",
        guests=HALT,
        value=_cpu_per_wakeup,
        primary=True,
    ),
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
        name="exit_p50_ns",
        title="median time of an exit",
        unit="ns",
        direction=Direction.LOWER,
        definition="median over a trial's batches of the batch's time by its exits: the round trip "
        "guest → host → guest, by the guest's own counter",
        guests=EXITS,
        value=_exit(0.5),
        primary=True,
    ),
    Metric(
        name="exit_p99_ns",
        title="p99 time of an exit",
        unit="ns",
        direction=Direction.LOWER,
        definition="the same, 99th percentile of the batches; absent below 100 batches",
        guests=EXITS,
        value=_exit(0.99),
        primary=True,
    ),
    Metric(
        name="cpu_share",
        title="share of a CPU",
        unit="1",
        direction=Direction.LOWER,
        definition="CPU time of the vCPU threads by wall time, between the guest's marks",
        guests=HALT | EXITS,
        value=_cpu_share,
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
)

PRIMARY = tuple(each.name for each in METRICS if each.primary)
_BY_NAME = {each.name: each for each in METRICS}
