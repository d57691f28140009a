"""`kvmlab compare TERM…`: settings, runs, kernels, hosts and architectures, two at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path

import click
from rich.text import Text

from lab import selector
from lab.cli import options
from lab.executor import open_executor

HELP = """Compare two settings, runs, kernels, hosts or architectures.

A TERM is KEY=VALUE. A key given once narrows what is looked at; a key given twice says what is
compared: the second value against the first. Without a key given twice, every setting is compared
with its run's reference. A word without = is run=WORD.

\b
run=NAME            a run, its path, or `latest`; all runs if none is named
host=NAME           a host of the inventory
arch=NAME           x86, arm64, s390x, ppc64, or as `uname -m` says
kernel=RELEASE      as `uname -r` says
clock=CLASS         hardware, nested, emulated, icount
workload=NAME       a workload of the experiment
metric=NAME         a metric (the primary ones if none is named)
setting.KNOB=VALUE  settings that give the knob this value, scope optional
setting=LABEL       one setting by its whole label: vm.halt_poll_ns=0

VALUE may be several with commas (any of them), and of all but settings a pattern with * and ?.

\b
kvmlab compare latest                      every setting of the latest run
kvmlab compare latest setting.halt_poll_ns=0 setting.halt_poll_ns=200000
kvmlab compare MONDAY TUESDAY              one run against another
kvmlab compare host=z16 'kernel=6.1.*' 'kernel=6.18.*'
kvmlab compare arch=x86 arch=arm64 workload=fixed-30us metric=wakeup_p50_ns

Settings of a run are paired by block. Runs and kernels on one host are unpaired. Hosts and
architectures are compared by what settings do on each, never by their nanoseconds; effects of
different clock classes stand side by side. ~ stands where nothing is shown.
"""


def complete_term(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    keys = [f"{key}=" for key in selector.COLUMNS if key.startswith(start)]
    return [*options.complete_run(context, parameter, start), *keys]


def _format(name: str, text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option(f"--{name}", "form", flag_value=name, help=text)


@click.command("compare", help=HELP, short_help="compare two of anything")
@click.argument("terms", metavar="TERM...", nargs=-1, required=True, shell_complete=complete_term)
@_format("json", "every field of every row, of both cells and of the change, as JSON")
@_format("csv", "the same as CSV")
@_format("markdown", "the table in Markdown")
@click.option(
    "--executor", "url", metavar="URL", help="dask://HOST:PORT: where many comparisons are made"
)
@click.pass_obj
def command(
    settings: options.Settings, terms: tuple[str, ...], form: str | None, url: str | None
) -> None:
    selection = selector.parse(terms)
    with open_executor(url) if url else nullcontext() as executor:
        if selection.names_runs_only and form != "markdown":
            _, runs = selector.find_runs(selection, settings.results)
            show(runs, settings.results, form, executor)
        else:
            _show_answer(selection, settings.results, form, executor)


def _show_answer(
    selection: selector.Selection, results: Path, form: str | None, executor: Executor | None
) -> None:
    from lab.versus import answer, table  # noqa: PLC0415  (pandas and scipy are slow to import)

    found = answer(selection, results, executor)
    match form:
        case "markdown":
            click.echo(table.markdown(found), nl=False)
        case None:
            console = options.out()
            console.print(table.table(found, console.width))
        case _:
            _print_records([row.record() for row in found.rows], form)


def show(
    runs: Sequence[str | Path],
    results: Path,
    form: str | None,
    executor: Executor | None = None,
) -> None:
    """Print the comparison of `runs`: a table for each host, or all rows as JSON or CSV."""
    from lab import summary  # noqa: PLC0415
    from lab.across import differences, tally  # noqa: PLC0415
    from lab.doubts import doubts  # noqa: PLC0415
    from lab.profile import profile  # noqa: PLC0415
    from lab.stats.architectures import across  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415
    from lab.terminal import run as tables  # noqa: PLC0415
    from lab.terminal.profile import cost_table, profile_table  # noqa: PLC0415

    summaries = [summary.summarise(read_run(run, results), executor) for run in runs]
    if form:
        records = [r for each in summaries for r in tables.comparison_records(each.comparisons)]
        _print_records(records, form)
        return
    console, remarks = options.out(), options.progress()
    for each in summaries:
        for grid in each.grids:
            console.print(tables.comparison_table(grid, each.names, console.width))
        console.print(summary.tally(each.comparisons))
        together = across(each.comparisons)
        if counted := tally(together):
            console.print(f"Between architectures, {counted}.")
        for said in differences(together):
            console.print(f"- {said}")
        for host in each.run.manifest["hosts"]:
            found = profile(each, host)
            if found.times:
                clock_class = each.run.facts(host).get("clock_class")
                console.print(profile_table(found, clock_class, each.names))
        for title, costs in each.costs.items():
            console.print(cost_table(costs, title))
        for doubt in doubts(each.run):
            remarks.print(Text(f"doubt: {doubt.host}: {doubt.text}", style="yellow"))


def _print_records(records: Sequence[dict[str, object]], form: str) -> None:
    from lab.versus.table import comma_separated  # noqa: PLC0415

    if form == "json":
        options.print_json(records)
    else:
        click.echo(comma_separated(records), nl=False)
