"""What an alert is: which series moved, why perhaps, and how far its life has come."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime
from enum import StrEnum
from math import log
from typing import Any, Literal, Protocol, TypeAlias

from lab.history.key import SeriesKey
from lab.metrics import Direction, metric
from lab.store.layout import Document

Night: TypeAlias = str
"""ISO date of a night, `2026-11-23`: sorted as text, nights are in order."""


KERNEL = "kernel"
"""Name of the fact that `git bisect` can look into."""


class State(StrEnum):
    """`open`: found, to be confirmed on fresh VMs and not sent yet. The others as they say."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Standing(StrEnum):
    """Tonight's level of a series beside the nights before it changed.

    `gone` takes a proof that the two are equivalent; a night that did not measure the series, or
    not well enough, is `unknown` and closes nothing.
    """

    GONE = "gone"
    STILL = "still"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Point:
    """A night of a series: median over its trials with interval, in the metric's unit."""

    night: Night
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Cell:
    """What measures a series again: the parts of its experiment that make one cell."""

    workload: Mapping[str, Any]
    setting: Mapping[str, int]
    probes: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A series that moved.

    `ratio` is the level since the change by the level before, with its interval; `before` and
    `after` are these levels in the metric's unit. `since` is the first night of the new level,
    `last_good` the night measured before it. `run` holds the trials that show it.
    """

    series: SeriesKey
    host_class: str
    kind: Literal["step", "drift"]
    ratio: float
    low: float
    high: float
    before: float
    after: float
    since: Night
    last_good: Night
    run: str
    evidence: str
    cell: Cell = field(compare=False)
    trend: tuple[Point, ...]

    @property
    def direction(self) -> Literal["up", "down"]:
        return "up" if self.ratio > 1 else "down"

    @property
    def is_worse(self) -> bool:
        """Whether this is what an alert is for: never for a metric that is neither good nor bad."""
        bad = {Direction.LOWER: "up", Direction.HIGHER: "down"}
        return self.direction == bad.get(metric(self.series.metric).direction)

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.host_class, self.series.metric, self.series.setting, self.direction)


@dataclass(frozen=True)
class Fingerprint:
    """What makes two findings the same trouble, on whichever night, host or workload."""

    host_class: str
    metric: str
    setting: str
    direction: str

    @property
    def digest(self) -> str:
        text = "\0".join(astuple(self))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def host_class(facts: Document) -> str:
    """Name what hosts must share for one to stand for another: `x86_64 vmx hardware`."""
    flavour = (facts.get("kvm") or {}).get("flavour")
    parts = (facts.get("architecture"), flavour, facts.get("clock_class"))
    return " ".join(str(part or "unknown") for part in parts)


@dataclass(frozen=True)
class Suspect:
    """A fact of a host that changed when its series did; `commits` is for `git log`, if known."""

    host: str
    fact: str
    before: str
    after: str
    commits: str | None = None

    @property
    def text(self) -> str:
        commits = f" (git log {self.commits})" if self.commits else ""
        return f"{self.fact}: {self.before} \N{RIGHTWARDS ARROW} {self.after}{commits}"


@dataclass(frozen=True)
class Ack:
    """`seen` is what was known then: it is no answer to anything worse."""

    by: str
    reason: str
    until: datetime
    seen: tuple[Change, ...]


@dataclass(frozen=True)
class Resolution:
    """`how`: back at the old level, not seen again when repeated, by a person, or a night ran."""

    how: Literal["recovered", "unconfirmed", "person", "ran"]
    by: str
    reason: str
    night: Night
    at: datetime


@dataclass(frozen=True)
class Delivery:
    """What became of the last attempt to send one notice; `unknown` when nothing was recorded.

    `unknown` is an attempt under way, or one whose sender died between sending and recording.
    """

    outcome: Literal["unknown", "delivered", "failed"]
    attempts: int
    at: datetime
    error: str | None = None


@dataclass(frozen=True)
class Alert:
    """One alert as its events left it.

    The first of `changes` is what it was opened for and does not change; an alert about a night
    that could not run has `trouble` instead. `night` is the last that said something about it,
    `eased` how many in a row it has been back at the old level. `notice` is the number of the
    last event worth a message, and `deliveries` what became of it by (event, sink).
    """

    id: str
    state: State
    opened_at: datetime
    opened_night: Night
    night: Night
    changes: tuple[Change, ...]
    suspects: tuple[Suspect, ...]
    previous: str | None
    trouble: str | None
    confirmation: str | None
    ack: Ack | None
    resolution: Resolution | None
    eased: int
    notice: int | None
    deliveries: Mapping[tuple[int, str], Delivery]
    history: tuple[tuple[datetime, str], ...]

    @property
    def is_active(self) -> bool:
        return self.state is not State.RESOLVED

    @property
    def is_public(self) -> bool:
        """Whether others are to hear of it: it was confirmed, or needs no confirmation."""
        return bool(self.confirmation or self.trouble)

    @property
    def since(self) -> Night:
        return min((change.since for change in self.changes), default=self.opened_night)

    @property
    def last_good(self) -> Night | None:
        return self.changes[0].last_good if self.changes else None

    def of(self, series: SeriesKey) -> Change | None:
        """Return its change of a series, None when it is not about that."""
        return next((change for change in self.changes if change.series == series), None)

    def is_further(self, change: Change) -> bool:
        """Tell whether a change starts from the level that this alert is about.

        Otherwise it is the alert's own change, estimated anew.
        """
        known = self.of(change.series)
        if known is None or change.since <= known.since:
            return False
        return abs(log(change.before / known.after)) < abs(log(change.before / known.before))

    @property
    def series(self) -> frozenset[SeriesKey]:
        return frozenset(change.series for change in self.changes)

    @property
    def fingerprints(self) -> frozenset[Fingerprint]:
        return frozenset(change.fingerprint for change in self.changes)

    @property
    def kernel(self) -> Suspect | None:
        """The change of kernel that came with the change, if there was one."""
        return next((each for each in self.suspects if each.fact == KERNEL), None)


class Context(Protocol):
    """What the night knows of its store; `lab.nightly` gives one."""

    def conditions(self, host: str, night: Night) -> Mapping[str, str]:
        """Return what a night's numbers of a host depend on, by name; empty when it did not run."""

    def standing(self, change: Change) -> Standing:
        """Hold tonight's trials of the series against the nights before `change.since`."""
