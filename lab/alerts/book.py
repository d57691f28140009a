"""All alerts of a store: the fold of their events, and the way to add to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.alerts import fold
from lab.alerts.events import Entry, Event, decode, encode
from lab.alerts.model import Alert, Change, Night
from lab.errors import UsageError
from lab.history.log import Log
from lab.history.store import Store
from lab.store.layout import Document


@dataclass(frozen=True)
class Book:
    """Alerts by id, oldest first; `length` events made them."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    length: int = 0

    @classmethod
    def read(cls, store: Store) -> Book:
        """Read all alerts; StoreError when an event is missing or cannot be read."""
        return _fold(log(store).events())

    def __getitem__(self, alert: str) -> Alert:
        """Return an alert; UsageError when there is none of that id."""
        if alert not in self.alerts:
            known = ", ".join(each.id for each in self.active) or "none is active"
            raise UsageError(f"there is no alert {alert}: {known}")
        return self.alerts[alert]

    @property
    def active(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.is_active]

    @property
    def night(self) -> Night | None:
        """Last night that said anything."""
        return max((alert.night for alert in self.alerts.values()), default=None)

    def is_settled(self, change: Change, tonight: Night) -> bool:
        """Tell whether a change is an old story.

        A change point stays in the history after its alert was resolved; only one that began
        later is news. What a repetition did not show may be found again, on another night.
        """
        return any(
            change.since <= end.night if end.how != "unconfirmed" else tonight <= end.night
            for end in (each.resolution for each in self.alerts.values() if each.of(change.series))
            if end
        )

    def holding(self, change: Change) -> Alert | None:
        """Return the active alert that a change belongs to, None when it is news.

        That is the one that has this change of its series; else, for a series that no active
        alert has, one with the same fingerprint. A further change of a series is an alert of its
        own: it has another cause, is confirmed and told by itself, and may recover alone.
        """
        having = [alert for alert in self.active if alert.of(change.series)]
        alike = [alert for alert in self.active if change.fingerprint in alert.fingerprints]
        found = [alert for alert in having if not alert.is_further(change)] if having else alike
        return found[0] if found else None


def log(store: Store) -> Log:
    return Log(store, "alerts")


def append(store: Store, decide: Callable[[Book], Iterable[Event]]) -> list[Entry]:
    """Add what `decide` makes of the alerts as they are, in one piece; return what was added.

    When another process was faster, `decide` is asked again with what that one wrote: it must do
    nothing else, and may raise to add nothing.
    """
    length = 0

    def documents(known: list[Document]) -> list[Document]:
        nonlocal length
        length = len(known)
        return [encode(event) for event in decide(_fold(known))]

    added = log(store).append(documents)
    return [decode(length + place, each) for place, each in enumerate(added)]


def _fold(documents: Sequence[Document]) -> Book:
    alerts: dict[str, Alert] = {}
    for number, document in enumerate(documents):
        entry = decode(number, document)
        name = entry.event.alert
        alerts[name] = fold.after(alerts.get(name) or fold.begun(entry), entry)
    return Book(alerts, len(documents))
