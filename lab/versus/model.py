"""A row of a comparison of two sides, whatever the sides are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.stats import Estimate

SHOWN = {"better", "worse", "equivalent", "different"}
"""Verdicts that say something was shown; of the others the change is not worth a number."""


class Method(StrEnum):
    """How two sides are compared, by what they share."""

    PAIRED = "paired by block"
    UNPAIRED = "unpaired"
    EFFECTS = "effects"
    SIDE_BY_SIDE = "side by side"


@dataclass(frozen=True)
class Row:
    """One metric of one workload, on two sides: `ratio` is the second's by the first's.

    `first` and `second` are medians in `unit`; under `effects` and `side by side` they are ratios
    to the reference of their own host. `low` to `high` is the 95 % interval of `ratio`, over
    `n_first` and `n_second` blocks (or, where a side has several, runs or hosts). `p_adjusted` is
    over the `family` of rows that have a p, shown or not; `detectable` the smallest ratio above 1
    that would have been found with 80 % power; `noise_floor` the ratio up to which the host
    differs from itself (A/A), where the run has such trials; `warnings` are reasons for doubt. What
    could not be computed is None, and `reason` says why.
    """

    method: Method
    where: str
    clock_class: str
    workload: str
    metric: str
    unit: str
    setting: str
    reference: str
    first: Estimate | None
    second: Estimate | None
    n_first: int
    n_second: int
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    family: int
    detectable: float | None
    verdict: str
    reason: str
    noise_floor: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_shown(self) -> bool:
        return self.verdict in SHOWN

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON and CSV."""
        return asdict(self) | {"method": str(self.method)}


@dataclass(frozen=True)
class Answer:
    """What was compared, the rows, and what to know before believing them."""

    title: str
    rows: Sequence[Row]
    remarks: tuple[str, ...]
