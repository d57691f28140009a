"""Metrics: what is computed from one trial, with unit, direction and definition.

A metric that cannot be computed from a trial is absent, never zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics import fpu, guest, phases, polling, served
from lab.metrics.model import (
    EXITS,
    HALT,
    LINUX,
    ROUND_TRIPS,
    SERVED,
    TICKING,
    Direction,
    Metric,
)

if TYPE_CHECKING:
    from lab.store.layout import Document

__all__ = [
    "EXITS",
    "HALT",
    "LINUX",
    "METRICS",
    "PRIMARY",
    "ROUND_TRIPS",
    "SERVED",
    "TICKING",
    "Direction",
    "Metric",
    "applying",
    "measure",
]

METRICS = (*served.METRICS, *guest.METRICS, *polling.METRICS, *phases.METRICS, *fpu.METRICS)
PRIMARY = tuple(each.name for each in METRICS if each.primary)
_BY_NAME = {each.name: each for each in METRICS}


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
