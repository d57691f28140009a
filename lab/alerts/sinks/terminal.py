"""Alerts as a table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.alerts.model import Alert, Delivery, State
from lab.alerts.words import interval, message, spark, subject

STYLES = {
    State.OPEN: "yellow",
    State.CONFIRMED: "red",
    State.ACKNOWLEDGED: "cyan",
    State.RESOLVED: "green",
}


class Terminal:
    """Prints the active alerts; silence is a line, too."""

    def __init__(self, console: Console, name: str = "terminal") -> None:
        self.name = name
        self._console = console

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:  # noqa: ARG002
        """Print a table with a row for each alert."""
        active = [alert for alert in alerts if alert.is_active]
        self._console.print(table(active) if active else "no alerts")


def table(alerts: Sequence[Alert]) -> Table:
    """Return a row for each alert: the change it was opened for, and how many more."""
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("alert", "state", "since", "host", "what", "change", "nights"):
        grid.add_column(column, overflow="fold")
    for alert in alerts:
        grid.add_row(alert.id, Text(alert.state, STYLES[alert.state]), alert.since, *_what(alert))
    return grid


def _what(alert: Alert) -> tuple[Text, ...]:
    if alert.trouble:
        return (
            Text("\N{EN DASH}"),
            Text(f"did not run as planned: {alert.trouble}"),
            Text(),
            Text(),
        )
    first = alert.changes[0]
    hosts = {change.series.host for change in alert.changes} - {first.series.host}
    others = f" +{len(hosts)}" if hosts else ""
    more = f" and {len(alert.changes) - 1} more" if len(alert.changes) > 1 else ""
    what = f"{subject(first.series.metric)}, {first.series.workload}, {first.series.setting}"
    parts = (first.series.host + others, what + more, interval(first), spark(first.trend))
    return tuple(map(Text, parts))


def details(alert: Alert) -> Text:
    """Return everything that an alert says, for `kvmlab alerts show`."""
    told = message(alert)
    lines = ["", told.text, "", "What happened:"]
    lines += [f"- {at:%Y-%m-%d %H:%M} {sentence}" for at, sentence in alert.history]
    lines += [_delivered(*key, delivery) for key, delivery in alert.deliveries.items()]
    return Text(told.title, STYLES[alert.state]).append("\n".join(["", *lines]), "default")


def _delivered(event: int, sink: str, delivery: Delivery) -> str:
    said = {
        "delivered": "took",
        "failed": "did not take",
        "unknown": "may or may not have got, and will not be sent again,",
    }
    error = f": {delivery.error}" if delivery.error else ""
    notice = f"the notice of event {event}{error}"
    return f"- {delivery.at:%Y-%m-%d %H:%M} {sink} {said[delivery.outcome]} {notice}"
