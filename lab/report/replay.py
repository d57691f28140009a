"""Surfaces as a page: what every setting of a grid would have cost and gained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.labels import clock, quantity
from lab.replay.algorithms import Knobs
from lab.replay.surface import BURNED, LATENCY, Point, Surface
from lab.replay.tables import COLUMNS, LOOP, SHOWN, ceiling, others, said, short, unit, varying
from lab.replay.tuning import Choice
from lab.report.material import LegendEntry, Multiple, Picture, Table, bars
from lab.report.style import FAINT, INK, axis, figure, time_axis
from lab.report.templates import templates

ROW, EDGES = 30, 130
"""Height of a row of a heat map, and of what is around them, in pixels."""
DRAWN = (LATENCY, BURNED, "poll_hit_rate")
DOT, BEST, CHOSEN = "var(--s1)", "var(--s4)", "var(--s2)"
LEGEND = (
    LegendEntry("a setting", DOT, "●"),
    LegendEntry("on the Pareto front", BEST, "◆"),
    LegendEntry("as recorded", INK, "○"),
)
RECOMMENDED = LegendEntry("recommended", CHOSEN, "★")


def render(run: str, surfaces: Sequence[Surface], choices: Sequence[Choice] = ()) -> str:
    """Return the surfaces as HTML that needs nothing but itself; choices are marked."""
    settings = len(surfaces[0].points)
    return (
        templates()
        .get_template("replay.html.j2")
        .render(
            run=run,
            command="tune" if choices else "simulate",
            title="What other settings would have done",
            lead=f"{settings} settings of halt polling, replayed from recorded halts; "
            "nothing was run.",
            pictures=pictures(surfaces, choices),
        )
    )


def pictures(surfaces: Sequence[Surface], choices: Sequence[Choice] = ()) -> list[Picture]:
    """Draw each surface: what settings gain, what they cost, and the front of both."""
    return [_picture(each, choices) for each in surfaces]


def _picture(surface: Surface, choices: Sequence[Choice]) -> Picture:
    names = varying([point.knobs for point in surface.points])
    chosen = next((c.knobs for c in choices if list(c.surfaces) == [surface] and c.knobs), None)
    legend = (*LEGEND, RECOMMENDED) if chosen else LEGEND
    told = {name for point in surface.points for name in point.metrics}
    drawn = [_heat(surface, name) for name in DRAWN if name in told]
    if LATENCY in told:
        drawn.append(front(surface, names, chosen, "<b>latency against CPU</b>"))
    return Picture(
        title=f"{surface.workload} on {surface.host}",
        caption=f"Replayed by {surface.algorithm} from {surface.trials} trials recorded at "
        f"{surface.recorded.label}, {clock(surface.clock_class or 'unknown')}. "
        f"{LOOP[surface.closed].capitalize()}. Values are medians over trials.",
        legend=legend,
        multiples=tuple(drawn),
        tables=(table(surface, names, "The settings on the front, with intervals over trials"),),
    )


def _heat(surface: Surface, name: str) -> Multiple:
    """Draw one metric: ceilings across, all other knobs together down."""
    names = varying([point.knobs for point in surface.points])
    ceilings = {p.knobs.halt_poll_ns: ceiling(p.knobs) for p in surface.points}
    columns = [ceilings[each] for each in sorted(ceilings)]
    rows = list(dict.fromkeys(others(point.knobs, names) for point in surface.points))
    cells = {
        (others(p.knobs, names), ceiling(p.knobs)): p.metrics.get(name) for p in surface.points
    }
    found = [[cells.get((row, column)) for column in columns] for row in rows]
    drawn = figure(
        [
            go.Heatmap(
                x=columns,
                y=[row or "as recorded" for row in rows],
                z=[[each.value if each else None for each in row] for row in found],
                text=[
                    [quantity(each.value if each else None, unit(name)) for each in row]
                    for row in found
                ],
                customdata=[[said(each, unit(name)) for each in row] for row in found],
                texttemplate="%{text}",
                hovertemplate="ceiling %{x}, %{y}<br>%{customdata}<extra></extra>",
                colorscale=[[0, "var(--card)"], [1, DOT]],
                showscale=False,
                xgap=2,
                ygap=2,
            )
        ],
        f"<b>{COLUMNS[name]}</b>",
        height=EDGES + ROW * max(len(rows), 2),
        xaxis=axis("ceiling, halt_poll_ns", type="category"),
        yaxis=axis("", type="category", autorange="reversed"),
    )
    return Multiple(drawn, f"{COLUMNS[name]} by setting, {surface.workload} on {surface.host}")


def front(surface: Surface, names: Sequence[str], chosen: Knobs | None, title: str) -> Multiple:
    """Draw settings by what they gain and cost; `names` are of knobs, `chosen` is marked."""
    points = [point for point in surface.points if LATENCY in point.metrics]
    best = sorted((p for p in points if p.on_front), key=lambda p: p.metrics[BURNED].value)
    marked = [
        (points, "circle", DOT, 6, False),
        (best, "diamond", BEST, 10, True),
        ([p for p in points if p.knobs == surface.recorded], "circle-open", INK, 15, False),
        ([p for p in points if p.knobs == chosen], "star", CHOSEN, 16, False),
    ]
    traces = [
        trace
        for shown, symbol, colour, size, joined in marked
        for trace in _dots(shown, names, symbol, colour, size, joined=joined)
    ]
    drawn = figure(
        traces,
        title,
        height=EDGES + 170,
        xaxis=axis("share of a CPU, %", rangemode="tozero"),
        yaxis=time_axis("median wake-up latency", [p.metrics[LATENCY].value for p in points], 0.1),
    )
    return Multiple(
        drawn,
        f"latency against CPU by setting, {surface.workload} on {surface.host}",
    )


def _dots(
    points: Sequence[Point],
    names: Sequence[str],
    symbol: str,
    colour: str,
    size: int,
    *,
    joined: bool,
) -> Iterator[go.Scatter]:
    if joined:
        for point in points:
            yield go.Scatter(
                x=[100 * point.metrics[BURNED].value],
                y=[point.metrics[LATENCY].value],
                error_y=bars(point.metrics[LATENCY], FAINT),
                mode="markers",
                marker={"size": 1, "color": colour},
                hoverinfo="skip",
            )
    yield go.Scatter(
        x=[100 * point.metrics[BURNED].value for point in points],
        y=[point.metrics[LATENCY].value for point in points],
        mode="lines+markers" if joined else "markers",
        line={"color": FAINT, "width": 1, "shape": "hv"},
        marker={"symbol": symbol, "color": colour, "size": size},
        customdata=[
            [short(p.knobs, names), said(p.metrics[LATENCY], "ns"), said(p.metrics[BURNED], "1")]
            for p in points
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>latency %{customdata[1]}"
        "<br>CPU %{customdata[2]}<extra></extra>",
    )


def table(surface: Surface, names: Sequence[str], caption: str) -> Table:
    """Tell what the settings on the front would have done."""
    told = [name for name in SHOWN if any(name in point.metrics for point in surface.points)]
    return Table(
        caption=caption,
        headings=("setting", *(COLUMNS[name] for name in told)),
        rows=tuple(
            (short(p.knobs, names), *(said(p.metrics.get(name), unit(name)) for name in told))
            for p in surface.points
            if p.on_front
        ),
    )
