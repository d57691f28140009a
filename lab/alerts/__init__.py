"""Alerts with a life: found by a night, confirmed, acknowledged by people, closed on recovery.

A night calls `update` with the changes it sees and `confirm` for each open alert whose cells it
ran again, then `deliver`; people call `acknowledge` and `resolve`. All of them append events to
the log `alerts/` of the store (`lab.history.log`), and an alert is what its events add up to: so
they may run at once, be killed anywhere and be called again. `trouble` is for a night that
could not run.
"""

from lab.alerts.book import Book
from lab.alerts.delivery import Outcome, Sink, SinkError, deliver
from lab.alerts.model import (
    Alert,
    Cell,
    Change,
    Context,
    Point,
    Standing,
    State,
    host_class,
)
from lab.alerts.night import confirm, trouble, update
from lab.alerts.people import acknowledge, resolve
from lab.history.key import SeriesKey

__all__ = [
    "Alert",
    "Book",
    "Cell",
    "Change",
    "Context",
    "Outcome",
    "Point",
    "SeriesKey",
    "Sink",
    "SinkError",
    "Standing",
    "State",
    "acknowledge",
    "confirm",
    "deliver",
    "host_class",
    "resolve",
    "trouble",
    "update",
]
