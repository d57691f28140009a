"""Where the time of vCPUs went, and what exits took, by the probe of phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics.model import EXITS, HALT, Direction, Metric, ratio
from lab.trial import histogram
from lab.trial.phases import (
    CLASSES,
    PHASES,
    UNATTRIBUTED,
    exits,
    handling,
    phase_ns,
    programmed,
    wall_ns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.store.layout import Document

NS_PER_S = 1e9


def _share(phase: str) -> Callable[[Document], float | None]:
    return lambda row: ratio(phase_ns(row, phase), wall_ns(row))


def _handling(kind: str, q: float) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        counted = handling(row, kind)
        # As with samples: fewer than 1 / (1 - q) have none beyond the quantile.
        if sum(count for _, count in counted) < 1 / (1 - q):
            return None
        return histogram.quantile(counted, q)

    return value


def _per_unit(kind: str | None) -> Callable[[Document], float | None]:
    return lambda row: ratio(exits(row, kind), programmed(row))


def _per_second(row: Document) -> float | None:
    number = exits(row)
    return None if number is None else ratio(number * NS_PER_S, wall_ns(row))


METRICS = (
    *(
        Metric(
            name=f"share_{phase}",
            title=f"share of time, {phase.replace('_', ' ')}",
            unit="1",
            direction=Direction.NEITHER,
            definition=f"time the vCPUs were {phase}, by their wall time from the first KVM_RUN to "
            "the last one's return"
            if phase == UNATTRIBUTED
            else f"time in the phase {phase}, by the vCPUs' wall time from the first KVM_RUN to "
            "the last one's return",
            guests=HALT | EXITS,
            value=_share(phase),
        )
        for phase in (*PHASES, UNATTRIBUTED)
    ),
    Metric(
        name="exits_per_s",
        title="exits per second",
        unit="1/s",
        direction=Direction.NEITHER,
        definition="exits of all classes by the vCPUs' wall time",
        guests=HALT | EXITS,
        value=_per_second,
    ),
    Metric(
        name="exits_per_unit",
        title="exits per unit of work",
        unit="exits",
        direction=Direction.LOWER,
        definition="exits of all classes, by wake-ups or programmed exits completed; holds what "
        "the guest needs to start and to end",
        guests=HALT | EXITS,
        value=_per_unit(None),
    ),
    *(
        Metric(
            name=f"exits_{kind}_per_unit",
            title=f"exits of class {kind} per unit of work",
            unit="exits",
            direction=Direction.NEITHER,
            definition=f"exits of class {kind}, by wake-ups or programmed exits completed",
            guests=HALT | EXITS,
            value=_per_unit(kind),
        )
        for kind in CLASSES
    ),
    *(
        Metric(
            name=f"handling_{kind}_p{100 * q:.0f}_ns",
            title=f"{word} handling time, class {kind}",
            unit="ns",
            direction=Direction.LOWER,
            definition=f"{word} over a trial's exits of class {kind} of the time from the exit to "
            "the next entry or to userspace, less what was polled, blocked or preempted; from a "
            "histogram whose error is at most 1/64",
            guests=HALT | EXITS,
            value=_handling(kind, q),
            resolution=histogram.RESOLUTION,
        )
        for kind in CLASSES
        for word, q in (("median", 0.5), ("p99", 0.99))
    ),
)
