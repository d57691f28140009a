"""How often, where and at what cost vector registers are switched."""

from __future__ import annotations

from lab.arch import Architecture
from lab.labels import NONE, nanoseconds
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
    """One row for each cell, one column for each metric that some cell has."""
    seen = {cell.metric for cell in material.cells}
    shown = [each for each in registry.METRICS if each.name in seen]
    if not shown:
        return None
    return Table(
        caption="Switches and their time, medians over trials",
        headings=("workload", "setting", *(each.title for each in shown)),
        rows=tuple(
            (
                workload,
                key.short,
                *(_median(material.cell(workload, each.name, key.label)) for each in shown),
            )
            for workload in material.workloads
            for key in material.keys
        ),
    )


def _median(cell: Cell | None) -> str:
    if cell is None:
        return NONE
    value = cell.median.value
    return nanoseconds(value) if cell.unit == "ns" else f"{value:.3g}"


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
