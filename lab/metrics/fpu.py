"""How often and at what cost a vCPU's floating-point and vector registers are switched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics.model import EXITS, HALT, Direction, Metric, ratio
from lab.trial.phases import exits

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.store.layout import Document

BOUNDARIES = ("KVM_RUN", "vcpu load", "entry", "first use")


def _seen(row: Document, boundary: str) -> list[Document]:
    probe = row.get("functions")
    return [
        each
        for each in (probe["functions"] if probe else ())
        if (each["role"], each["boundary"]) == ("fpu", boundary) and not each["not_visible"]
    ]


def _per_exit(boundary: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        seen = _seen(row, boundary)
        return ratio(sum(each["count"] for each in seen), exits(row)) if seen else None

    return value


def _ns(boundary: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        timed = [each for each in _seen(row, boundary) if each["sum_ns"] is not None]
        return ratio(sum(each["sum_ns"] for each in timed), sum(each["count"] for each in timed))

    return value


def _traced_per_exit(row: Document) -> float | None:
    traced = (row.get("functions") or {}).get("fpu_tracepoint")
    return ratio(traced["load"] + traced["put"], exits(row)) if traced else None


METRICS = (
    Metric(
        name="fpu_traced_per_exit",
        title="FPU switches per exit, traced",
        unit="switches",
        direction=Direction.LOWER,
        definition="loads and puts of kvm:kvm_fpu, by exits; x86 only",
        guests=HALT | EXITS,
        value=_traced_per_exit,
    ),
    *(
        metric
        for boundary in BOUNDARIES
        for slug in (boundary.lower().replace(" ", "_"),)
        for metric in (
            Metric(
                name=f"fpu_{slug}_per_exit",
                title=f"FPU switches per exit, at {boundary}",
                unit="switches",
                direction=Direction.LOWER,
                definition="calls of the kernel's functions that save or load the registers at "
                f"this boundary ({boundary}), by exits",
                guests=HALT | EXITS,
                value=_per_exit(boundary),
            ),
            Metric(
                name=f"fpu_{slug}_ns",
                title=f"time of an FPU switch, at {boundary}",
                unit="ns",
                direction=Direction.LOWER,
                definition=f"mean time of such a call ({boundary}); holds what the probe itself "
                "takes between its two ends",
                guests=HALT | EXITS,
                value=_ns(boundary),
            ),
        )
    ),
)
