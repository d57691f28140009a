"""Knob by architecture: where a row has one colour, the knob does the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.across import title
from lab.labels import NONE, change, span
from lab.metrics import Direction, metric
from lab.report.across.comparable import Comparable, told
from lab.report.material import LegendEntry, Multiple, Picture, Table
from lab.report.style import INK, axis, figure
from lab.stats import Verdict
from lab.stats.architectures import Across, ArchitectureEffect, Family
from lab.stats.power import ALPHA

FOUR = math.log(4)
"""A change by this factor, or more, has the full colour."""
ROW, TOP, BOTTOM = 26, 64, 8
"""Height of a row, and of what is above and below them, in pixels."""
WORDS = {Verdict.INERT: "inert", Verdict.MISSING: "missing"}
NOT_SHOWN = "~\N{THIN SPACE}"
COMBINED = (
    "Contrasts of architectures are corrected together; hosts of one architecture are combined by "
    "random effects (REML, Hartung and Knapp)."
)


def heat(comparable: Comparable) -> Picture:
    """Draw a field for each setting and architecture, a small picture for metric and workload."""
    panels: dict[tuple[str, str], list[Across]] = {}
    for each in comparable.across:
        panels.setdefault((each.workload, each.metric), []).append(each)
    panels = {key: rows for key, rows in panels.items() if any(_has_effect(each) for each in rows)}
    return Picture(
        title="Does a knob do the same everywhere?",
        caption="Change against the reference of the same host, by setting; hosts of an "
        "architecture are combined. A row of one colour is a knob that does the same everywhere. "
        "~ stands before a change that is not shown to be one; a word says why there is none.",
        legend=(
            LegendEntry("better", "var(--gain)", "■"),
            LegendEntry("worse", "var(--loss)", "■"),
        ),
        multiples=tuple(
            Multiple(
                _heat(comparable, rows),
                f"{workload}: change of {metric(name).title} by setting and architecture",
            )
            for (workload, name), rows in panels.items()
        ),
        tables=tuple(_differences(comparable)),
        remarks=tuple(_heterogeneity(comparable)),
    )


def _heat(comparable: Comparable, rows: Sequence[Across]) -> go.Figure:
    columns = comparable.architectures
    effects = [{effect.architecture: effect for effect in each.effects} for each in rows]
    higher = rows[0].direction is Direction.HIGHER
    return figure(
        [
            go.Heatmap(
                x=[title(name) for name in columns],
                y=[comparable.names[each.setting] for each in rows],
                z=[[_gain(by.get(name), higher=higher) for name in columns] for by in effects],
                text=[[_cell(by.get(name)) for name in columns] for by in effects],
                customdata=[[told(by.get(name)) for name in columns] for by in effects],
                texttemplate="%{text}",
                textfont={"size": 12, "color": INK},
                hovertemplate="%{y}<br>%{x}: %{customdata}<extra></extra>",
                colorscale=[[0, "var(--loss)"], [0.5, "var(--card)"], [1, "var(--gain)"]],
                zmin=-FOUR,
                zmax=FOUR,
                showscale=False,
                xgap=2,
                ygap=2,
            )
        ],
        comparable.panel(rows[0]),
        height=ROW * len(rows) + TOP + BOTTOM,
        margin={"l": 8, "r": 8, "t": TOP, "b": BOTTOM},
        xaxis=axis("", side="top", type="category", showgrid=False),
        yaxis=axis("", autorange="reversed", type="category", showgrid=False),
    )


def _has_effect(across: Across) -> bool:
    return any(effect.estimate for effect in across.effects)


def _gain(effect: ArchitectureEffect | None, *, higher: bool) -> float | None:
    if effect is None or effect.estimate is None:
        return None
    gain = effect.estimate.value if higher else -effect.estimate.value
    return max(-FOUR, min(FOUR, gain))


def _cell(effect: ArchitectureEffect | None) -> str:
    if effect is None:
        return NONE
    if effect.estimate is None:
        return WORDS.get(effect.verdict, "?")
    shown = effect.verdict in {Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT}
    return f"{'' if shown else NOT_SHOWN}{change(effect.ratio).replace(' %', '%')}"


def _differences(comparable: Comparable) -> Iterator[Table]:
    """Every pair of architectures that is shown to differ."""
    rows = [
        (
            f"{each.workload}, {comparable.names[each.setting]}",
            metric(each.metric).title,
            f"{title(pair.one)} by {title(pair.other)}",
            f"{change(pair.estimate.ratio)} {span(*pair.estimate.interval)}",
            f"{pair.p_adjusted:.2g}",
        )
        for each in comparable.across
        for pair in each.interactions
        if pair.is_shown
    ]
    if rows:
        yield Table(
            "Where architectures are shown to differ: the effect on one by the effect on the other",
            ("setting", "metric", "pair", "ratio of effects", "adjusted p"),
            tuple(rows),
        )


def _heterogeneity(comparable: Comparable) -> Iterator[str]:
    yield COMBINED
    alone = [
        f"{title(effect.architecture)} ({effect.hosts[0]})"
        for effect in (comparable.across[0].effects if comparable.across else ())
        if len(effect.hosts) == 1
    ]
    if alone:
        yield f"One host only: {', '.join(alone)}. It says nothing of other hosts of its kind."
    combined = [
        (each, effect.architecture, effect.heterogeneity)
        for each in comparable.across
        for effect in each.effects
        if effect.heterogeneity
    ]
    family = Family(found.p_heterogeneity for _, _, found in combined)
    for each, architecture, found in combined:
        p = family.adjusted[found.p_heterogeneity]
        if p < ALPHA:
            yield (
                f"Hosts of {title(architecture)} differ in {each.metric}, {each.workload}, "
                f"{comparable.names[each.setting]}: τ {math.sqrt(found.tau2):.2g}, "
                f"I² {100 * found.i2:.0f} %, Q {found.q:.3g} (adjusted p {p:.2g})."
            )
