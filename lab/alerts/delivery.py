"""Brings the alerts to their sinks, and says what can be promised of each.

A *state sink* shows all alerts as they are now: showing them again changes nothing, so it is
done each time, and a process that is killed simply does it again. Alertmanager is one, since an
alert there is what its labels are.

A *notice sink* tells somebody once. An attempt is recorded before it is made, and its outcome
after. What the sink acknowledged is never sent again. Of an attempt without an outcome, whose
process was killed in between, nobody can know whether it arrived: it is not repeated (at most
once), and the alert says so. What the sink refused, or did not answer in time, is tried again by
the next delivery, ATTEMPTS times in all: a service that took a message and did not say so in
time can show it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from lab.alerts.book import Book, append
from lab.alerts.events import Attempted, Delivered, Event, Failed
from lab.alerts.model import Alert, State
from lab.alerts.people import lapse
from lab.alerts.words import Message, message
from lab.errors import LabError
from lab.history.store import Store

ATTEMPTS = 3


class SinkError(LabError):
    """A sink did not take what it was given; the sentence holds no secret."""


@runtime_checkable
class StateSink(Protocol):
    name: str

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:
        """Make the sink show `alerts`, resolved ones among them; SinkError when it cannot."""


@runtime_checkable
class NoticeSink(Protocol):
    name: str

    def tell(self, message: Message) -> None:
        """Send one message; SinkError when it was not acknowledged."""


Sink: TypeAlias = StateSink | NoticeSink


@dataclass(frozen=True)
class Outcome:
    """What one sink did: `told` are the alerts it was told of now, `error` why not."""

    sink: str
    told: tuple[str, ...]
    error: str | None


def deliver(store: Store, sinks: Iterable[Sink], now: datetime) -> list[Outcome]:
    """Bring all alerts to all sinks; a sink that fails keeps no other from its turn."""
    lapse(store, now)
    alerts = list(Book.read(store).alerts.values())
    return [
        _shown(sink, alerts, now) if isinstance(sink, StateSink) else _told(store, sink, alerts)
        for sink in sinks
    ]


def _shown(sink: StateSink, alerts: Sequence[Alert], now: datetime) -> Outcome:
    try:
        sink.show(alerts, now)
    except SinkError as error:
        return Outcome(sink.name, (), str(error))
    return Outcome(sink.name, tuple(alert.id for alert in alerts if alert.is_active), None)


def _told(store: Store, sink: NoticeSink, alerts: Sequence[Alert]) -> Outcome:
    told, errors = [], []
    for alert in alerts:
        notice = alert.notice
        if notice is None or not _is_due(alert, sink.name):
            continue
        if not _claimed(store, alert, sink.name):
            continue
        outcome: Event = Delivered(alert.id, notice, sink.name)
        try:
            sink.tell(message(alert))
            told.append(alert.id)
        except SinkError as error:
            outcome = Failed(alert.id, notice, sink.name, str(error))
            errors.append(f"{alert.id}: {error}")
        _record(store, outcome)
    return Outcome(sink.name, tuple(told), "; ".join(errors) or None)


def _is_due(alert: Alert, sink: str) -> bool:
    """Tell whether a sink is to hear of an alert's last notice.

    Only what it does not know: an acknowledged alert has its reader, an end is news to those
    who heard of the beginning, and of several notices in a row the last one counts.
    """
    if alert.notice is None or alert.state is State.ACKNOWLEDGED:
        return False
    known = {event: each for (event, name), each in alert.deliveries.items() if name == sink}
    heard = any(each.outcome != "failed" for event, each in known.items() if event < alert.notice)
    if alert.state is State.RESOLVED and not heard:
        return False
    last = known.get(alert.notice)
    return last is None or (last.outcome == "failed" and last.attempts < ATTEMPTS)


def _claimed(store: Store, alert: Alert, sink: str) -> bool:
    """Record the attempt, unless another process did since, or the alert has changed."""

    def decide(book: Book) -> Iterable[Event]:
        current = book[alert.id]
        if current.notice != alert.notice or not _is_due(current, sink):
            return []
        return [Attempted(alert.id, alert.notice, sink)] if alert.notice is not None else []

    return bool(append(store, decide))


def _record(store: Store, outcome: Event) -> None:
    append(store, lambda _: [outcome])
