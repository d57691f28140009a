"""What a number of blocks would show, as a page: the smallest change found, by blocks and time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from lab.design.forecast import Forecast
from lab.metrics import metric
from lab.report.material import LegendEntry, Multiple, Picture
from lab.report.style import COLOURS, DASHES, GLYPHS, SYMBOLS, axis, figure
from lab.report.templates import templates
from lab.terminal.forecast import duration, hardest, percent, sureness

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def render(pilot: str, found: Sequence[Forecast]) -> str:
    """Return the page as HTML that needs nothing but itself."""
    return (
        templates()
        .get_template("forecast.html.j2")
        .render(
            sureness=sureness(pilot, found),
            forecasts=found,
            percent=percent,
            pictures=pictures(found),
        )
    )


def pictures(found: Sequence[Forecast]) -> list[Picture]:
    """Return a picture for each host, with a panel for each workload."""
    return [
        _picture(host, [each for each in hardest(found) if each.host == host])
        for host in dict.fromkeys(each.host for each in found)
    ]


def _picture(host: str, found: Sequence[Forecast]) -> Picture:
    names = list(dict.fromkeys(each.metric for each in found))
    workloads = dict.fromkeys(each.workload for each in found)
    return Picture(
        title=f"{host}: the smallest change that is found with 80 % power",
        caption="By number of blocks, both axes logarithmic: four times the blocks halve the "
        "change. Of each metric the setting that spreads most.",
        legend=tuple(
            LegendEntry(metric(name).title, COLOURS[number % 6], GLYPHS[number % 6])
            for number, name in enumerate(names)
        ),
        multiples=tuple(
            Multiple(
                _panel(workload, [each for each in found if each.workload == workload], names),
                f"smallest change found in {workload}, by number of blocks",
            )
            for workload in workloads
        ),
    )


def _panel(workload: str, found: Sequence[Forecast], names: Sequence[str]) -> go.Figure:
    blocks = [outlook.blocks for outlook in found[0].outlooks]
    times = [duration(outlook.seconds) for outlook in found[0].outlooks]
    return figure(
        (_line(each, names.index(each.metric)) for each in found),
        f"<b>{workload}</b>",
        xaxis=axis(
            "blocks, and the time they take",
            type="log",
            tickvals=blocks,
            ticktext=[f"{n}<br>{time}" for n, time in zip(blocks, times, strict=True)],
        ),
        yaxis=axis(
            "change", type="log", tickvals=TICKS, ticktext=[f"{tick:g} %" for tick in TICKS]
        ),
    )


def _line(each: Forecast, number: int) -> go.Scatter:
    colour = COLOURS[number % 6]
    return go.Scatter(
        x=[outlook.blocks for outlook in each.outlooks],
        y=[100 * (outlook.detectable - 1) for outlook in each.outlooks],
        mode="lines+markers",
        line={"color": colour, "dash": DASHES[number % 6], "width": 2},
        marker={"color": colour, "symbol": SYMBOLS[number % 6], "size": 8},
        customdata=[
            [percent(outlook.detectable), percent(outlook.width**0.5), duration(outlook.seconds)]
            for outlook in each.outlooks
        ],
        hovertemplate=f"<b>{each.metric}</b>, {each.setting}<br>%{{x}} blocks, %{{customdata[2]}}"
        "<br>finds %{customdata[0]}, interval ±%{customdata[1]}<extra></extra>",
    )
