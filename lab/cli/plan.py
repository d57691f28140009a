"""`kvmlab plan`: every trial and every write of a run, or what it could show, before it runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from lab import experiment
from lab.cli import options
from lab.cli.run import DEFAULT_EXPERIMENT, planned
from lab.labels import probes_label, setting_label
from lab.writes import writes


@click.command("plan")
@click.argument("name", metavar="[EXPERIMENT]", default=DEFAULT_EXPERIMENT)
@options.hosts_option
@options.inventory_option
@options.json_option
@click.pass_obj
def command(
    settings: options.Settings, name: str, hosts: str, inventory: Path | None, *, as_json: bool
) -> None:
    """Print what `kvmlab run EXPERIMENT` would do on each host, and do nothing."""
    path = experiment.find(name)
    where = options.find_inventory(inventory, hosts)
    document = planned(path, experiment.load(path), where, hosts, settings.results)
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
