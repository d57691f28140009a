"""What an exit costs."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go

from lab.metrics import EXITS
from lab.report.material import Material, Multiple, Picture, bars, said
from lab.report.style import axis, figure, time_axis


def exits(material: Material) -> Picture:
    """Cost of an exit by setting: trials and their median."""
    name = "exit_p50_ns"
    return Picture(
        title="What an exit costs",
        caption="Round trip guest, host, guest. Faint points are trials, each the median of its "
        "batches; a large point is the median over trials, its bar an interval for that median.",
        legend=(),
        multiples=tuple(
            Multiple(
                figure(
                    _exit_traces(material, workload, name),
                    material.title(workload),
                    xaxis=time_axis("time of an exit", _values(material, workload, name)),
                    yaxis=axis("", autorange="reversed", type="category"),
                ),
                f"{workload}: time of an exit by setting",
            )
            for workload, _ in material.of_guest(*EXITS)
        ),
    )


def _values(material: Material, workload: str, name: str) -> list[float]:
    cells = [material.values(workload, name, key.label) for key in material.keys]
    return [value for cell in cells for value in cell]


def _exit_traces(material: Material, workload: str, name: str) -> Iterator[go.Scatter]:
    for key in material.keys:
        cell = material.cell(workload, name, key.label)
        if cell is None:
            continue
        trials = material.values(workload, name, key.label)
        looks = {"color": key.colour, "symbol": key.symbol}
        yield go.Scatter(
            x=trials,
            y=[key.name] * len(trials),
            mode="markers",
            marker={**looks, "size": 6, "opacity": 0.35},
            hoverinfo="skip",
        )
        yield go.Scatter(
            x=[cell.median.value],
            y=[key.name],
            error_x=bars(cell.median, key.colour),
            mode="markers",
            marker={**looks, "size": 12},
            hovertemplate=f"<b>{key.name}</b><br>{said(cell)}<br>{cell.n} trials<extra></extra>",
        )
