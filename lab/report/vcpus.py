"""What each vCPU of a VM with several did and polled: who is woken, and who polls in vain."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from lab.labels import NONE, nanoseconds, setting_label
from lab.metrics import TICKING
from lab.metrics.model import ratio
from lab.report.material import Material, Picture, Table
from lab.store.layout import Document

HEADINGS = ("setting", "vCPU", "wake-ups", "CPU time", "polled, and it paid", "polled in vain")
NAMES = ("ticks", "cpu_ns", "halt_poll_success_ns", "halt_poll_fail_ns")


def vcpus(material: Material) -> Picture:
    """Each vCPU's part, of workloads in which only vCPU 0 serves."""
    return Picture(
        title="Who is woken, and who polls",
        caption="Requests come to vCPU 0; the others only tick. Medians over trials, for each "
        "request served: polling of the others makes no request sooner, and where the interrupt "
        "of a request ends it, the architecture wakes those that have no part in it.",
        legend=(),
        multiples=(),
        tables=tuple(
            Table(workload, HEADINGS, tuple(_rows(material, rows)))
            for workload, rows in material.of_guest(*TICKING)
            if len(rows[0]["guest"]["vcpus"]) > 1
        ),
    )


def _rows(material: Material, rows: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    for key in material.keys:
        mine = [row for row in rows if setting_label(row["setting"]) == key.label]
        for vcpu in range(len(mine[0]["guest"]["vcpus"]) if mine else 0):
            parts = [_parts(row, vcpu) for row in mine]
            wakeups, *times = (_median([part[name] for part in parts]) for name in NAMES)
            yield (
                key.name,
                f"{vcpu}, serves" if vcpu == 0 else str(vcpu),
                NONE if wakeups is None else f"{wakeups:.3g}",
                *(NONE if time is None else nanoseconds(time) for time in times),
            )


def _parts(row: Document, vcpu: int) -> dict[str, float | None]:
    """One vCPU's part in a trial, by requests served; None where the kernel does not count it."""
    guest = row["guest"]
    kept = (guest.get("stats") or {}).get("vcpu") or []
    known = {**guest["vcpus"][vcpu], **((kept[vcpu] if vcpu < len(kept) else None) or {})}
    known.setdefault("ticks", guest["completed"])
    return {name: ratio(known.get(name), guest["completed"]) for name in NAMES}


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
