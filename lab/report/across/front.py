"""The trade-off of every host in one plane of ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import plotly.graph_objects as go

from lab.labels import NONE, change
from lab.report.across.comparable import Comparable
from lab.report.material import LegendEntry, Multiple, Picture, Table, bars
from lab.report.style import GLYPHS, INK, SYMBOLS, figure, ratio_axis
from lab.stats.tradeoff import Point, Tradeoff

PALE = 0.15
"""Opacity of a mark that is never on the front."""


def fronts(comparable: Comparable) -> Picture:
    """Draw the trade-off of every host in one plane of ratios."""
    advice = comparable.advice
    drawn = [t for each in advice.tradeoffs.values() for t in each if not t.inert] if advice else []
    settings = dict(zip(comparable.names, zip(SYMBOLS, GLYPHS, strict=True), strict=False))
    return Picture(
        title="What latency costs, on every host",
        caption="Both axes are changes against the reference of the same host; down and left is "
        "better. A colour is an architecture, a shape a setting, a line joins the "
        "settings of a host. The fuller a mark, the more probable that no other setting is "
        "as good in both and more than 5 % better in one; bars are 95 % intervals.",
        legend=(
            *(replace(each, glyph="▬") for each in comparable.legend),
            *(LegendEntry(comparable.names[s], INK, glyph) for s, (_, glyph) in settings.items()),
        ),
        multiples=tuple(
            Multiple(
                _plane([each for each in drawn if each.workload == workload], comparable),
                f"{workload}: wake-up latency against CPU burned, as ratios, by host and setting",
            )
            for workload in dict.fromkeys(each.workload for each in drawn)
        ),
        tables=(_probabilities(drawn, comparable),) if drawn else (),
    )


def _plane(drawn: Sequence[Tradeoff], comparable: Comparable) -> go.Figure:
    points = [point for each in drawn for point in each.points]
    x = [end for p in points for end in (p.cpu_ratio.low, p.cpu_ratio.high) if end]
    y = [end for p in points for end in (p.latency_ratio.low, p.latency_ratio.high) if end]
    return figure(
        (trace for each in drawn for trace in _host(each, comparable)),
        f"<b>{drawn[0].workload}</b>",
        height=380,
        xaxis=ratio_axis("CPU burned", x),
        yaxis=ratio_axis("median wake-up latency", y),
    )


def _host(tradeoff: Tradeoff, comparable: Comparable) -> Iterator[go.Scatter]:
    colour, _ = comparable.looks[tradeoff.architecture]
    order = [setting for setting in comparable.names if setting in tradeoff.settings]
    points = [tradeoff.points[tradeoff.settings.index(setting)] for setting in order]
    yield go.Scatter(
        x=[point.cpu_ratio.value for point in points],
        y=[point.latency_ratio.value for point in points],
        mode="lines",
        line={"color": colour, "width": 1},
        opacity=0.6,
        hoverinfo="skip",
    )
    symbols = dict(zip(comparable.names, SYMBOLS, strict=False))
    for point in points:
        yield go.Scatter(
            x=[point.cpu_ratio.value],
            y=[point.latency_ratio.value],
            error_x=bars(point.cpu_ratio, colour),
            error_y=bars(point.latency_ratio, colour),
            mode="markers",
            marker={
                "color": colour,
                "symbol": symbols.get(point.setting, SYMBOLS[0]),
                "size": 11,
                "opacity": PALE + (1 - PALE) * point.on_front,
                "line": {"color": colour, "width": 1.5},
            },
            hovertemplate=_told(tradeoff, point, comparable.names[point.setting]),
        )


def _told(tradeoff: Tradeoff, point: Point, name: str) -> str:
    return (
        f"<b>{tradeoff.host}, {name}</b><br>latency {change(point.latency_ratio.value)}"
        f"<br>CPU {change(point.cpu_ratio.value)}<br>on the front: {_percent(point.on_front)}"
        "<extra></extra>"
    )


def _probabilities(drawn: Sequence[Tradeoff], comparable: Comparable) -> Table:
    names = list(dict.fromkeys(each.host for each in drawn))
    found = {
        (each.host, each.workload, point.setting): point.on_front
        for each in drawn
        for point in each.points
    }
    return Table(
        "How probable it is that a setting is on the front",
        ("workload", "setting", *names),
        tuple(
            (
                workload,
                short,
                *(_percent(found.get((host, workload, setting))) for host in names),
            )
            for workload in dict.fromkeys(each.workload for each in drawn)
            for setting, short in comparable.names.items()
        ),
    )


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"
