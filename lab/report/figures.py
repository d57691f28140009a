"""The pictures of one host. Each is a row of small multiples, one for each workload."""

from __future__ import annotations

from lab.report.costs import probe_costs
from lab.report.exits import exits
from lab.report.fpu import fpu
from lab.report.halts import cpu, outcomes
from lab.report.latency import latency, round_trips
from lab.report.material import Material, Picture
from lab.report.phases import classes, phases
from lab.report.tradeoff import tradeoff
from lab.report.trials import trials
from lab.report.vcpus import vcpus

DRAWN = (
    phases,
    classes,
    fpu,
    tradeoff,
    round_trips,
    latency,
    outcomes,
    cpu,
    vcpus,
    exits,
    trials,
    probe_costs,
)


def pictures(material: Material) -> list[Picture]:
    """All pictures for which the host has data."""
    drawn = [draw(material) for draw in DRAWN]
    return [picture for picture in drawn if picture.multiples or picture.tables]
