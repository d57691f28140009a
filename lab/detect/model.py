"""What the judges say, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from lab.stats.model import Estimate

SYNTHETIC = "synthetic"
"""Clock class of nights that nobody measured."""


class Series(NamedTuple):
    """What nights are compared within; a field that a history does not have is empty."""

    host: str
    clock_class: str
    setting: str
    workload: str
    metric: str


class Kind(StrEnum):
    STEP = "step"
    DRIFT = "drift"


class Way(StrEnum):
    """Where the values went; whether that is worse is the metric's to say."""

    UP = "up"
    DOWN = "down"


class State(StrEnum):
    """How far a finding has come: each step asks for more.

    SUSPICIOUS: one judge says so; it is mentioned, and worth running again when there is time.
    TO_CONFIRM: both judges say so, on two nights or more, or tonight alone is too far off to
    wait for another; it is run again before it is told.
    CONFIRMED: the re-run, on a fresh boot or at least fresh VMs, says so, too.
    """

    SUSPICIOUS = "suspicious"
    TO_CONFIRM = "to confirm"
    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Break:
    """From `night` on, values are not comparable with those before, for `reason`.

    It concerns the series that have all the fields given: `Break(night, reason,
    host="epyc")` every series of that host, one without fields every series.
    """

    night: date
    reason: str
    host: str | None = None
    clock_class: str | None = None
    setting: str | None = None
    workload: str | None = None
    metric: str | None = None

    def concerns(self, series: Series) -> bool:
        wanted = (getattr(self, name) for name in Series._fields)
        return all(want in (None, has) for want, has in zip(wanted, series, strict=True))


@dataclass(frozen=True)
class Tonight:
    """Judge 1: this night alone by the nights of the baseline, the ratio with its interval."""

    ratio: Estimate
    stands_out: bool


@dataclass(frozen=True)
class Shift:
    """Judge 2: the best split of the series, by E-divisive means.

    `t` is its studentized size, with `degrees` of freedom after autocorrelation; `p` is that of
    the largest |t| of all splits of a series in which nothing happened.
    """

    t: float
    degrees: int
    p: float
    is_change: bool


@dataclass(frozen=True)
class Finding:
    """One change of one series.

    `ratio` is what followed by the baseline, with its interval; of a drift it is
    the mean over the nights since. `since` is the first night that differs, `night` the
    one that was judged. `before` and `after` count nights; `baseline` is their level in
    the metric's unit. `confidence` is 1 - p of the stronger judge.
    """

    series: Series
    night: date
    state: State
    kind: Kind
    way: Way
    ratio: Estimate
    since: date
    baseline: float
    before: int
    after: int
    confidence: float
    tonight: Tonight
    shift: Shift

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON and tables."""
        found = asdict(self) | self.series._asdict()
        del found["series"]
        return found | {"night": self.night.isoformat(), "since": self.since.isoformat()}


@dataclass(frozen=True)
class Judgement:
    """What is known of one series on its last night: a finding, silence, or why nothing is said.

    `level` is the geometric mean of the baseline in the metric's unit, of `nights` nights from
    `since` on; `detectable` the smallest ratio above 1 that two nights would show and that is not
    below what counts. They are None
    where `reason` says why the series cannot be judged. `reset_by` is the break that the
    baseline begins at, if one does.
    """

    series: Series
    night: date
    since: date
    nights: int
    level: float | None
    detectable: float | None
    finding: Finding | None
    reason: str
    reset_by: Break | None
