"""Phases, exits, halts and costs on the terminal, as rich renderables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.costs import Cost
from lab.labels import NONE, clock, nanoseconds, quantity
from lab.profile import Profile
from lab.terminal.run import PLAIN
from lab.trial.outcomes import CLASSES
from lab.trial.phases import PHASES, UNATTRIBUTED

SHORT = {"userspace": "user", "run_overhead": "run", "preempted": "preempt", UNATTRIBUTED: "rest"}


def profile_table(profile: Profile, clock_class: str | None, names: Mapping[str, str]) -> Group:
    """Show where the time of one host's vCPUs went, its exits and halts, and what is hidden.

    `names` are short labels of settings; with one setting they are left out.
    """
    return Group(
        Text(f"\n{profile.host} ({clock(clock_class or 'unknown')})", "bold"),
        *_times(profile, names),
        *_exits(profile, names),
        *_halts(profile, names),
        *(Text(f"not visible: {what}: {why}", style="dim") for what, why in profile.unseen.items()),
    )


def cost_table(costs: Sequence[Cost], title: str) -> Group:
    """Show what something costs the guest, a row for each host and workload."""
    table = Table(**PLAIN, padding=(0, 1, 0, 0))
    for heading in ("host", "workload"):
        table.add_column(heading)
    for heading in ("without", "costs [95 %]", "or [95 %]", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in costs:
        found = each.contrast
        baseline = nanoseconds(found.baseline)
        table.add_row(each.host, each.workload, baseline, each.percent, each.time, str(found.n))
    return Group(Text(f"\n{title}", style="bold"), table)


def _table(title: str, names: Mapping[str, str], headings: Sequence[str]) -> tuple[Text, Table]:
    table = Table(**PLAIN, padding=(0, 1, 0, 0))
    table.add_column("workload")
    if len(names) > 1:
        table.add_column("setting")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"class", "native"} else "right")
    return Text(title, style="dim"), table


def _cell(workload: str, setting: str, names: Mapping[str, str]) -> list[str]:
    return [workload, names[setting]] if len(names) > 1 else [workload]


def _times(profile: Profile, names: Mapping[str, str]) -> Iterator[RenderableType]:
    phases = [*PHASES, UNATTRIBUTED]
    title, table = _table(
        "where the time of vCPUs went, in % of wall time",
        names,
        [*(SHORT.get(each, each) for each in phases), "n"],
    )
    for each in profile.times:
        shares = [f"{100 * each.shares[p]:.1f}" if p in each.shares else NONE for p in phases]
        table.add_row(*_cell(each.workload, each.setting, names), *shares, str(each.n))
    yield from (title, table)


def _exits(profile: Profile, names: Mapping[str, str]) -> Iterator[RenderableType]:
    if not profile.exits:
        return
    headings = ("class", "per unit", "p50", "p99", "native")
    title, table = _table("exits by class, and the time they are handled in", names, headings)
    for each in profile.exits:
        table.add_row(
            *_cell(each.workload, each.setting, names),
            each.kind,
            f"{each.per_unit.median.value:.4g}",
            *(quantity(cell.median.value, "ns") if cell else NONE for cell in (each.p50, each.p99)),
            ", ".join(each.natives[:3]),
        )
    yield from (title, table)


def _halts(profile: Profile, names: Mapping[str, str]) -> Iterator[RenderableType]:
    if not profile.halts:
        return
    title, table = _table("what halts came to, over all trials", names, CLASSES)
    for each in profile.halts:
        counts = [each.outcomes[name].count for name in CLASSES]
        table.add_row(
            *_cell(each.workload, each.setting, names),
            *(NONE if count is None else f"{count}" for count in counts),
        )
    yield from (title, table)
