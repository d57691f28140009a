"""What the guest's own counter and the VMM say of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics.model import EXITS, HALT, Direction, Metric, quantile, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.store.layout import Document


def _latency(q: float) -> Callable[[Document], float | None]:
    return lambda row: quantile(row["guest"].get("latency_ns"), q)


def _exit(q: float) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        batch = quantile(row["guest"].get("batch_ns"), q)
        return ratio(batch, row["guest"].get("batch"))

    return value


def _cpu_per_wakeup(row: Document) -> float | None:
    return ratio(row["guest"]["cpu"].get("vcpu_ns"), row["guest"].get("completed"))


def _cpu_share(row: Document) -> float | None:
    return ratio(row["guest"]["cpu"].get("vcpu_ns"), row["guest"].get("wall_ns"))


METRICS = (
    Metric(
        name="wakeup_p50_ns",
        title="median wake-up latency",
        unit="ns",
        direction=Direction.LOWER,
        definition="median (Harrell and Davis) over a trial's wake-ups of the time from the "
        "timer's deadline, or from the device's interrupt, to the first instruction of the "
        "handler. Of a timer by the guest's own counter, with the cost of arming; of a device "
        "from the host's clock to the guest's, the error of which is latency_error_ns",
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
        name="exit_p50_ns",
        title="median time of an exit",
        unit="ns",
        direction=Direction.LOWER,
        definition="median (Harrell and Davis) over a trial's batches of the batch's time by its "
        "exits: the round trip guest → host → guest, by the guest's own counter",
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
)
