"""Which setting to take: the best within a budget of CPU time, or the cheapest below a latency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from lab.errors import UsageError
from lab.replay.algorithms import Knobs
from lab.replay.grid import nanoseconds
from lab.replay.surface import BURNED, LATENCY, Point, Surface
from lab.replay.trial import MORE_CPU
from lab.stats import Estimate

TAIL = "wakeup_p99_ns"
Side = Callable[[Estimate], float]


@dataclass(frozen=True)
class Goal:
    """What to hold to, one of the two: `budget` in CPUs above never polling, `p99` in ns."""

    budget: float | None = None
    p99: float | None = None

    @property
    def metric(self) -> str:
        return TAIL if self.budget is None else MORE_CPU

    @property
    def limit(self) -> float:
        return (self.p99 if self.budget is None else self.budget) or 0.0

    @property
    def wanted(self) -> str:
        """Metric to get as low as the goal allows."""
        return BURNED if self.budget is None else LATENCY


@dataclass(frozen=True)
class Choice:
    """The setting to take for all of `surfaces`, and its prediction for each in `points`.

    `sure` says that the goal holds at the unfavourable end of every interval, else it holds in
    the middle only. `knobs` is None where no setting of the grid meets the goal.
    """

    scope: str
    surfaces: Sequence[Surface]
    knobs: Knobs | None
    sure: bool

    @property
    def points(self) -> list[Point]:
        knobs = self.knobs
        return [point for each in self.surfaces if knobs and (point := each.at(knobs))]


def percentage(text: str) -> float:
    """Read a share of a CPU: `2%`; UsageError for anything else."""
    number = text.removesuffix("%")
    if number == text or not number.replace(".", "", 1).isdigit():
        raise UsageError(f"{text!r} is no percentage of a CPU: write 2%")
    return float(number) / 100


def goal(budget_cpu: str | None, target_p99: str | None) -> Goal:
    """Make the goal of what was asked for; UsageError unless it is exactly one of the two."""
    if (budget_cpu is None) == (target_p99 is None):
        raise UsageError("say what to tune for: --budget-cpu 2% or --target-p99 50us")
    if budget_cpu is not None:
        return Goal(budget=percentage(budget_cpu))
    return Goal(p99=float(nanoseconds(target_p99 or "")))


def choices(surfaces: Sequence[Surface], aim: Goal) -> list[Choice]:
    """Choose for each workload of each host, for each host, and for hosts alike.

    Hosts are alike that have architecture and clock class in common; one setting must then meet
    the goal on all of them. A scope with a single surface is not repeated as a wider one.
    """
    found = [_choose(f"{each.host}: {each.workload}", [each], aim) for each in surfaces]
    scopes: tuple[tuple[str, Callable[[Surface], str]], ...] = (
        ("all workloads", lambda each: each.host),
        ("all hosts", lambda each: f"{each.architecture}, {each.clock_class} clock"),
    )
    for what, scope in scopes:
        for name, members in _grouped(surfaces, scope):
            hosts = {each.host for each in members}
            if len(members) > 1 and (what == "all workloads" or len(hosts) > 1):
                found.append(_choose(f"{name}: {what}", members, aim))
    return found


def _grouped(
    surfaces: Iterable[Surface], key: Callable[[Surface], str]
) -> list[tuple[str, list[Surface]]]:
    return [(name, list(members)) for name, members in groupby(sorted(surfaces, key=key), key)]


def _choose(scope: str, surfaces: Sequence[Surface], aim: Goal) -> Choice:
    nothing = Choice(scope, surfaces, None, sure=False)
    for sure, side in ((True, _high), (False, _middle)):
        meet = [
            each.knobs for each in surfaces[0].points if _meets(each.knobs, surfaces, aim, side)
        ]
        if meet:
            best = min(meet, key=lambda knobs: _rank(knobs, surfaces, aim))
            return replace(nothing, knobs=best, sure=sure)
    return nothing


def _meets(knobs: Knobs, surfaces: Sequence[Surface], aim: Goal, side: Side) -> bool:
    for each in surfaces:
        point = each.at(knobs)
        if point is None or not {aim.metric, aim.wanted} <= point.metrics.keys():
            return False
        if side(point.metrics[aim.metric]) > aim.limit:
            return False
    return True


def _rank(knobs: Knobs, surfaces: Sequence[Surface], aim: Goal) -> tuple[float, ...]:
    """Geometric mean over surfaces of what is wanted, then of CPU; then nearness to what was."""
    points = [point for each in surfaces if (point := each.at(knobs))]
    means = [
        float(np.mean([np.log(max(point.metrics[name].value, 1e-9)) for point in points]))
        for name in (aim.wanted, BURNED)
    ]
    changes = sum(a != b for a, b in zip(knobs.values, surfaces[0].recorded.values, strict=True))
    return (*(round(mean, 4) for mean in means), changes, *knobs.values)


def _high(estimate: Estimate) -> float:
    return estimate.value if estimate.high is None else estimate.high


def _middle(estimate: Estimate) -> float:
    return estimate.value
