"""Trials of which a comparison warns, one by one: what a median and an interval do not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from lab.labels import clock, quantity
from lab.metrics import metric
from lab.report.material import Material, Multiple, Picture
from lab.report.style import Key, axis, figure, time_axis, titled
from lab.stats import Comparison

Cell = tuple[str, str]
"""A workload and a metric."""


def trials(material: Material) -> Picture:
    """Draw every trial of settings that a warning is about, and of the reference, by block."""
    warned: dict[Cell, list[Comparison]] = {}
    for each in material.warned:
        warned.setdefault((each.workload, each.metric), []).append(each)
    doubted = {each.setting for each in material.warned}
    return Picture(
        title="Trials that give cause for doubt, one by one",
        caption="Each point is a trial, a fresh VM, in the order of the blocks; lines are medians. "
        "Two bands are two kinds of trial, and a median between them is the value of neither; a "
        "slope is a host that drifts. Only settings with a warning are drawn, and the reference.",
        legend=tuple(
            entry
            for key, entry in zip(material.keys, material.settings_legend, strict=True)
            if key.is_reference or key.label in doubted
        ),
        multiples=tuple(
            Multiple(
                _drawn(material, cell, {each.setting for each in found}),
                f"{cell[0]}: every trial's {metric(cell[1]).title}, by block and setting",
            )
            for cell, found in warned.items()
        ),
        remarks=tuple(_remarks(warned, {key.label: key.short for key in material.keys})),
    )


def _drawn(material: Material, cell: Cell, settings: set[str]) -> go.Figure:
    workload, name = cell
    title = metric(name).title
    all_trials = material.trials
    of_cell = all_trials[(all_trials["workload"] == workload) & (all_trials["metric"] == name)]
    keys = [key for key in material.keys if key.is_reference or key.label in settings]
    by_key = {key: of_cell[of_cell["setting"] == key.label] for key in keys}
    values = [value for mine in by_key.values() for value in mine["value"]]
    return figure(
        [trace for key, mine in by_key.items() for trace in _traces(key, mine, metric(name).unit)],
        titled(workload, f"{title}, {clock(material.clock_class)}"),
        xaxis=axis("block"),
        yaxis=time_axis(title, values) if metric(name).unit == "ns" else axis(title),
    )


def _traces(key: Key, mine: pd.DataFrame, unit: str) -> Iterator[go.Scatter]:
    yield go.Scatter(
        x=mine["block"],
        y=mine["value"],
        mode="markers",
        marker={"color": key.colour, "symbol": key.symbol, "size": 8, "opacity": 0.8},
        customdata=[quantity(value, unit) for value in mine["value"]],
        hovertemplate=f"<b>{key.name}</b>, block %{{x}}: %{{customdata}}<extra></extra>",
    )
    yield go.Scatter(
        x=[mine["block"].min(), mine["block"].max()],
        y=[mine["value"].median()] * 2,
        mode="lines",
        line={"color": key.colour, "dash": key.dash, "width": 1},
        hoverinfo="skip",
    )


def _remarks(
    warned: Mapping[Cell, Sequence[Comparison]], names: Mapping[str, str]
) -> Iterator[str]:
    """Say each warning once for a workload and a metric, and of which settings it is."""
    for (workload, name), found in warned.items():
        for warning in dict.fromkeys(text for each in found for text in each.warnings):
            whose = ", ".join(names[each.setting] for each in found if warning in each.warnings)
            yield f"{workload}, {metric(name).title}: {warning} ({whose})"
