"""What the replay says, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lab import metrics
from lab.labels import MINUS, NONE, clock, nanoseconds, quantity
from lab.replay.algorithms import Knobs
from lab.replay.surface import BURNED, LATENCY, Point, Surface
from lab.replay.trial import MORE_CPU
from lab.replay.tuning import Choice, Goal
from lab.replay.validate import CHECKED, Check, Validation
from lab.replay.whatif import AUDITED, Effect
from lab.stats import Estimate

COLUMNS = {
    "wakeup_p50_ns": "wake-up p50",
    "wakeup_p99_ns": "wake-up p99",
    "cpu_share": "of a CPU",
    MORE_CPU: "by polling",
    "poll_hit_rate": "hits",
    "poll_vain_ns_per_wakeup": "vain poll",
    "cpu_ns_per_wakeup": "CPU/wake-up",
}
SHOWN = tuple(name for name in COLUMNS if name != "cpu_ns_per_wakeup")
CHOSEN = ("wakeup_p50_ns", "wakeup_p99_ns", MORE_CPU)
FRONT = "●"
WIDE = 120
LOOP = {
    True: "closed loop: the guest waits for its own work",
    False: "open loop, an assumption: wake-ups come when they came",
}


def unit(name: str) -> str:
    return "1" if name == MORE_CPU else metrics.metric(name).unit


def said(estimate: Estimate | None, unit_: str) -> str:
    """Return a median with its interval where there is one: `31.4 µs (31.2 to 31.6)`."""
    if estimate is None:
        return NONE
    value = quantity(estimate.value, unit_)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (quantity(end, unit_) for end in (estimate.low, estimate.high))
    return value if low == high == value else f"{value} ({low.rsplit(' ', 1)[0]} to {high})"


def varying(knobs: Sequence[Knobs]) -> list[str]:
    """Names of the knobs that differ within a grid; the ceiling always."""
    columns = {name: {vars(each)[name] for each in knobs} for name in Knobs.__dataclass_fields__}
    return [name for name, values in columns.items() if len(values) > 1 or name == "halt_poll_ns"]


def short(knobs: Knobs, names: Sequence[str]) -> str:
    """Return a setting by its ceiling and the knobs named: `50 µs, grow 2, shrink 0`."""
    return ", ".join(filter(None, [ceiling(knobs), others(knobs, names)]))


def ceiling(knobs: Knobs) -> str:
    return nanoseconds(knobs.halt_poll_ns) if knobs.halt_poll_ns else "0"


def others(knobs: Knobs, names: Sequence[str]) -> str:
    """Return the knobs named, but for the ceiling: `grow 2, shrink 0`."""
    rest = [
        f"{name} {nanoseconds(value) if name == 'grow_start' else value}"
        for name, value in vars(knobs).items()
        if name in names and name != "halt_poll_ns"
    ]
    return ", ".join(rest)


def surface_table(surface: Surface, *, whole: bool, width: int = 80) -> Group:
    """Return one surface, only its front unless `whole`; from 120 columns on with intervals."""
    names = varying([point.knobs for point in surface.points])
    table = Table(box=None, header_style="dim")
    table.add_column("setting", no_wrap=True)
    for name in SHOWN:
        table.add_column(COLUMNS[name], justify="right")
    table.add_column("")
    told = [point for point in surface.points if whole or point.on_front]
    for point in told:
        table.add_row(
            short(point.knobs, names), *_cells(point, width), FRONT if point.on_front else ""
        )
    left = len(surface.points) - len(told)
    return Group(
        Text(f"{surface.host} ({clock(surface.clock_class or 'unknown')}): {surface.workload}",
             style="bold"),
        Text(f"replayed by {surface.algorithm} from {surface.trials} trials at "
             f"{surface.recorded.label}; {LOOP[surface.closed]}", style="dim"),
        table,
        *([Text(f"{left} settings are no better in latency or CPU: --all", style="dim")]
          if left else []),
        Text(),
    )  # fmt: skip


def _cells(point: Point, width: int) -> Iterator[str]:
    for name in SHOWN:
        estimate = point.metrics.get(name)
        if width >= WIDE and name in {LATENCY, BURNED}:
            yield said(estimate, unit(name))
        else:
            yield quantity(estimate.value if estimate else None, unit(name))


def choice_table(choices: Sequence[Choice], goal: Goal) -> Table:
    """Return what to set where, with the worst of what is predicted over the scope's workloads."""
    points = [
        point.knobs for choice in choices for each in choice.surfaces for point in each.points
    ]
    names = varying(points)
    limit = nanoseconds(goal.limit) if goal.p99 else f"{100 * goal.limit:g} % of a CPU"
    table = Table(box=None, header_style="dim", title_justify="left")
    table.title = f"least {COLUMNS[goal.wanted]} with {COLUMNS[goal.metric]} at most {limit}"
    table.add_column("setting", no_wrap=True)
    for name in CHOSEN:
        table.add_column(COLUMNS[name], justify="right")
    for choice in choices:
        doubt = "" if choice.sure or not choice.knobs else " (not within every interval)"
        table.add_row(Text(choice.scope + doubt, style="bold"))
        if choice.knobs is None:
            table.add_row("  none of the grid")
        else:
            table.add_row("  " + short(choice.knobs, names), *_worst(choice.points))
    return table


def _worst(points: Sequence[Point]) -> Iterator[str]:
    for name in CHOSEN:
        values = [point.metrics[name].value for point in points if name in point.metrics]
        yield quantity(max(values, default=None), unit(name))


def effect_table(effects: Sequence[Effect], width: int = 80) -> Group:
    """Return what a change does: what each metric was, and its change, in points for shares.

    From 120 columns on with the interval of the change.
    """
    parts: list[Text | Table] = []
    for (run, host), of_host in groupby(effects, lambda each: (each.run, each.host)):
        mine = list(of_host)
        first = mine[0]
        table = Table(box=None, header_style="dim")
        table.add_column("workload")
        for name in AUDITED:
            table.add_column(COLUMNS[name], justify="right", no_wrap=width >= WIDE)
        for workload, found in groupby(mine, lambda each: each.workload):
            cells = {each.metric: each for each in found}
            table.add_row(workload, *(_effect(cells[name], width) for name in AUDITED))
        where = f"{first.architecture}, {clock(first.clock_class or 'unknown')}, {first.algorithm}"
        title = f"{host} ({where}), {run}: {first.before.label} → {first.after.label}"
        parts += [Text(title, style="bold"), table, Text()]
    return Group(*parts)


def _effect(effect: Effect, width: int) -> str:
    found = effect.contrast
    if found is None:
        return NONE
    before = quantity(found.baseline, effect.unit)
    if found.difference.value == 0:
        return f"{before} ="
    moved, base = found.difference, 0.0
    if effect.unit != "1":
        if found.ratio is None:
            return f"{before} {found.difference.value:+.3g} ns"
        moved, base = found.ratio, 1.0

    def points(value: float) -> str:
        return f"{100 * (value - base):+.2g}".replace("-", MINUS)

    told = f"{before} {points(moved.value)}" + ("" if effect.unit == "1" else " %")
    if width < WIDE or moved.low is None or moved.high is None:
        return told
    return f"{told} ({points(moved.low)} to {points(moved.high)})"


def check_table(validation: Validation) -> Group:
    """Return predicted against measured: a row for each workload and metric, over all pairs.

    `typical` is the median size of the error, `meet` counts pairs whose intervals do.
    """
    table = Table(box=None, header_style="dim")
    for heading in ("host", "workload", "metric"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pairs", "typical", "largest", "meet"):
        table.add_column(heading, justify="right")
    for (host, workload, name), found in _by_metric(validation.checks):
        sizes = [abs(error(each)) for each in found]
        meet = sum(each.overlap for each in found)
        table.add_row(
            host, workload, COLUMNS[name], str(len(found)),
            _error(float(np.median(sizes)), found[0]), _error(max(sizes), found[0]),
            f"{meet}",
        )  # fmt: skip
    runs = validation.trajectories
    same = sum(each.same for each in runs)
    events = sum(each.traced for each in runs)
    halts = sum(each.halts for each in runs)
    trajectory = (
        f"trajectory: {same} of {len(runs)} vCPUs have the replayed windows and events one for one "
        f"({halts} halts, {events} traced events)"
    )
    return Group(table, Text(trajectory), *(Text(each) for each in validation.unpredicted))


def error(check: Check) -> float:
    """Return the error in per cent of what was measured, in points for shares, else in its unit."""
    if check.unit == "1":
        return 100 * check.error
    relative = check.relative_error
    return check.error if relative is None else 100 * relative


def _error(size: float, check: Check) -> str:
    return f"{size:.{0 if size >= 10 else 1}f} {'points' if check.unit == '1' else '%'}"  # noqa: PLR2004


def _by_metric(checks: Sequence[Check]) -> Iterator[tuple[tuple[str, str, str], list[Check]]]:
    def key(each: Check) -> tuple[str, str, int]:
        return each.host, each.workload, CHECKED.index(each.metric)

    for (host, workload, metric), found in groupby(sorted(checks, key=key), key):
        yield (host, workload, CHECKED[metric]), list(found)
