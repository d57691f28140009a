"""One alert as a page: its series through the nights, what changed, and how to see it again."""

from __future__ import annotations

import plotly.graph_objects as go

from lab.alerts.model import Alert, Change
from lab.alerts.words import message, size, subject, unit_of
from lab.labels import clock
from lab.report.material import Multiple, Picture
from lab.report.templates import templates
from lab.report.trend import LEGEND, Moved, draw

SHOWN = 12
"""Series that are drawn; all of them are listed."""


def render(alert: Alert, *, plotly: str = "") -> str:
    """Return the page of an alert as HTML; `plotly` is as for `lab.report.templates`."""
    drawn = tuple(
        Multiple(trend(change), size(change)) for change in alert.changes[:SHOWN] if change.trend
    )
    return (
        templates(plotly=plotly)
        .get_template("alert.html.j2")
        .render(
            alert=alert,
            message=message(alert, drawn=True),
            pictures=[Picture("Night after night", "", LEGEND, drawn)] if drawn else [],
        )
    )


def trend(change: Change) -> go.Figure:
    """Draw the nights of a series with their intervals, and its levels before and since."""
    series = change.series
    return draw(
        change.trend,
        f"<b>{subject(series.metric)}</b><br>{series.host}, {series.workload}, "
        f"{clock(series.clock_class)}<br>{series.setting}",
        unit_of(series.metric),
        Moved(change.since, change.before, change.after),
    )
