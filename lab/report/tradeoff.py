"""Wake-up latency against CPU burned: the picture that the lab is for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from lab.across import recommendation
from lab.labels import NONE
from lab.metrics import HALT
from lab.report.material import Material, Multiple, Picture, Table, bars, said
from lab.report.style import FAINT, INK, Key, figure, time_axis
from lab.stats import Cell, Estimate
from lab.stats.compare import MARGIN
from lab.stats.tradeoff import Tradeoff

X, Y = "cpu_ns_per_wakeup", "wakeup_p50_ns"
CLOSE = 0.08
"""Share of an axis within which two points are near each other."""
EDGE = 0.3


def tradeoff(material: Material) -> Picture:
    """Wake-up latency against CPU burned."""
    shown = material.trials[material.trials["metric"].isin([X, Y])]
    ranges = {str(name): values.tolist() for name, values in shown.groupby("metric")["value"]}
    return Picture(
        title="What latency costs: wake-up latency against CPU burned",
        caption="Down and left is better. Faint points are trials, each a fresh VM; a large point "
        "is the median over a cell's trials, its bars an interval for that median. The line joins "
        "the settings in the order of the knob; settings under one label lie too close "
        "together, or spread too much, to be named apart. All workloads share both axes.",
        legend=material.settings_legend,
        multiples=tuple(
            Multiple(
                _drawn(material, workload, ranges),
                f"{workload}: median wake-up latency against CPU time per wake-up, by setting",
            )
            for workload, _ in material.of_guest(*HALT)
            if ranges.keys() == {X, Y} and len(material.keys) > 1
        ),
        tables=tuple(_fronts(material)),
        remarks=_recommendation(material),
    )


def _fronts(material: Material) -> Iterator[Table]:
    """Tell how probable it is that each setting is worth having, by workload."""
    weighed = [each for each in material.tradeoffs if not each.inert]
    if weighed:
        yield Table(
            "How probable it is that no other setting is as good in both latency and share of a "
            f"CPU, and more than {100 * (MARGIN - 1):.0f} % better in one",
            ("setting", *(each.workload for each in weighed)),
            tuple(
                (key.name, *(_probability(each, key.label) for each in weighed))
                for key in material.keys
            ),
        )


def _probability(tradeoff: Tradeoff, setting: str) -> str:
    if setting not in tradeoff.settings:
        return NONE
    return f"{100 * tradeoff.points[tradeoff.settings.index(setting)].on_front:.0f} %"


def _recommendation(material: Material) -> tuple[str, ...]:
    if not material.choice:
        return ()
    said = recommendation(material.choice, material.tradeoffs)
    return (f"Recommended where 1 % of latency is worth 1 % of CPU: {said}",)


@dataclass(frozen=True)
class _Point:
    key: Key
    x: Cell
    y: Cell


def _drawn(material: Material, workload: str, ranges: Mapping[str, list[float]]) -> go.Figure:
    cells = [
        (key, material.cell(workload, X, key.label), material.cell(workload, Y, key.label))
        for key in material.keys
    ]
    points = [_Point(key, x, y) for key, x, y in cells if x and y]
    xaxis = time_axis("CPU time per wake-up", ranges[X])
    yaxis = time_axis("median wake-up latency", ranges[Y], room=0.2)
    spans = tuple(each["range"][1] - each["range"][0] for each in (xaxis, yaxis))
    return figure(
        _traces(material, workload, points),
        material.title(workload),
        xaxis=xaxis,
        yaxis=yaxis,
        annotations=list(_labels(_together(points, spans), xaxis["range"])),
    )


def _together(points: list[_Point], spans: tuple[float, ...]) -> list[list[_Point]]:
    """Group points that share a label: near each other, or with intervals that meet on both axes.

    `spans` are the axes' lengths in decades.
    """
    groups: list[list[_Point]] = []
    for point in points:
        met = [group for group in groups if any(_meet(point, other, spans) for other in group)]
        rest = [group for group in groups if group not in met]
        groups = [*rest, [*(other for group in met for other in group), point]]
    in_order = [sorted(group, key=points.index) for group in groups]
    return sorted(in_order, key=lambda group: group[0].x.median.value)


def _meet(one: _Point, other: _Point, spans: tuple[float, ...]) -> bool:
    return all(
        _overlap(a.median, b.median)
        or abs(math.log10(a.median.value / b.median.value)) < CLOSE * span
        for a, b, span in zip((one.x, one.y), (other.x, other.y), spans, strict=True)
    )


def _overlap(one: Estimate, other: Estimate) -> bool:
    (a_low, a_high), (b_low, b_high) = _ends(one), _ends(other)
    return a_low <= b_high and b_low <= a_high


def _ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.low or estimate.value, estimate.high or estimate.value


def _labels(groups: list[list[_Point]], x_range: Sequence[float]) -> Iterator[dict[str, object]]:
    """Name each group, above and below its intervals by turns so that neighbours do not touch."""
    for number, group in enumerate(groups):
        below = number % 2 == 1
        edges = [end for point in group for end in _ends(point.y.median)]
        x = math.log10(statistics.median(point.x.median.value for point in group))
        place = (x - x_range[0]) / (x_range[1] - x_range[0])
        yield {
            "x": x,
            "y": math.log10(min(edges) if below else max(edges)),
            "text": ", ".join(point.key.short for point in group),
            "showarrow": False,
            "xanchor": "left" if place < EDGE else "right" if place > 1 - EDGE else "center",
            "yshift": -16 if below else 16,
            "font": {"size": 12, "color": INK},
        }


def _traces(material: Material, workload: str, points: list[_Point]) -> Iterator[go.Scatter]:
    for point in points:
        key = point.key
        trials = pd.concat([material.values(workload, name, key.label) for name in (X, Y)], axis=1)
        yield go.Scatter(
            x=trials.iloc[:, 0],
            y=trials.iloc[:, 1],
            mode="markers",
            marker={"color": key.colour, "symbol": key.symbol, "size": 6, "opacity": 0.35},
            hoverinfo="skip",
        )
    yield go.Scatter(
        x=[point.x.median.value for point in points],
        y=[point.y.median.value for point in points],
        mode="lines",
        line={"color": FAINT, "width": 1.2},
        hoverinfo="skip",
    )
    for point in points:
        key, x, y = point.key, point.x, point.y
        yield go.Scatter(
            x=[x.median.value],
            y=[y.median.value],
            error_x=bars(x.median, key.colour),
            error_y=bars(y.median, key.colour),
            mode="markers",
            marker={
                "color": key.colour,
                "symbol": key.symbol,
                "size": 12,
                "line": {"color": INK, "width": 2 if key.is_reference else 0},
            },
            hovertemplate=f"<b>{key.name}</b><br>CPU {said(x)}<br>latency {said(y)}"
            f"<br>{x.n} trials<extra></extra>",
        )
