"""A row of a comparison of two sides, whatever the sides are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from lab.stats import Estimate
from lab.stats.architectures import Family
from lab.stats.unpaired import Effect

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

    `first` and `second` are medians in `unit`, with intervals, and `spread_first` and
    `spread_second` how far trials lie apart, as in `lab.stats.Cell`; under `effects` and `side by
    side` they are ratios to the reference of their own host, without spread. `low` to `high` is the
    95 % interval of `ratio`, over `n_first` and `n_second` blocks (or, where a side has several,
    runs or hosts). `p_adjusted` is over the `family` of rows that have a p, shown or not;
    `detectable` the smallest ratio above 1 that would have been found with 80 % power;
    `noise_floor` the ratio up to which hosts differ from themselves (A/A), where runs have such
    trials; `warnings` are reasons for doubt. What could not be computed is None, and `reason` says
    why.
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
    verdict: str
    reason: str
    spread_first: float | None = None
    spread_second: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    family: int = 0
    detectable: float | None = None
    noise_floor: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_shown(self) -> bool:
        return self.verdict in SHOWN

    def tested(self, contrast: Effect, family: Family, verdict: str, reason: str) -> Row:
        """Return the row with what a contrast of its sides, one of the `family`, shows."""
        low, high = contrast.interval
        return replace(
            self,
            verdict=verdict,
            reason=reason,
            ratio=contrast.ratio,
            low=low,
            high=high,
            p=contrast.p,
            p_adjusted=family.adjusted[contrast.p],
            family=family.size,
            detectable=contrast.detectable(family.alpha),
        )

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON and CSV."""
        return asdict(self) | {"method": str(self.method)}


@dataclass(frozen=True)
class Answer:
    """What was compared, the rows, and what to know before believing them."""

    title: str
    rows: Sequence[Row]
    remarks: tuple[str, ...]
