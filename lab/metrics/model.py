"""What a metric is, and what metrics are made with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lab.quantile import harrell_davis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.store.layout import Document

TICKING = frozenset({"net_rr", "net_stream", "disk_rr"})
"""Guests that a device wakes, with vCPUs beside that only tick."""
LINUX = frozenset({"qemu_rr", "qemu_pipe", "domain_rr"})
"""Real ones: what they do beside their work is their own affair."""
SERVED = TICKING | {"qemu_rr", "domain_rr"}
"""Guests that a device wakes: a request waits for them."""
ROUND_TRIPS = SERVED | LINUX
"""Those whose work is to answer, be it to themselves."""
HALT = frozenset({"halt"}) | ROUND_TRIPS
EXITS = frozenset({"exit", "hypercall", "userspace", "mmio", "ipi", "fpu"})


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
    comparisons are corrected together. `resolution` is how far, by itself, a value may be
    off because it was read from a bucket; the intervals of comparisons hold it.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    definition: str
    guests: frozenset[str]
    value: Callable[[Document], float | None]
    primary: bool = False
    resolution: float = 0.0

    @property
    def blur(self) -> float:
        """How far a log ratio may be off because both of its values are read from buckets."""
        return 2 * math.log1p(self.resolution)


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    """Quotient, None where one side is not there or there is nothing to divide by."""
    return None if numerator is None or not denominator else numerator / denominator


def quantile(values: Iterable[float] | None, q: float) -> float | None:
    """Quantile `q` of a trial's values (Harrell and Davis); None where too few have one."""
    sample = np.asarray(values if values is not None else [], dtype=np.float64)
    # Fewer than 1 / (1 - q) values have none beyond the quantile: a maximum in disguise.
    if sample.size < 1 / (1 - q):
        return None
    return harrell_davis(sample, q)
