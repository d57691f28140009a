"""What a comparison says, and how sure it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.metrics import Direction


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    UNSTABLE = "unstable"
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
    """The trials of one metric in one host x setting x workload: where they lie, and how far apart.

    `median` over `n` trials, and their `spread` in `unit`: the median distance from the median, by
    1.4826, which makes it the standard deviation of normal values (Hampel, The influence curve and
    its role in robust estimation, JASA 69, 1974). None below three trials.
    """

    run: str
    host: str
    workload: str
    metric: str
    unit: str
    setting: str
    n: int
    median: Estimate
    spread: float | None

    @property
    def relative_spread(self) -> float | None:
        """`spread` by the median; None where there is none or the median is 0."""
        if self.spread is None or not self.median.value:
            return None
        return self.spread / self.median.value


@dataclass(frozen=True)
class Comparison:
    """One metric of one setting against the reference, on the same host and workload.

    Medians and `difference` are in `unit`, over the `n` blocks in which both were measured, which
    lie in `boots` boots of the host. `median_low` to `median_high` is the setting's median's
    interval and `spread` how far its trials lie apart, as in `Cell`; so for the reference's; both
    intervals have the probability `coverage`. `ratio` is exp(`log_ratio`), the location of the
    blocks' log ratios; `low` to `high` is its 95 % interval, `standard_error` the error of
    `log_ratio`, with `freedom` degrees of freedom. `p` tests a ratio of 1, `p_permutation` the same
    by flipping signs; `p_adjusted` is `p` with false discovery controlled over the `family` of
    comparisons of the run that have one. `p_equivalent` tests that the ratio is outside 1/`margin`
    to `margin`. `detectable` is the smallest ratio above 1 that would have been found with 80 %
    power, given the spread seen; `needed` is how many blocks are needed where there are too few.
    `noise_floor` is the ratio up to which the host's own A/A trials differ. Whatever could not be
    computed is None, and `reason` says why.
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
    boots: int = 1
    median_low: float | None = None
    median_high: float | None = None
    spread: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None
    reference_spread: float | None = None
    coverage: float | None = None
    log_ratio: float | None = None
    standard_error: float | None = None
    freedom: float | None = None
    p_permutation: float | None = None
    margin: float = 1.05
    p_equivalent: float | None = None
    noise_floor: float | None = None
    needed: int | None = None
    warnings: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON and tables."""
        return asdict(self) | {"direction": str(self.direction), "verdict": str(self.verdict)}
