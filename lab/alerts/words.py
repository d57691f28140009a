"""What an alert says, the same words in every sink."""

from __future__ import annotations

from dataclasses import dataclass

from lab import labels
from lab.alerts.model import Alert, Change, Point, State
from lab.labels import quantity
from lab.metrics import metric

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 8
"""Series and suspects that a message lists; `kvmlab alerts show` lists all."""


@dataclass(frozen=True)
class Paragraph:
    """A sentence, and lines that belong to it: facts, or commands."""

    head: str
    lines: tuple[str, ...] = ()
    are_commands: bool = False


@dataclass(frozen=True)
class Message:
    """A notice; `title` is one line."""

    title: str
    paragraphs: tuple[Paragraph, ...]

    @property
    def text(self) -> str:
        return "\n\n".join(
            "\n".join((each.head, *(f"- {line}" for line in each.lines)))
            for each in self.paragraphs
        )


def message(alert: Alert, *, drawn: bool = False) -> Message:
    """Say what changed, how much, since when, why perhaps, and what shows it again.

    Where the nights are not `drawn` beside it, each series has a line of bars.
    """
    state = Paragraph(f"{_state(alert)}.")
    if alert.trouble:
        return Message(title(alert), (Paragraph(f"{alert.trouble}."), state))
    series = [
        size(change) if drawn else f"{size(change)}  {spark(change.trend)}"
        for change in alert.changes
    ]
    since = f"Since the night of {alert.since} (last good: {alert.last_good}):"
    causes = _causes(alert)
    evidence = list(dict.fromkeys(change.evidence for change in alert.changes))
    paragraphs = (
        state,
        Paragraph(since, _few(series)),
        Paragraph("Judged from:", _few(evidence)),
        Paragraph("What changed on the hosts then:", _few(causes))
        if causes
        else Paragraph("No fact of these hosts changed then."),
        Paragraph("To see it again:", tuple(reproduce(alert)), are_commands=True),
        *_bisect(alert),
    )
    return Message(title(alert), paragraphs)


def title(alert: Alert) -> str:
    """One line: id, state, the change it was opened for, and how many more there are."""
    if alert.trouble:
        return f"{alert.id} {alert.state}: the night of {alert.night} did not run as planned"
    first = alert.changes[0]
    series = first.series
    what = f"{subject(series.metric)} {interval(first)} on {series.host}, {series.workload}"
    more = len(alert.changes) - 1
    others = f" and {more} more series" if more else ""
    return f"{alert.id} {alert.state}: {what}, {series.setting}{others}"


def size(change: Change) -> str:
    """How much one series moved, with its interval, and where."""
    series = change.series
    levels = f"{level(change, change.before)} → {level(change, change.after)}"
    return (
        f"{subject(series.metric)} {interval(change)} ({levels}, {change.kind}) on {series.host}, "
        f"{series.workload}, {series.setting}, {labels.clock(series.clock_class)}"
    )


def subject(name: str) -> str:
    """Return a metric's title; its name when this kvmlab does not have it any more."""
    try:
        return metric(name).title
    except KeyError:
        return name


def unit_of(name: str) -> str:
    """Return a metric's unit, empty when this kvmlab does not have it any more."""
    try:
        return metric(name).unit
    except KeyError:
        return ""


def level(change: Change, value: float) -> str:
    """Return a value of a change's metric with its unit."""
    return quantity(value, unit_of(change.series.metric))


def interval(change: Change) -> str:
    return (
        f"{labels.change(change.ratio)} "
        f"[{labels.change(change.low)} … {labels.change(change.high)}]"
    )


def reproduce(alert: Alert) -> list[str]:
    """Commands that write the experiment of one cell, run it, and judge what it measured."""
    host = alert.changes[0].series.host
    return [
        f"kvmlab alerts reproduce {alert.id}",
        f"kvmlab run {alert.id}/cell.toml --hosts {host}",
        f"kvmlab alerts judge {alert.id}/change.json RUN",
    ]


def _bisect(alert: Alert) -> tuple[Paragraph, ...]:
    if not (alert.kernel and alert.kernel.commits):
        return ()
    good, bad = alert.kernel.commits.split("..")
    commands = (f"git bisect start {bad} {good}", f"git bisect run ../{alert.id}/bisect.sh")
    head = "To find the commit, in a clone of Linux beside that folder:"
    return (Paragraph(head, commands, are_commands=True),)


def _causes(alert: Alert) -> list[str]:
    """List what changed, each once, with the hosts it changed on."""
    hosts: dict[str, list[str]] = {}
    for suspect in alert.suspects:
        hosts.setdefault(suspect.text, []).append(suspect.host)
    return [f"{text}, on {', '.join(dict.fromkeys(where))}" for text, where in hosts.items()]


def spark(trend: tuple[Point, ...], nights: int = 24) -> str:
    """Draw the last nights in one line of text, from the lowest to the highest of them."""
    values = [point.value for point in trend[-nights:]]
    if not values:
        return ""
    low, span = min(values), (max(values) - min(values)) or 1
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in values)


def _few(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - SHOWN
    return (*lines[:SHOWN], *([f"and {more} more"] if more > 0 else []))


def _state(alert: Alert) -> str:
    """Say the state with what stands behind it."""
    match alert.state:
        case State.OPEN:
            return "Found, not confirmed on fresh VMs yet"
        case State.CONFIRMED:
            return f"Confirmed: {alert.confirmation or 'there was no need to look again'}"
        case State.ACKNOWLEDGED if alert.ack:
            until = f"{alert.ack.until:%Y-%m-%d %H:%M} UTC"
            return f"Acknowledged by {alert.ack.by} until {until}: {alert.ack.reason}"
        case State.RESOLVED if alert.resolution:
            return f"Resolved by {alert.resolution.by}: {alert.resolution.reason}"
    raise AssertionError(alert)
