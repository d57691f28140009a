"""`kvmlab recommend RUN`: what to set, on each host, each architecture and all, at what price."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from lab.cli import options
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.stats.choice import Advice
    from lab.stats.tradeoff import Tradeoff


@click.command("recommend")
@options.run_argument
@click.option(
    "--weight",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="how much latency counts beside CPU: with 0.5, 1 % of one is worth 1 % of the other",
)
@options.json_option
@click.pass_obj
def command(settings: options.Settings, run: str, weight: float, *, as_json: bool) -> None:
    """Weigh wake-up latency against CPU burned, and say what to set.

    `front` is how probable it is that no other setting is as good in both and more than 5 % better
    in one. A setting is recommended
    only where it is shown to weigh less than the reference; where hosts of several architectures
    ran, one setting for all is named with what it costs each of them.
    """
    from lab.labels import setting_label  # noqa: PLC0415  (pandas and scipy are slow to import)
    from lab.stats.choice import advise  # noqa: PLC0415
    from lab.stats.tradeoff import tradeoffs  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415
    from lab.table import tidy  # noqa: PLC0415

    whole = read_run(run, settings.results)
    found = tradeoffs(tidy(whole), setting_label(whole.plan["reference"]))
    if not found:
        raise UsageError(
            f"{whole.name} has nothing to weigh: that takes halting workloads, the reference and "
            "another setting, in five blocks or more"
        )
    advice = advise(found, weight)
    if as_json:
        options.print_json([_record(each) for each in advice])
        return
    for each in advice:
        _show(each)


def _show(advice: Advice) -> None:
    from lab.across import fleet_recommendation, recommendation  # noqa: PLC0415
    from lab.labels import clock  # noqa: PLC0415

    out = options.out()
    for host, tradeoffs in advice.tradeoffs.items():
        out.print(Text(f"{host} ({clock(advice.clock_class)})", style="bold"))
        for each in tradeoffs:
            if not each.inert:
                out.print(_table(each))
        if host in advice.hosts:
            out.print(f"{recommendation(advice.hosts[host], tradeoffs)}\n")
    for choice in advice.architectures.values():
        if len(choice.hosts) > 1:
            out.print(recommendation(choice))
    if advice.fleet and len(advice.architectures) > 1:
        out.print(fleet_recommendation(advice.fleet))


def _table(tradeoff: Tradeoff) -> Table:
    from lab.labels import nanoseconds, setting_of, short_labels  # noqa: PLC0415
    from lab.terminal.run import PLAIN  # noqa: PLC0415

    names = short_labels(setting_of(each) for each in tradeoff.settings)
    table = Table(**PLAIN, title=f"{tradeoff.workload}, {tradeoff.n} blocks", title_justify="left")
    table.add_column("setting", no_wrap=True)
    for heading in ("wake-up p50", "CPU", "front"):
        table.add_column(heading, justify="right")
    for point in tradeoff.points:
        table.add_row(
            f"{names[point.setting]}{'*' if point.setting == tradeoff.reference else ''}",
            nanoseconds(point.latency),
            f"{100 * point.cpu:.3g} %",
            f"{100 * point.on_front:.0f} %",
        )
    return table


def _record(advice: Advice) -> dict[str, Any]:
    record = asdict(advice)
    for tradeoffs in record["tradeoffs"].values():
        for each in tradeoffs:
            each["values"] = each["values"].tolist()
    return record
