"""One alert as a page: its series through the nights, what changed, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.alerts.model import Alert, Change, Point
from lab.alerts.words import level, message, size, subject, unit_of
from lab.labels import clock
from lab.report.material import LegendEntry, Multiple
from lab.report.page import templates
from lab.report.style import COLOURS, FAINT, HEIGHT, axis, figure, time_axis

SHOWN = 12
"""Series that are drawn; all of them are listed."""
TICKS = {"1": ".3~p"}
OLD, NEW = COLOURS[1], "var(--bad)"
LEGEND = (
    LegendEntry("night before the change: median and interval", OLD, "●"),
    LegendEntry("night since the change", NEW, "◆"),
    LegendEntry("level before and since, as judged", FAINT, "╌"),
)


def render(alert: Alert) -> str:
    """Return the page of an alert as HTML that needs nothing but itself."""
    drawn = [
        Multiple(trend(change), size(change)) for change in alert.changes[:SHOWN] if change.trend
    ]
    return (
        templates()
        .get_template("alert.html.j2")
        .render(alert=alert, message=message(alert, drawn=True), multiples=drawn, legend=LEGEND)
    )


def trend(change: Change) -> go.Figure:
    """Draw the nights of a series with their intervals, and its levels before and since."""
    series = change.series
    unit = unit_of(series.metric)
    values = [
        each for point in change.trend for each in (point.value, point.low, point.high) if each
    ]
    return figure(
        [*_levels(change), *_nights(change)],
        f"<b>{subject(series.metric)}</b><br>{series.host}, {series.workload}, "
        f"{clock(series.clock_class)}<br>{series.setting}",
        xaxis=axis("", type="date"),
        yaxis=time_axis("", values) if unit == "ns" else axis("", tickformat=TICKS.get(unit, "~g")),
        height=HEIGHT + 52,
        margin={"l": 8, "r": 20, "t": 92, "b": 8},
    )


def _nights(change: Change) -> Iterator[go.Scatter]:
    old = [point for point in change.trend if point.night < change.since]
    new = [point for point in change.trend if point.night >= change.since]
    for points, colour, symbol in ((old, OLD, "circle"), (new, NEW, "diamond")):
        yield go.Scatter(
            x=[point.night for point in points],
            y=[point.value for point in points],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": _reach(points, "high"),
                "arrayminus": _reach(points, "low"),
                "color": colour,
                "thickness": 1,
                "width": 0,
            },
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 7},
            customdata=[level(change, point.value) for point in points],
            hovertemplate="%{x|%Y-%m-%d}: %{customdata}<extra></extra>",
        )


def _reach(points: Sequence[Point], bound: str) -> list[float]:
    """How far the interval of each night reaches; 0 where it has none."""
    ends = [getattr(point, bound) for point in points]
    return [
        0.0 if end is None else abs(end - point.value)
        for end, point in zip(ends, points, strict=True)
    ]


def _levels(change: Change) -> Iterator[go.Scatter]:
    nights = [point.night for point in change.trend]
    spans = (
        ([night for night in nights if night < change.since], change.before),
        ([night for night in nights if night >= change.since], change.after),
    )
    for span, value in spans:
        yield go.Scatter(
            x=span[:1] + span[-1:],
            y=[value, value],
            mode="lines",
            line={"color": FAINT, "dash": "dash", "width": 2},
            hoverinfo="skip",
        )
