"""What a store says on its last night: what moved, what is equivalent, what is unknown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab.alerts import Alert, Book
from lab.detect import Finding, Judgement
from lab.errors import StoreError
from lab.history.breaks import Break
from lab.history.key import SeriesKey
from lab.history.log import Log
from lab.history.runs import Published, published
from lab.history.store import Store
from lab.labels import change
from lab.nightly.judge import History
from lab.nightly.model import NIGHTS, Criteria, Verdict
from lab.report.site.fleet import latest
from lab.stats.compare import MARGIN
from lab.store.layout import MANIFEST, Document


@dataclass(frozen=True, order=True)
class Cell:
    """What has a trend page: a workload of a host in an experiment, under one clock class."""

    host: str
    clock_class: str
    experiment: str
    workload: str

    @classmethod
    def of(cls, key: SeriesKey) -> Cell:
        return cls(key.host, key.clock_class, key.experiment, key.workload)

    @property
    def page(self) -> str:
        return page("trend", self.host, self.clock_class, self.experiment, self.workload)


@dataclass(frozen=True)
class Moved:
    key: SeriesKey
    finding: Finding


@dataclass(frozen=True)
class Unknown:
    """Why nothing is said of `keys`."""

    reason: str
    keys: Sequence[SeriesKey]


@dataclass(frozen=True)
class View:
    """The store as it is; read once, on first use.

    Judged by the criteria `given`, without any by those of the last night that came to an end.
    """

    store: Store
    given: Criteria | None = None

    @cached_property
    def night(self) -> str:
        """The last night, whether it measured anything or not; StoreError without one."""
        nights = [run.night for run in published(self.store)]
        nights += [each["night"] for each in self._told]
        if not nights:
            raise StoreError(f"{self.store.url} has no nights yet: `kvmlab nightly` makes them")
        return max(nights)

    @cached_property
    def criteria(self) -> Criteria:
        if self.given:
            return self.given
        return Criteria.of(self._told[0]["criteria"]) if self._told else Criteria()

    @cached_property
    def history(self) -> History:
        return History(self.store, self.night, self.criteria)

    @cached_property
    def judged(self) -> dict[SeriesKey, Judgement]:
        return dict(self.history.judge().judgements)

    @property
    def moved(self) -> list[Moved]:
        """Series with a finding, the largest change first."""
        found = [Moved(key, each.finding) for key, each in self.judged.items() if each.finding]
        return sorted(found, key=lambda each: -abs(each.finding.ratio.value - 1))

    @property
    def equivalent(self) -> list[SeriesKey]:
        """Series of which a change beyond the margin would have been seen, and was not."""
        return [
            key
            for key, each in self.judged.items()
            if not each.finding and each.detectable and each.detectable <= MARGIN
        ]

    @property
    def unknown(self) -> list[Unknown]:
        """All other series, together by the reason why nothing is said of them."""
        said = {*self.equivalent, *(each.key for each in self.moved)}
        together: dict[str, list[SeriesKey]] = {}
        for key in self.history.series:
            if key not in said:
                together.setdefault(self._why(key), []).append(key)
        return [Unknown(reason, keys) for reason, keys in sorted(together.items())]

    @cached_property
    def book(self) -> Book:
        return Book.read(self.store)

    @property
    def breaks(self) -> list[Break]:
        return self.history.known

    @property
    def verdicts(self) -> list[Verdict]:
        """What the nights came to, the last first."""
        return [Verdict.of(each) for each in self._told]

    @cached_property
    def _told(self) -> list[Document]:
        names = {key.split("/")[1] for key in self.store.keys(NIGHTS)}
        events = [each for name in names for each in Log(self.store, f"{NIGHTS}/{name}").events()]
        return sorted(events, key=lambda each: (each["night"], each["began"]), reverse=True)

    @cached_property
    def cells(self) -> list[Cell]:
        return sorted({Cell.of(key) for key in self.history.series})

    @cached_property
    def facts(self) -> dict[str, dict[str, Any]]:
        """Facts of each host as its last run found it."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.history.runs:
            manifest = self.store.read_json(f"runs/{run.run}/{MANIFEST}")
            for host, entry in manifest["hosts"].items():
                found[host] = entry.get("facts") or found.get(host, {})
        return dict(sorted(found.items()))

    @cached_property
    def fleets(self) -> dict[str, dict[str, Published]]:
        """The runs that hosts stand side by side in, by experiment and host."""
        return latest(self.history.runs)

    def alerts_of(self, host: str) -> list[Alert]:
        alerts = self.book.alerts.values()
        return [each for each in alerts if any(c.series.host == host for c in each.changes)]

    def alerts_on(self, key: SeriesKey) -> Iterator[tuple[Alert, str]]:
        """Yield the alerts that a series is in, with the night its change began."""
        for alert in self.book.alerts.values():
            if mine := alert.of(key):
                yield alert, mine.since

    def _why(self, key: SeriesKey) -> str:
        judgement = self.judged.get(key)
        if judgement is None:
            return f"not measured on {self.night}"
        if judgement.detectable:
            return f"a change of {change(MARGIN)} might not have been seen"
        return judgement.reason


def page(kind: str, *names: str) -> str:
    """Name a page so that it can be read, is safe as a file's name, and is no other's."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(names)).strip("-.")
    digest = hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
    return f"{kind}-{readable}-{digest}.html"
