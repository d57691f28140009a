"""`kvmlab run`: plan, provision, run on every host, store, compare, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lab.cli import options
from lab.design import experiment, plan
from lab.errors import Exit, LabError, NothingToRunError, UsageError
from lab.paths import ROOT
from lab.store.folder import RunFolder, run_name

DEFAULT_EXPERIMENT = "halt_poll"


@click.command("run")
@click.argument("name", metavar="[EXPERIMENT]", default=DEFAULT_EXPERIMENT)
@options.hosts_option
@options.inventory_option
@click.option("--resume", metavar="RUN", help="go on with a run that broke off")
@click.option("--no-provision", is_flag=True, help="the hosts have all they need: check nothing")
@options.foreign_option
@options.json_option
@click.pass_obj
def command(
    settings: options.Settings,
    name: str,
    hosts: str,
    inventory: Path | None,
    *,
    resume: str | None,
    no_provision: bool,
    allow_foreign_vms: bool,
    as_json: bool,
) -> None:
    """Run EXPERIMENT (a shipped name or a .toml file) on the hosts of the inventory."""
    if resume:
        folder = RunFolder(settings.results / resume)
        where = ROOT / folder.manifest["options"]["inventory"]
        allow_foreign_vms = folder.manifest["options"]["allow_foreign_vms"]
    else:
        path = experiment.find(name)
        where = options.find_inventory(inventory, hosts)
        document = planned(path, experiment.load(path), where, hosts, settings.results)
        folder = new(document, path, where, settings.results, allow_foreign_vms=allow_foreign_vms)
    drive(folder, where, provision=not no_provision, allow_foreign_vms=allow_foreign_vms)
    _conclude(folder, as_json=as_json)


def planned(
    path: Path,
    question: experiment.Experiment,
    where: Path,
    hosts: str,
    results: Path,
    name: str | None = None,
) -> dict[str, Any]:
    """Return the plan of a new run of `question`; UsageError when it cannot be run like that.

    The experiment is called `name`, else as its file is.
    """
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415  (Ansible is slow to import)

    _check_budget(path, question)
    selected = fleet_inventory.hosts(where, hosts)
    return plan.document(
        run_name(name or path.stem, results),
        name or path.stem,
        question,
        selected,
        fleet_inventory.tunings(where, selected),
        fleet_inventory.rebooted(where, selected),
    )


def new(
    document: dict[str, Any], path: Path, where: Path, results: Path, *, allow_foreign_vms: bool
) -> RunFolder:
    """Make the folder of a planned run; UsageError when it would end other people's VMs."""
    if allow_foreign_vms and any(document["reboot"].values()) and document["boots"] > 1:
        raise UsageError(
            "--allow-foreign-vms: reboots between groups of blocks would end those VMs: leave it "
            f"out, or set `boots = 1` in {path}"
        )
    return RunFolder.create(
        results / document["run"],
        document,
        path.read_bytes(),
        ["kvmlab", *sys.argv[1:]],
        {"inventory": _portable(where), "allow_foreign_vms": allow_foreign_vms},
    )


def _portable(inventory: Path) -> str:
    """Return the path from this clone's root for the lab's own inventories, else the whole path."""
    whole = inventory.resolve()
    return str(whole.relative_to(ROOT) if whole.is_relative_to(ROOT) else whole)


def _check_budget(path: Path, question: experiment.Experiment) -> None:
    if question.expected_s > question.time_budget_s:
        raise UsageError(
            f"{path}: time_budget_s: {question.time_budget_s:g} s cannot hold "
            f"{question.first_blocks} blocks (about {question.expected_s:.0f} s): raise it, or "
            "lower `blocks` or a workload's `count`"
        )


def drive(folder: RunFolder, inventory: Path, *, provision: bool, allow_foreign_vms: bool) -> None:
    """Conduct what is left of the run, and show it."""
    if not folder.unfinished():
        return
    from lab.cli.display import Display  # noqa: PLC0415
    from lab.design.conduct import conduct  # noqa: PLC0415  (Ansible and scipy are slow to import)

    with folder.held(), Display(folder.path.name, folder.unfinished()) as display:
        try:
            conduct(
                folder,
                inventory,
                provision=provision,
                allow_foreign_vms=allow_foreign_vms,
                on_stage=display.stage,
                on_look=display.looked,
                on_progress=display.show,
            )
        except KeyboardInterrupt:
            folder.finish()
            options.progress().print(f"go on with: kvmlab run --resume {folder.path.name}")
            raise


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
