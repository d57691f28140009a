"""What halts came to, and where the CPU time of a wake-up went: stacked bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import plotly.graph_objects as go

from lab.metrics import HALT
from lab.profile import Halts
from lab.report.material import LegendEntry, Material, Multiple, Picture
from lab.report.style import Key, axis, figure, filled

OUTCOME_LOOKS = {
    "hit": ("var(--hit)", "", "hit: polled, and it paid"),
    "late_hit": ("var(--late)", ".", "late hit: polled to the end, woken before it slept"),
    "miss": ("var(--miss)", "/", "miss: polled in vain, then slept"),
    "no_poll": ("var(--sleep)", "", "no poll: there was no window"),
    "vetoed": ("var(--instant)", "x", "vetoed: the architecture forbade to poll"),
    "not_trapped": ("var(--guest)", "", "not trapped: KVM never saw it"),
}
CPU_LOOKS = {
    "paid": ("var(--hit)", "", "polling that paid"),
    "vain": ("var(--miss)", "/", "polling in vain"),
    "rest": ("var(--sleep)", "", "everything else: exits, waking, the guest"),
}


def outcomes(material: Material) -> Picture:
    """Show what halts came to, as shares of those that are known."""
    by_workload: dict[str, list[Halts]] = {}
    for halts in material.profile.halts:
        if any(each.count for each in halts.outcomes.values()):
            by_workload.setdefault(halts.workload, []).append(halts)
    shown = [halts for cells in by_workload.values() for halts in cells]
    looks = {
        name: look
        for name, look in OUTCOME_LOOKS.items()
        if any(halts.outcomes[name].count for halts in shown)
    }
    known = {name: shown[0].outcomes[name].how for name in looks} if shown else {}
    return Picture(
        title="What halts came to",
        caption="Share of the halts of a cell whose class is visible.",
        legend=_fills(looks),
        multiples=tuple(
            Multiple(
                figure(
                    _bar_traces(material.keys, looks, _outcome_shares(cells, looks), ".3g", " %"),
                    material.title(workload),
                    barmode="stack",
                    bargap=0.3,
                    xaxis=axis("share of halts", range=[0, 100], dtick=25, ticksuffix=" %"),
                    yaxis=axis("", autorange="reversed", type="category"),
                ),
                f"{workload}: share of halts by outcome and setting",
            )
            for workload, cells in by_workload.items()
        ),
        remarks=tuple(f"{name}: known by {how}" for name, how in known.items()),
    )


def _outcome_shares(
    cells: Sequence[Halts], names: Mapping[str, object]
) -> dict[str, dict[str, float]]:
    found = {}
    for halts in cells:
        counts = {name: halts.outcomes[name].count or 0 for name in names}
        total = max(sum(counts.values()), 1)
        found[halts.setting] = {name: 100 * count / total for name, count in counts.items()}
    return found


def cpu(material: Material) -> Picture:
    """Where the CPU time of a wake-up went."""
    shown = [(workload, _cpu_parts(material, workload)) for workload, _ in material.of_guest(*HALT)]
    return Picture(
        title="Where the CPU time went",
        caption="CPU time per wake-up in µs, medians over trials. Polling is what KVM's own "
        "statistics count, which end with the poll loop; the rest is what remains of the vCPU "
        "thread's CPU time. Each workload has an axis of its own.",
        legend=_fills(CPU_LOOKS),
        multiples=tuple(
            Multiple(
                figure(
                    _bar_traces(material.keys, CPU_LOOKS, parts, ".3g", " µs"),
                    material.title(workload),
                    barmode="stack",
                    bargap=0.3,
                    xaxis=axis("CPU time per wake-up", ticksuffix=" µs", rangemode="tozero"),
                    yaxis=axis("", autorange="reversed", type="category"),
                ),
                f"{workload}: CPU time per wake-up, split by what it was spent on, by setting",
            )
            for workload, parts in shown
            if parts
        ),
    )


def _cpu_parts(material: Material, workload: str) -> dict[str, dict[str, float]]:
    names = ("cpu_ns_per_wakeup", "poll_success_ns_per_wakeup", "poll_fail_ns_per_wakeup")
    found = {}
    for key in material.keys:
        series = [material.values(workload, name, key.label) for name in names]
        if any(values.empty for values in series):
            continue
        total, paid, vain = (float(values.median()) / 1e3 for values in series)
        found[key.label] = {"paid": paid, "vain": vain, "rest": max(total - paid - vain, 0.0)}
    return found


def _fills(looks: Mapping[str, tuple[str, str, str]]) -> tuple[LegendEntry, ...]:
    return tuple(LegendEntry(text, colour, "■") for colour, _, text in looks.values())


def _bar_traces(
    keys: Sequence[Key],
    looks: Mapping[str, tuple[str, str, str]],
    parts: Mapping[str, Mapping[str, float]],
    number: str,
    unit: str,
) -> Iterator[go.Bar]:
    present = [key for key in keys if key.label in parts]
    for name, (colour, pattern, text) in looks.items():
        yield go.Bar(
            orientation="h",
            y=[key.name.replace(" (reference)", " (ref.)") for key in present],
            x=[round(parts[key.label][name], 4) for key in present],
            marker=filled(colour, pattern, solidity=0.25),
            hovertemplate=f"%{{y}}: %{{x:{number}}}{unit}<br>{text}<extra></extra>",
        )
