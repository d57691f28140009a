"""What the probes cost the guest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.costs import Cost
from lab.labels import nanoseconds
from lab.report.material import Material, Multiple, Picture, Table
from lab.report.style import BAR, EDGES, FAINT, INK, axis, figure


def probe_costs(material: Material) -> Picture:
    """Show the guest's time with probes against without, workload by workload."""
    costs = [each for each in material.probe_costs if each.contrast.ratio]
    return Picture(
        title="What the probes cost the guest",
        caption="Median wake-up latency or time of an exit by the guest's own clock, at the "
        "reference: trials with the probes against trials of the same blocks without, with a 95 % "
        "bootstrap interval over blocks. Everything else on this page holds this cost.",
        legend=(),
        multiples=(_drawn(material, costs),) if costs else (),
        tables=(cost_table(material.probe_costs, "without"),) if costs else (),
    )


def cost_table(costs: Sequence[Cost], without: str) -> Table:
    """Put costs into numbers; `without` heads what they are added to."""
    return Table(
        caption="Change and difference with 95 % intervals",
        headings=("workload", without, "change", "difference", "blocks"),
        rows=tuple(
            (
                each.workload,
                nanoseconds(each.contrast.baseline),
                each.percent,
                each.time,
                str(each.contrast.n),
            )
            for each in costs
        ),
    )


def _drawn(material: Material, costs: Sequence[Cost]) -> Multiple:
    return Multiple(
        figure(
            _traces(costs),
            material.title("all workloads"),
            height=BAR * len(costs) + EDGES,
            xaxis=axis("change of the guest's time", ticksuffix=" %", zeroline=True),
            yaxis=axis("", autorange="reversed", type="category"),
        ),
        "change of the guest's time by the probes, by workload",
    )


def _traces(costs: Sequence[Cost]) -> Iterator[go.Scatter]:
    for each in costs:
        ratio = each.contrast.ratio
        if ratio is None:
            continue
        value, low, high = (
            100 * ((ratio.value if end is None else end) - 1)
            for end in (ratio.value, ratio.low, ratio.high)
        )
        yield go.Scatter(
            x=[value],
            y=[each.workload],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - value],
                "arrayminus": [value - low],
                "color": FAINT,
                "thickness": 1.5,
                "width": 3,
            },
            mode="markers",
            marker={"color": INK, "size": 10},
            hovertemplate=f"<b>{each.workload}</b><br>{each.percent}<br>{each.time}<extra></extra>",
        )
