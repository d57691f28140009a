"""Where the vCPUs' time went, and what they left the guest for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lab.labels import NONE, nanoseconds
from lab.profile import ExitClass, Profile, Times
from lab.report.material import LegendEntry, Material, Multiple, Picture, Table, bars, said
from lab.report.style import BAR, EDGES, HEIGHT, INK, axis, figure, filled, time_axis
from lab.stats import Cell
from lab.trial.phases import UNATTRIBUTED

LOOKS = {
    "guest": ("var(--guest)", "", "guest: between entry and exit"),
    "handling": ("var(--handling)", "", "handling: between exit and entry, in the kernel"),
    "userspace": ("var(--user)", "", "userspace: in the VMM"),
    "run_overhead": (
        "var(--run)",
        ".",
        "run overhead: in KVM_RUN, before the first entry or after the last exit",
    ),
    "polled": ("var(--hit)", "/", "polled: halted, and polling"),
    "blocked": ("var(--sleep)", "", "blocked: halted or waiting, off the CPU"),
    "preempted": ("var(--preempt)", "x", "preempted: off the CPU, though it could run"),
    UNATTRIBUTED: ("var(--rest)", "-", "unattributed: what could not be told apart"),
}
PALE = {"blocked", UNATTRIBUTED}
"""Phases whose bars are too pale for light letters."""
ALL = "all workloads"
ROOM = 0.14
"""Share of a bar from which on its name fits inside."""
RARE = 0.05
"""Exits per unit of work below which a class stands in the table only."""


def phases(material: Material) -> Picture:
    """Show where the time went as bars that are whole: shares of wall time."""
    seen = [phase for phase in LOOKS if any(t.shares.get(phase) for t in material.profile.times)]
    return Picture(
        title="Where the time of vCPUs went",
        caption="Share of each phase in the wall time of the vCPU threads, from the first KVM_RUN "
        "to the last one's return; mean over trials. What this host cannot show has no bar: its "
        "time is in the unattributed rest.",
        legend=tuple(LegendEntry(LOOKS[phase][2], LOOKS[phase][0], "■") for phase in seen),
        multiples=tuple(
            Multiple(
                figure(
                    _stacks(group.rows, seen),
                    group.title,
                    barmode="stack",
                    bargap=0.25,
                    height=max(HEIGHT, BAR * len(group.rows) + EDGES),
                    xaxis=axis("share of wall time", range=[0, 100], dtick=25, ticksuffix=" %"),
                    yaxis=axis("", autorange="reversed", type="category"),
                ),
                f"{group.name}: share of wall time by phase",
            )
            for group in _groups(material, material.profile.times)
        ),
        remarks=_remarks(material.profile),
    )


@dataclass(frozen=True)
class _Group:
    """Cells of one small picture, each with the name of its row."""

    name: str
    title: str
    rows: list[tuple[str, Times]]


def _groups(material: Material, times: Sequence[Times]) -> list[_Group]:
    """Put all workloads side by side where there is one setting, else each into its own picture."""
    if len(material.keys) == 1:
        rows = [(each.workload, each) for each in times]
        return [_Group(ALL, material.title(ALL), rows)] if rows else []
    short = {key.label: key.short for key in material.keys}
    return [
        _Group(
            workload,
            material.title(workload),
            [(short[each.setting], each) for each in times if each.workload == workload],
        )
        for workload in dict.fromkeys(each.workload for each in times)
    ]


def _stacks(rows: Sequence[tuple[str, Times]], seen: Sequence[str]) -> Iterator[go.Bar]:
    for phase in seen:
        colour, pattern, text = LOOKS[phase]
        shares = [100 * times.shares.get(phase, 0.0) for _, times in rows]
        yield go.Bar(
            name=phase,
            orientation="h",
            y=[name for name, _ in rows],
            x=[round(share, 4) for share in shares],
            text=[phase.replace("_", " ") if share > 100 * ROOM else "" for share in shares],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": INK if phase in PALE else "var(--card)", "size": 12},
            constraintext="none",
            marker=filled(colour, pattern, solidity=0.15),
            hovertemplate=f"%{{y}}: %{{x:.3g}} %<br>{text}<extra></extra>",
        )


def _remarks(profile: Profile) -> tuple[str, ...]:
    unseen = [f"Not visible on this host: {what}: {why}." for what, why in profile.unseen.items()]
    architecture = profile.architecture
    if not architecture or not profile.times:
        return tuple(unseen)
    blind = [
        f"What {architecture.title} cannot show: {each.what} ({each.source})."
        for each in architecture.blind
    ]
    return (*unseen, *blind)


def classes(material: Material) -> Picture:
    """Show what exits of each class take to handle, median and tail."""
    short = {key.label: key.short for key in material.keys}
    found = material.profile.exits
    groups: dict[str, list[tuple[str, ExitClass]]] = {}
    for each in found:
        if each.p50 and each.per_unit.median.value >= RARE:
            alone = len(material.keys) == 1
            group = ALL if alone else each.workload
            name = each.workload if alone else short[each.setting]
            groups.setdefault(group, []).append((f"{name}: {each.kind}", each))
    return Picture(
        title="What exits take to handle, by class",
        caption="Time from an exit to the next entry or to the VMM, without what was polled, "
        "blocked or preempted in between. A full point is the median exit, a hollow one the 99th "
        "percentile; points are medians over trials, bars their intervals. Quantiles come from "
        f"histograms, exact to 1/64. Classes with fewer than {RARE:g} exits per unit of work are "
        "in the table only.",
        legend=(
            LegendEntry("median", "var(--s1)", "●"),
            LegendEntry("99th percentile", "var(--s4)", "○"),
        ),
        multiples=tuple(
            Multiple(
                figure(
                    _points(rows),
                    material.title(name),
                    height=max(HEIGHT, BAR * len(rows) + EDGES),
                    xaxis=time_axis("handling time", _ends(rows)),
                    yaxis=axis("", autorange="reversed", type="category"),
                ),
                f"{name}: handling time by class of exit",
            )
            for name, rows in groups.items()
        ),
        tables=(_table(material, found, short),) if found else (),
    )


def _ends(rows: Sequence[tuple[str, ExitClass]]) -> list[float]:
    medians = [cell.median for _, each in rows for cell in (each.p50, each.p99) if cell]
    return [end for each in medians for end in (each.value, each.low, each.high) if end is not None]


def _points(rows: Sequence[tuple[str, ExitClass]]) -> Iterator[go.Scatter]:
    tails = ("median", "circle", "var(--s1)"), ("99th percentile", "circle-open", "var(--s4)")
    for number, (said_as, symbol, colour) in enumerate(tails):
        for name, each in rows:
            cell = (each.p50, each.p99)[number]
            if cell is None:
                continue
            yield go.Scatter(
                x=[cell.median.value],
                y=[name],
                error_x=bars(cell.median, colour),
                mode="markers+text",
                text=[nanoseconds(cell.median.value)],
                textposition="top center",
                textfont={"size": 10, "color": INK},
                marker={"color": colour, "symbol": symbol, "size": 10},
                hovertemplate=f"<b>{name}</b><br>{said_as} {said(cell)}<extra></extra>",
            )


def _table(material: Material, found: Sequence[ExitClass], short: dict[str, str]) -> Table:
    many = len(material.keys) > 1
    headings = ("workload", *(("setting",) if many else ()), "class", "native", "per unit of work")
    return Table(
        caption="Every class, with the architecture's own names and how many trials",
        headings=(*headings, "median", "p99", "trials"),
        rows=tuple(
            (
                each.workload,
                *((short[each.setting],) if many else ()),
                each.kind,
                ", ".join(each.natives),
                f"{each.per_unit.median.value:.4g}",
                _or_dash(each.p50),
                _or_dash(each.p99),
                str(each.per_unit.n),
            )
            for each in found
        ),
    )


def _or_dash(cell: Cell | None) -> str:
    return said(cell) if cell else NONE
