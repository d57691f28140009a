"""A series night after night: its medians, the level before and since a change, and its marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from lab.alerts.model import Night, Point
from lab.detect import Finding
from lab.labels import quantity
from lab.report.material import LegendEntry
from lab.report.style import COLOURS, FAINT, HEIGHT, INK, axis, figure, time_axis

TICKS = {"1": ".3~p"}
OLD, NEW = COLOURS[1], "var(--bad)"
MARGIN = 52
"""Height that a title of three lines takes, in pixels."""
LEGEND = (
    LegendEntry("night before the change: median and interval", OLD, "●"),
    LegendEntry("night since the change", NEW, "◆"),
    LegendEntry("level before and since, as judged", FAINT, "╌"),
)


@dataclass(frozen=True)
class Moved:
    """A change of a series: its first night, and the levels before and since, in its unit."""

    since: Night
    before: float
    after: float

    @classmethod
    def of(cls, finding: Finding) -> Moved:
        level = finding.baseline
        return cls(finding.since.isoformat(), level, level * finding.ratio.value)


@dataclass(frozen=True)
class Mark:
    """Something that happened before a night's run: a break, or where an alert's change began."""

    night: Night
    text: str
    is_alert: bool

    @property
    def colour(self) -> str:
        return NEW if self.is_alert else INK


MARKS = (
    LegendEntry("an alert's change began", NEW, "▼"),
    LegendEntry("break: the series begins anew", INK, "▼"),
)


def draw(
    points: Sequence[Point],
    title: str,
    unit: str,
    moved: Moved | None = None,
    marks: Sequence[Mark] = (),
) -> go.Figure:
    """Draw nights with their intervals; a `title` may have three lines of HTML."""
    values = [each for point in points for each in (point.value, point.low, point.high) if each]
    resets = [mark.night for mark in marks if not mark.is_alert]
    levels = list(_levels(points, moved, resets)) if moved else []
    is_log = unit == "ns" and all(point.value > 0 for point in points)
    return figure(
        [*levels, *_nights(points, unit, moved), *_marks(marks)],
        title,
        xaxis=axis("", type="date"),
        yaxis=time_axis("", values) if is_log else _axis(unit),
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        shapes=[_line(mark) for mark in marks],
        height=HEIGHT + MARGIN,
        margin={"l": 8, "r": 20, "t": 40 + MARGIN, "b": 8},
    )


def _nights(points: Sequence[Point], unit: str, moved: Moved | None) -> Iterator[go.Scatter]:
    old = [point for point in points if not moved or point.night < moved.since]
    new = points[len(old) :]
    for shown, colour, symbol in ((old, OLD, "circle"), (new, NEW, "diamond")):
        yield go.Scatter(
            x=[point.night for point in shown],
            y=[point.value for point in shown],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": _reach(shown, "high"),
                "arrayminus": _reach(shown, "low"),
                "color": colour,
                "thickness": 1,
                "width": 0,
            },
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 7},
            customdata=[quantity(point.value, unit) for point in shown],
            hovertemplate="%{x|%Y-%m-%d}: %{customdata}<extra></extra>",
        )


def _reach(points: Sequence[Point], bound: str) -> list[float]:
    """How far the interval of each night reaches; 0 where it has none."""
    ends = [getattr(point, bound) for point in points]
    return [
        0.0 if end is None else abs(end - point.value)
        for end, point in zip(ends, points, strict=True)
    ]


def _axis(unit: str) -> dict[str, Any]:
    ticks = TICKS.get(unit, "~g")
    return axis("ns" if unit == "ns" else "", tickformat=ticks, rangemode="tozero")


def _levels(points: Sequence[Point], moved: Moved, resets: Sequence[Night]) -> Iterator[go.Scatter]:
    """Draw the levels; what was before the last of `resets` is part of none."""
    first = max((night for night in resets if night <= moved.since), default="")
    nights = [point.night for point in points if point.night >= first]
    spans = (
        ([night for night in nights if night < moved.since], moved.before),
        ([night for night in nights if night >= moved.since], moved.after),
    )
    for span, value in spans:
        yield go.Scatter(
            x=span[:1] + span[-1:],
            y=[value, value],
            mode="lines",
            line={"color": FAINT, "dash": "dash", "width": 2},
            hoverinfo="skip",
        )


def _marks(marks: Sequence[Mark]) -> Iterator[go.Scatter]:
    if marks:
        yield go.Scatter(
            x=[mark.night for mark in marks],
            y=[1.0] * len(marks),
            yaxis="y2",
            mode="markers",
            marker={
                "color": [mark.colour for mark in marks],
                "symbol": "triangle-down",
                "size": 11,
            },
            cliponaxis=False,
            customdata=[mark.text for mark in marks],
            hovertemplate="%{x|%Y-%m-%d}: %{customdata}<extra></extra>",
        )


def _line(mark: Mark) -> dict[str, object]:
    return {
        "type": "line",
        "x0": mark.night,
        "x1": mark.night,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": mark.colour, "width": 1, "dash": "solid" if mark.is_alert else "dot"},
    }
