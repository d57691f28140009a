"""What a comparison says, and how sure it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.metrics import Direction


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    INERT = "inert"
    MISSING = "missing"


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; `coverage` is the interval's nominal probability.

    `low` and `high` are None where there is too little data for an interval.
    """

    value: float
    low: float | None
    high: float | None
    coverage: float | None


@dataclass(frozen=True)
class Cell:
    """The trials of one metric in one host x setting x workload: their median, over `n` trials."""

    run: str
    host: str
    workload: str
    metric: str
    unit: str
    setting: str
    n: int
    median: Estimate


@dataclass(frozen=True)
class Comparison:
    """One metric of one setting against the reference, on the same host and workload.

    Medians and `difference` are in `unit`; `ratio` is the setting's median by the
    reference's, both over the `n` blocks in which both were measured. `p_adjusted` is
    Holm's over the `family` of comparisons of the run that have a p value.
    `detectable` is the smallest ratio above 1 that would have been found with 80 %
    power, given the spread seen; changes smaller than it could have gone unseen.
    Whatever could not be computed is None, and `reason` says why.
    """

    run: str
    host: str
    architecture: str | None
    clock_class: str | None
    workload: str
    metric: str
    unit: str
    direction: Direction
    setting: str
    reference: str
    n: int
    median: float | None
    reference_median: float | None
    difference: float | None
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    family: int
    detectable: float | None
    verdict: Verdict
    reason: str

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON and tables."""
        return asdict(self) | {"direction": str(self.direction), "verdict": str(self.verdict)}
