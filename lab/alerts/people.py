"""What people do to alerts: acknowledge for a while, resolve."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lab.alerts.book import Book, append
from lab.alerts.events import Acknowledged, Entry, Event, Lapsed, Resolved
from lab.alerts.model import State
from lab.errors import UsageError
from lab.history.store import Store


def acknowledge(store: Store, alert: str, *, by: str, reason: str, until: datetime) -> list[Entry]:
    """Say that `by` looks after an alert `until` then; UsageError when it is resolved."""

    def decide(book: Book) -> Iterable[Event]:
        _active(book, alert)
        return [Acknowledged(alert, by, reason, until)]

    return append(store, decide)


def resolve(store: Store, alert: str, *, by: str, reason: str) -> list[Entry]:
    """Close an alert by hand; UsageError when it is closed.

    What its series did up to now is settled with it: only a change that begins later is news.
    """

    def decide(book: Book) -> Iterable[Event]:
        _active(book, alert)
        return [Resolved(alert, book.night or "", "person", by, reason)]

    return append(store, decide)


def lapse(store: Store, now: datetime) -> list[Entry]:
    """End the acknowledgements whose time is over."""

    def decide(book: Book) -> Iterable[Event]:
        return [
            Lapsed(alert.id, f"the acknowledgement of {alert.ack.by} is over")
            for alert in book.active
            if alert.state is State.ACKNOWLEDGED and alert.ack and alert.ack.until <= now
        ]

    return append(store, decide)


def _active(book: Book, alert: str) -> None:
    known = book[alert]
    if known.resolution:
        raise UsageError(
            f"{alert} is resolved ({known.resolution.reason}, by {known.resolution.by}): "
            "there is nothing left to do"
        )
