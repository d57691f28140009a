"""`kvmlab compare RUN…`: every setting against its run's reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

from lab.cli import options


@click.command("compare")
@click.argument(
    "runs", metavar="RUN...", nargs=-1, required=True, shell_complete=options.complete_run
)
@options.json_option
@click.pass_obj
def command(settings: options.Settings, runs: tuple[str, ...], *, as_json: bool) -> None:
    """Compare every setting of each RUN with that run's reference."""
    show(runs, settings.results, as_json=as_json)


def show(runs: Sequence[str], results: Path, *, as_json: bool) -> None:
    """Print the comparison of `runs`: a table for each host, or all rows as JSON."""
    from lab import summary, tables  # noqa: PLC0415  (pandas and scipy are slow to import)
    from lab.doubts import doubts  # noqa: PLC0415
    from lab.profile import profile  # noqa: PLC0415
    from lab.profile_tables import cost_table, profile_table  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415

    summaries = [summary.summarise(read_run(run, results)) for run in runs]
    if as_json:
        options.print_json(
            [record for each in summaries for record in tables.comparison_records(each.comparisons)]
        )
        return
    console, remarks = options.out(), options.progress()
    for each in summaries:
        for grid in each.grids:
            console.print(tables.comparison_table(grid, each.names, console.width))
        console.print(summary.tally(each.comparisons))
        for host in each.run.manifest["hosts"]:
            found = profile(each, host)
            if found.times:
                clock_class = each.run.facts(host).get("clock_class")
                console.print(profile_table(found, clock_class, each.names))
        for title, costs in each.costs.items():
            console.print(cost_table(costs, title))
        for doubt in doubts(each.run):
            remarks.print(Text(f"doubt: {doubt.host}: {doubt.text}", style="yellow"))
