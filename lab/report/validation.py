"""Predicted against measured, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from lab.labels import quantity
from lab.replay.tables import COLUMNS, error
from lab.replay.validate import Check, Validation
from lab.report.material import LegendEntry, Multiple, Picture, Table
from lab.report.style import COLOURS, FAINT, GLYPHS, INK, SYMBOLS, axis, figure, time_axis
from lab.report.templates import templates
from lab.stats import Estimate

DRAWN = ("poll_hit_rate", "wakeup_p50_ns", "wakeup_p99_ns", "cpu_ns_per_wakeup")
SIDE = 340


def render(run: str, validation: Validation) -> str:
    """Return the validation as HTML that needs nothing but itself."""
    hosts = groupby(sorted(validation.checks, key=lambda c: c.host), key=lambda c: c.host)
    vcpus = validation.trajectories
    same = sum(each.same for each in vcpus)
    return (
        templates()
        .get_template("replay.html.j2")
        .render(
            run=run,
            command="validate",
            title="Prediction meets measurement",
            lead=f"Every setting, predicted from trials of every other one. {same} of {len(vcpus)} "
            "vCPUs have the replayed window one for one with what KVM traced.",
            pictures=[_picture(host, list(checks), validation) for host, checks in hosts],
        )
    )


def _picture(host: str, checks: Sequence[Check], validation: Validation) -> Picture:
    workloads = list(dict.fromkeys(check.workload for check in checks))
    return Picture(
        title=f"{host} ({checks[0].clock_class} clock)",
        caption="A point is one setting predicted from another; on the line both agree. Bars are "
        "intervals over trials.",
        legend=tuple(
            LegendEntry(name, COLOURS[n % len(COLOURS)], GLYPHS[n % len(GLYPHS)])
            for n, name in enumerate(workloads)
        ),
        multiples=tuple(
            _scatter(name, [c for c in checks if c.metric == name], workloads)
            for name in DRAWN
            if any(c.metric == name for c in checks)
        ),
        tables=(_table(checks),),
        remarks=tuple(each for each in validation.unpredicted if each.startswith(f"{host}:")),
    )


def _scatter(name: str, checks: Sequence[Check], workloads: Sequence[str]) -> Multiple:
    share = checks[0].unit == "1"
    scale = 100 if share else 1
    ends = [
        scale * end
        for c in checks
        for each in (c.predicted, c.measured)
        for end in (each.value, each.low, each.high)
        if end is not None
    ]

    def side(title: str) -> dict[str, Any]:
        return axis(f"{title}, %") if share else time_axis(title, ends)

    line = go.Scatter(
        x=[min(ends), max(ends)],
        y=[min(ends), max(ends)],
        mode="lines",
        line={"color": FAINT, "dash": "dash"},
        hoverinfo="skip",
    )
    dots = [
        _dots([c for c in checks if c.workload == workload], number, scale)
        for number, workload in enumerate(workloads)
    ]
    drawn = figure(
        [line, *dots],
        f"<b>{COLUMNS[name]}</b>",
        height=SIDE,
        xaxis=side("measured"),
        yaxis=side("predicted"),
    )
    return Multiple(drawn, f"{COLUMNS[name]}: predicted against measured")


def _dots(checks: Sequence[Check], number: int, scale: int) -> go.Scatter:
    colour = COLOURS[number % len(COLOURS)]
    return go.Scatter(
        x=[scale * c.measured.value for c in checks],
        y=[scale * c.predicted.value for c in checks],
        error_x=_bars([c.measured for c in checks], scale),
        error_y=_bars([c.predicted for c in checks], scale),
        mode="markers",
        marker={"color": colour, "symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9,
                "line": {"color": INK, "width": 0.5}},
        customdata=[[c.workload, c.source, c.target] for c in checks],
        hovertemplate="%{customdata[0]}: %{customdata[2]} from %{customdata[1]}"
        "<br>measured %{x:.4~g}, predicted %{y:.4~g}<extra></extra>",
    )  # fmt: skip


def _bars(estimates: Sequence[Estimate], scale: int) -> dict[str, object]:
    def length(value: float, end: float | None) -> float:
        return 0.0 if end is None else scale * abs(end - value)

    return {
        "type": "data",
        "symmetric": False,
        "array": [length(each.value, each.high) for each in estimates],
        "arrayminus": [length(each.value, each.low) for each in estimates],
        "color": FAINT,
        "thickness": 1,
        "width": 2,
    }


def _table(checks: Sequence[Check]) -> Table:
    return Table(
        caption="Every prediction",
        headings=("workload", "predicted", "from", "metric", "predicted", "measured", "error"),
        rows=tuple(
            (
                c.workload,
                c.target,
                c.source,
                COLUMNS[c.metric],
                quantity(c.predicted.value, c.unit),
                quantity(c.measured.value, c.unit),
                f"{error(c):+.2g} {'points' if c.unit == '1' else '%'}",
            )
            for c in checks
        ),
    )
