"""Alerts as Markdown, for a CI summary, a wiki or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from lab.alerts.model import Alert
from lab.alerts.sinks.files import put
from lab.alerts.words import Message, interval, message, spark, subject
from lab.labels import clock

# What Markdown or the HTML inside it takes for its own; the text holds host and knob names.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


class Markdown:
    """Writes a summary of the active alerts, then each of them."""

    def __init__(self, path: Path, name: str = "markdown") -> None:
        self.name = name
        self._path = path

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:  # noqa: ARG002
        put(self._path, summary([alert for alert in alerts if alert.is_active]).encode())


def summary(alerts: Sequence[Alert]) -> str:
    """Return a table of all series of `alerts`, and each alert below it."""
    if not alerts:
        return "## kvmlab: no alerts\n"
    plural = "s" if len(alerts) > 1 else ""
    lines = [f"## kvmlab: {len(alerts)} alert{plural}", "", *_table(alerts)]
    for alert in alerts:
        lines += ["", body(message(alert), heading="### ")]
    return "\n".join(lines) + "\n"


def body(told: Message, heading: str = "") -> str:
    """Return one message as Markdown, its commands as code."""
    parts = [heading + escaped(told.title)] if heading else []
    for each in told.paragraphs:
        lines = [f"- {escaped(line)}" for line in each.lines]
        if each.are_commands:
            lines = ["```sh", *each.lines, "```"]
        # Some renderers take a list for a list only after an empty line.
        parts.append("\n".join([escaped(each.head), *([""] if lines else []), *lines]))
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def _table(alerts: Sequence[Alert]) -> Iterator[str]:
    yield "| alert | state | since | host | clock | what | change | nights |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for alert in alerts:
        if alert.trouble:
            cells = (alert.id, alert.state, alert.night, "", "", alert.trouble, "", "")
            yield f"| {' | '.join(map(escaped, cells))} |"
        for change in alert.changes:
            series = change.series
            what = f"{subject(series.metric)}, {series.workload}, {series.setting}"
            cells = (
                alert.id,
                alert.state,
                change.since,
                series.host,
                clock(series.clock_class),
                what,
                interval(change),
                spark(change.trend),
            )
            yield f"| {' | '.join(map(escaped, cells))} |"
