"""Effects with their intervals, architectures one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.across import title
from lab.metrics import metric
from lab.report.across.comparable import Comparable, told
from lab.report.material import Multiple, Picture
from lab.report.style import FAINT, axis, figure, ratio_axis
from lab.stats.architectures import Across

LINE, EDGES = 14, 96
"""Height of an effect, and of what is around all of them, in pixels."""
FORESTS = ("wakeup_p50_ns", "cpu_ns_per_wakeup", "exit_p50_ns")


def effects(comparable: Comparable) -> Picture:
    """Draw effects with their intervals, architectures one below the other."""
    drawn = [each for each in comparable.across if each.metric in FORESTS]
    panels = dict.fromkeys((each.metric, each.workload) for each in drawn)
    return Picture(
        title="Effects side by side",
        caption="Change against the reference with its 95 % interval, by setting; "
        "left of the line is less. Where nothing is drawn, no effect could be tested.",
        legend=comparable.legend,
        multiples=tuple(
            Multiple(
                _forest(comparable, [a for a in drawn if (a.metric, a.workload) == panel]),
                f"{panel[1]}: change of {metric(panel[0]).title} by setting and architecture",
            )
            for panel in panels
        ),
    )


def _forest(comparable: Comparable, rows: Sequence[Across]) -> go.Figure:
    lines = len(comparable.architectures) + 1
    ends = [
        end
        for each in rows
        for effect in each.effects
        if effect.estimate
        for end in effect.estimate.interval
    ]
    return figure(
        _traces(comparable, rows, lines),
        comparable.panel(rows[0]),
        height=LINE * lines * len(rows) + EDGES,
        xaxis=ratio_axis("change", ends),
        yaxis=axis(
            "",
            autorange="reversed",
            tickvals=[lines * n + (lines - 2) / 2 for n in range(len(rows))],
            ticktext=[comparable.names[each.setting] for each in rows],
            showgrid=False,
        ),
        shapes=[
            {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": FAINT, "width": 1.5}},
        ],
    )  # fmt: skip


def _traces(comparable: Comparable, rows: Sequence[Across], lines: int) -> Iterator[go.Scatter]:
    for number, name in enumerate(comparable.architectures):
        colour, symbol = comparable.looks[name]
        found = [
            (lines * row + number, effect)
            for row, each in enumerate(rows)
            for effect in each.effects
            if effect.architecture == name and effect.estimate
        ]
        x = [effect.estimate.ratio for _, effect in found if effect.estimate]
        intervals = [effect.estimate.interval for _, effect in found if effect.estimate]
        yield go.Scatter(
            x=x,
            y=[place for place, _ in found],
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - value for value, (_, high) in zip(x, intervals, strict=True)],
                "arrayminus": [value - low for value, (low, _) in zip(x, intervals, strict=True)],
                "color": colour,
                "thickness": 1.5,
                "width": 3,
            },
            customdata=[told(effect) for _, effect in found],
            hovertemplate=f"<b>{title(name)}</b><br>%{{customdata}}<extra></extra>",
        )
