"""What each event does to its alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from lab.alerts.events import (
    Acknowledged,
    Attempted,
    Confirmed,
    Delivered,
    Entry,
    Event,
    Failed,
    Judged,
    Lapsed,
    Opened,
    Resolved,
    Troubled,
    Updated,
)
from lab.alerts.model import Ack, Alert, Change, Delivery, Resolution, Standing, State
from lab.errors import StoreError


def begun(entry: Entry) -> Alert:
    """Return an alert before its first event; StoreError for an event that begins none."""
    event = entry.event
    if not isinstance(event, Opened | Troubled):
        raise StoreError(
            f"alerts: event {entry.number} is of {event.alert}, which nothing opened: "
            "restore the store"
        )
    return Alert(
        id=event.alert,
        state=State.OPEN,
        opened_at=entry.at,
        opened_night=event.night,
        night=event.night,
        changes=(),
        suspects=(),
        previous=None,
        trouble=None,
        confirmation=None,
        ack=None,
        resolution=None,
        eased=0,
        notice=None,
        deliveries={},
        history=(),
    )


def after(alert: Alert, entry: Entry) -> Alert:
    """Return the alert as `entry` leaves it."""
    return _after(entry.event, alert, entry)


@singledispatch
def _after(event: Event, alert: Alert, entry: Entry) -> Alert:
    raise AssertionError(event, alert, entry)


@_after.register
def _(event: Opened, alert: Alert, entry: Entry) -> Alert:
    told = _told(alert, entry, f"opened by the night of {event.night}")
    return replace(told, changes=event.changes, suspects=event.suspects, previous=event.previous)


@_after.register
def _(event: Updated, alert: Alert, entry: Entry) -> Alert:  # noqa: ARG001
    return replace(
        alert,
        night=event.night,
        changes=_merged(alert.changes, event.changes),
        suspects=tuple(dict.fromkeys((*alert.suspects, *event.suspects))),
        eased=0,
    )


@_after.register
def _(event: Judged, alert: Alert, entry: Entry) -> Alert:
    is_back = event.standing is Standing.GONE
    told = _told(alert, entry, f"{'' if is_back else 'not '}at its old level on {event.night}")
    return replace(told, night=event.night, eased=alert.eased + 1 if is_back else 0)


@_after.register
def _(event: Troubled, alert: Alert, entry: Entry) -> Alert:
    told = _told(alert, entry, f"{event.night}: {event.sentence}")
    told = replace(told, night=event.night, trouble=event.sentence)
    # Said once: the next night with the same trouble is no news.
    return _noticed(told, entry) if alert.trouble is None else told


@_after.register
def _(event: Confirmed, alert: Alert, entry: Entry) -> Alert:
    told = _told(alert, entry, f"confirmed: {event.evidence}")
    told = replace(told, confirmation=event.evidence)
    return told if alert.state is State.ACKNOWLEDGED else _noticed(told, entry)


@_after.register
def _(event: Acknowledged, alert: Alert, entry: Entry) -> Alert:
    until = f"until {event.until:%Y-%m-%d %H:%M} UTC"
    told = _told(alert, entry, f"acknowledged by {event.by} {until}: {event.reason}")
    ack = Ack(event.by, event.reason, event.until, alert.changes)
    return replace(told, state=State.ACKNOWLEDGED, ack=ack)


@_after.register
def _(event: Lapsed, alert: Alert, entry: Entry) -> Alert:
    told = replace(_told(alert, entry, event.reason), ack=None)
    return _noticed(told, entry) if alert.is_public else replace(told, state=State.OPEN)


@_after.register
def _(event: Resolved, alert: Alert, entry: Entry) -> Alert:
    told = _told(alert, entry, f"resolved by {event.by}: {event.reason}")
    return replace(
        told,
        state=State.RESOLVED,
        night=max(alert.night, event.night),
        ack=None,
        resolution=Resolution(event.how, event.by, event.reason, event.night, entry.at),
        notice=entry.number,
    )


@_after.register
def _(event: Attempted, alert: Alert, entry: Entry) -> Alert:
    known = alert.deliveries.get((event.notice, event.sink))
    attempts = known.attempts if known else 0
    return _sent(event, alert, Delivery("unknown", attempts + 1, entry.at))


@_after.register
def _(event: Delivered, alert: Alert, entry: Entry) -> Alert:
    known = alert.deliveries[event.notice, event.sink]
    return _sent(event, alert, Delivery("delivered", known.attempts, entry.at))


@_after.register
def _(event: Failed, alert: Alert, entry: Entry) -> Alert:
    known = alert.deliveries[event.notice, event.sink]
    return _sent(event, alert, Delivery("failed", known.attempts, entry.at, event.error))


def _sent(event: Attempted | Delivered | Failed, alert: Alert, delivery: Delivery) -> Alert:
    key = (event.notice, event.sink)
    return replace(alert, deliveries={**alert.deliveries, key: delivery})


def _noticed(alert: Alert, entry: Entry) -> Alert:
    return replace(alert, state=State.CONFIRMED, notice=entry.number)


def _told(alert: Alert, entry: Entry, sentence: str) -> Alert:
    return replace(alert, history=(*alert.history, (entry.at, sentence)))


def _merged(known: Sequence[Change], fresh: Sequence[Change]) -> tuple[Change, ...]:
    """Take tonight's view of each series; order and host classes, and so what it is, stay."""
    classes = {each.series: each.host_class for each in known}
    views = {each.series: each for each in known}
    for each in fresh:
        its_class = classes.get(each.series, each.host_class)
        views[each.series] = replace(each, host_class=its_class)
    return tuple(views.values())
