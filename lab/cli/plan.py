"""`kvmlab plan`: every trial and every write of a run, or what it could show, before it runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from lab.cli import options
from lab.cli.run import DEFAULT_EXPERIMENT, drive, new, planned
from lab.design import experiment
from lab.design.writes import writes
from lab.errors import LabError, UsageError
from lab.labels import probes_label, setting_label
from lab.store.folder import write_atomic


@click.command("plan")
@click.argument("name", metavar="[EXPERIMENT]", default=DEFAULT_EXPERIMENT)
@options.hosts_option
@options.inventory_option
@options.json_option
@click.option("--power", is_flag=True, help="what numbers of blocks would show, from a pilot")
@click.option(
    "--pilot",
    metavar="RUN",
    shell_complete=options.complete_run,
    help="with --power: the run to judge by; else a short one is run now",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="with --power: draw it"
)
@options.foreign_option
@click.pass_obj
def command(
    settings: options.Settings,
    name: str,
    hosts: str,
    inventory: Path | None,
    *,
    as_json: bool,
    power: bool,
    pilot: str | None,
    html: Path | None,
    allow_foreign_vms: bool,
) -> None:
    """Print what `kvmlab run EXPERIMENT` would do on each host, and do nothing.

    With --power: how narrow intervals would be, and how small a change would be found, by number of
    blocks. A pilot tells how much the hosts' trials spread.
    """
    path = experiment.find(name)
    question = experiment.load(path)
    if power:
        run = pilot or _run_pilot(
            settings.results, path, question, hosts, inventory, allow_foreign_vms=allow_foreign_vms
        )
        _show_power(settings.results, question, run, html, as_json=as_json)
        return
    if pilot or html:
        raise UsageError("--pilot and --html belong to --power: add that, or leave them out")
    where = options.find_inventory(inventory, hosts)
    document = planned(path, question, where, hosts, settings.results)
    changes = {
        host: [asdict(write) for write in writes(document, host)] for host in document["hosts"]
    }
    if as_json:
        options.print_json({**document, "writes": changes})
        return
    console = options.out()
    for host, trials in document["hosts"].items():
        console.print(_trials(host, trials))
        console.print(_writes(host, changes[host]))


def _run_pilot(
    results: Path,
    path: Path,
    question: experiment.Experiment,
    hosts: str,
    inventory: Path | None,
    *,
    allow_foreign_vms: bool,
) -> str:
    """Run a few blocks of the experiment and return the run's name."""
    from lab.design.forecast import PILOT_BLOCKS  # noqa: PLC0415  (scipy is slow to import)

    short = question.model_copy(update={"blocks": PILOT_BLOCKS, "boots": 1, "stop": None})
    where = options.find_inventory(inventory, hosts)
    document = planned(path, short, where, hosts, results, name=f"{path.stem}-pilot")
    folder = new(document, path, where, results, allow_foreign_vms=allow_foreign_vms)
    drive(folder, where, provision=True, allow_foreign_vms=allow_foreign_vms)
    if folder.finish() != "complete":
        run = folder.path.name
        raise LabError(f"the pilot broke off: `kvmlab run --resume {run}`, then give --pilot {run}")
    return folder.path.name


def _show_power(
    results: Path,
    question: experiment.Experiment,
    run: str,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    from lab.design import forecast  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415
    from lab.terminal import forecast as forecast_tables  # noqa: PLC0415

    found = forecast.forecasts(read_run(run, results), question, forecast.sizes(question))
    if not found:
        raise LabError(f"{run} has no contrast with an interval: no forecast can be made of it")
    if html:
        from lab.report.forecast import render  # noqa: PLC0415  (plotly is slow to import)

        write_atomic(html, render(run, found).encode())
    if as_json:
        options.print_json({"pilot": run, "forecasts": [each.record() for each in found]})
        return
    for each in forecast_tables.tables(run, found):
        options.out().print(each)


def _trials(host: str, trials: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{host}: {len(trials)} trials, in this order", title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column("boot.block", justify="right")
    table.add_column("setting", overflow="fold")
    for column in ("probes", "workload"):
        table.add_column(column)
    table.add_column("seed", justify="right")
    for trial in trials:
        table.add_row(
            str(trial["trial"]),
            f"{trial['boot_group']}.{'warm-up' if trial['warmup'] else trial['block']}",
            setting_label(trial["setting"]) + (" (A/A)" if trial["aa"] else ""),
            probes_label(trial),
            trial["workload"]["name"],
            str(trial["seed"]),
        )
    return table


def _writes(host: str, changes: list[dict[str, str]]) -> Table:
    table = Table(title=f"{host}: every write it may make", title_justify="left")
    for column in ("target", "value", "undone"):
        table.add_column(column, overflow="fold")
    for write in changes:
        table.add_row(write["target"], write["value"], write["undone"])
    return table
