"""`kvmlab run`: plan, provision, run on every host, store, compare, report."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from lab import experiment, plan
from lab.cli import options
from lab.errors import Exit, LabError, NothingToRunError, UsageError
from lab.labels import probes_label, setting_label
from lab.paths import ROOT
from lab.store.folder import RunFolder, run_name

DEFAULT_EXPERIMENT = "halt_poll"


@click.command("run")
@click.argument("name", metavar="[EXPERIMENT]", default=DEFAULT_EXPERIMENT)
@options.hosts_option
@options.inventory_option
@click.option(
    "--dry-run", is_flag=True, help="print the plan and every write to the hosts, do none"
)
@click.option("--resume", metavar="RUN", help="go on with a run that broke off")
@click.option("--no-provision", is_flag=True, help="the hosts have all they need: check nothing")
@click.option("--allow-foreign-vms", is_flag=True, help="run beside other VMs")
@options.json_option
@click.pass_obj
def command(
    settings: options.Settings,
    name: str,
    hosts: str,
    inventory: Path | None,
    *,
    dry_run: bool,
    resume: str | None,
    no_provision: bool,
    allow_foreign_vms: bool,
    as_json: bool,
) -> None:
    """Run EXPERIMENT (a shipped name or a .toml file) on the hosts of the inventory."""
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415  (Ansible is slow to import)

    if resume:
        folder = RunFolder(settings.results / resume)
        where = ROOT / folder.manifest["options"]["inventory"]
        allow_foreign_vms = folder.manifest["options"]["allow_foreign_vms"]
    else:
        path = experiment.find(name)
        question = experiment.load(path)
        _check_budget(path, question)
        where = options.find_inventory(inventory, hosts)
        selected = fleet_inventory.hosts(where, hosts)
        run = run_name(path.stem, settings.results)
        tunings = fleet_inventory.tunings(where, selected)
        document = plan.document(run, path.stem, question, selected, tunings)
        if dry_run:
            _print_plan(document, as_json=as_json)
            return
        folder = RunFolder.create(
            settings.results / run,
            document,
            path.read_bytes(),
            ["kvmlab", *sys.argv[1:]],
            {"inventory": _portable(where), "allow_foreign_vms": allow_foreign_vms},
        )
    with folder.held():
        _drive(folder, where, provision=not no_provision, allow_foreign_vms=allow_foreign_vms)
    _conclude(folder, as_json=as_json)


def _portable(inventory: Path) -> str:
    """Return the path from this clone's root for the lab's own inventories, else the whole path."""
    whole = inventory.resolve()
    return str(whole.relative_to(ROOT) if whole.is_relative_to(ROOT) else whole)


def _check_budget(path: Path, question: experiment.Experiment) -> None:
    if question.expected_s > question.time_budget_s:
        raise UsageError(
            f"{path}: time_budget_s: {question.time_budget_s:g} s cannot hold {question.blocks} "
            f"blocks (about {question.expected_s:.0f} s): raise it, or lower `blocks` or a "
            "workload's `count`"
        )


def _print_plan(document: dict[str, Any], *, as_json: bool) -> None:
    writes = {
        host: [asdict(write) for write in plan.writes(document, host)] for host in document["hosts"]
    }
    if as_json:
        options.print_json({**document, "writes": writes})
        return
    console = options.out()
    for host, trials in document["hosts"].items():
        table = Table(title=f"{host}: {len(trials)} trials, in this order", title_justify="left")
        table.add_column("trial", justify="right")
        table.add_column("block", justify="right")
        table.add_column("setting", overflow="fold")
        table.add_column("probes")
        table.add_column("workload")
        table.add_column("seed", justify="right")
        for trial in trials:
            table.add_row(
                str(trial["trial"]),
                "warm-up" if trial["warmup"] else str(trial["block"]),
                setting_label(trial["setting"]),
                probes_label(trial),
                trial["workload"]["name"],
                str(trial["seed"]),
            )
        console.print(table)
        changes = Table(title=f"{host}: every write it may make", title_justify="left")
        for column in ("target", "value", "undone"):
            changes.add_column(column, overflow="fold")
        for write in writes[host]:
            changes.add_row(write["target"], write["value"], write["undone"])
        console.print(changes)


def _drive(folder: RunFolder, inventory: Path, *, provision: bool, allow_foreign_vms: bool) -> None:
    """Provision and run the unfinished hosts; every host's end goes into the manifest."""
    from lab.cli.display import Display  # noqa: PLC0415
    from lab.fleet import drive  # noqa: PLC0415

    hosts = folder.unfinished()
    plans = {
        host: plan.for_host(folder.plan, host, allow_foreign_vms=allow_foreign_vms)
        for host in hosts
    }
    if not hosts:
        return
    interrupted = None
    with Display(folder.path.name, {host: len(plans[host]["trials"]) for host in hosts}) as display:
        try:
            outcomes = drive.execute(
                plans, folder.path, inventory, provision=provision, on_progress=display.show
            )
        except drive.Interrupted as interruption:
            interrupted = interruption
            outcomes = interruption.outcomes
    for host, outcome in outcomes.items():
        folder.host(host, outcome.state, outcome.error, outcome.facts)
    if interrupted:
        folder.finish()
        options.progress().print(f"go on with: kvmlab run --resume {folder.path.name}")
        raise interrupted


def _conclude(folder: RunFolder, *, as_json: bool) -> None:
    """Compare, report, and end with the exit code the run deserves."""
    state = folder.finish()
    remarks = options.progress()
    run = folder.path.name
    for host, entry in folder.manifest["hosts"].items():
        if entry["error"]:
            remarks.print(f"[bold]{host}[/]: {entry['state']}: {entry['error']}")
    entries = folder.manifest["hosts"].values()
    if all(entry["state"] == "unsupported" for entry in entries):
        raise NothingToRunError(f"nothing could run: {next(iter(entries))['error']}")
    if not any(folder.path.glob("*.jsonl.gz")):
        raise LabError(f"{run} has no results; when the cause is mended: kvmlab run --resume {run}")
    from lab import report  # noqa: PLC0415  (plotly is slow to import)
    from lab.cli import compare  # noqa: PLC0415

    compare.show([run], folder.path.parent, "json" if as_json else None)
    remarks.print(f"report: {report.write(run, folder.path.parent)}", soft_wrap=True)
    if state != "complete":
        remarks.print(f"incomplete: kvmlab run --resume {run}")
        sys.exit(Exit.FAILURE)
