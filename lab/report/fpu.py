"""How often, where and at what cost vector registers are switched."""

from __future__ import annotations

from lab import metrics
from lab.arch import Architecture
from lab.labels import NONE, quantity
from lab.metrics import fpu as registry
from lab.report.costs import cost_table
from lab.report.material import Material, Picture, Table
from lab.stats import Cell


def fpu(material: Material) -> Picture:
    """Tell of switches of the floating-point and vector registers, from functions and the guest."""
    tables = []
    if material.fpu_costs:
        tables.append(cost_table(material.fpu_costs, "clean"))
    if switches := _switches(material):
        tables.append(switches)
    if material.profile.functions:
        tables.append(_functions(material))
    return Picture(
        title="Floating-point and vector registers",
        caption="The first table needs no probe: the same exit with registers written before it "
        "against without, by the guest's own clock and without probes where such trials are; it "
        "holds the guest's own writing. The others are what the kernel's functions say.",
        legend=(),
        multiples=(),
        tables=tuple(tables),
        remarks=_remarks(material.profile.architecture),
    )


def _remarks(architecture: Architecture | None) -> tuple[str, ...]:
    if not architecture:
        return ()
    return tuple(
        f"{architecture.title}, {each.kernels}: switched {each.where} ({each.source})."
        for each in architecture.fpu
    )


def _switches(material: Material) -> Table | None:
    names = [each.name for each in registry.METRICS]
    found: list[Cell] = [cell for cell in material.cells if cell.metric in names]
    short = {key.label: key.short for key in material.keys}
    rows = tuple(
        (
            cell.workload,
            short[cell.setting],
            metrics.metric(cell.metric).title,
            quantity(cell.median.value, cell.unit),
            str(cell.n),
        )
        for cell in sorted(found, key=lambda cell: material.workloads.index(cell.workload))
    )
    headings = ("workload", "setting", "of each exit", "median", "trials")
    return Table("Switches and their time", headings, rows) if rows else None


def _functions(material: Material) -> Table:
    return Table(
        caption="The kernel's functions that were asked",
        headings=("function", "boundary", "attached by"),
        rows=tuple(
            (
                each["function"],
                each["boundary"] or NONE,
                each["kind"] or f"not visible, {each['not_visible']}",
            )
            for each in material.profile.functions
        ),
    )
