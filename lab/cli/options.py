"""Options and consoles that several commands share."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from lab.paths import PLAYBOOKS, RESULTS


@dataclass(frozen=True)
class Settings:
    """What the options before the command say."""

    results: Path

    @classmethod
    def of(cls, results: str) -> Settings:
        return cls(Path(results).resolve())


def complete_run(context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    # While completing, options are parsed and no command has run.
    results = Path(context.find_root().params.get("results") or RESULTS)
    return sorted(
        (path.parent.name for path in results.glob(f"{start}*/manifest.json")), reverse=True
    )


results_option = click.option(
    "--results",
    type=click.Path(file_okay=False),
    default=str(RESULTS),
    envvar="KVMLAB_RESULTS",
    show_default="results/ of this clone",
    help="folder of the runs",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table")
hosts_option = click.option(
    "--hosts",
    default="all",
    show_default=True,
    help="hosts or groups of the inventory: a,b or all,!a",
)
inventory_option = click.option(
    "--inventory",
    type=click.Path(exists=True, path_type=Path),
    envvar="KVMLAB_INVENTORY",
    show_default="this machine, or the emulated fleet when --hosts names some of it",
    help="Ansible inventory of the hosts",
)
store_option = click.option(
    "--store",
    "url",
    required=True,
    envvar="KVMLAB_STORE",
    show_envvar=True,
    help="the store of nights: a folder or any URL that fsspec opens",
)
reason_option = click.option("--reason", required=True, help="why, for those who come later")
foreign_option = click.option("--allow-foreign-vms", is_flag=True, help="run beside other VMs")
run_argument = click.argument("run", shell_complete=complete_run)


def find_inventory(given: Path | None, hosts: str) -> Path:
    """Return the inventory to use: the given one, else this machine's or the emulated fleet's."""
    from lab.emulation import inventory_path  # noqa: PLC0415  (wanted here only)

    local = PLAYBOOKS / "inventory" / "local.yml"
    if given or hosts in {"all", "local"}:
        return given or local
    return inventory_path() if inventory_path().is_file() else local


def out() -> Console:
    """Return the console for data."""
    return Console(highlight=False)


def progress() -> Console:
    """Return the console for progress and remarks."""
    return Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:  # noqa: ANN401
    json.dump(document, sys.stdout, indent=1, default=str)
    sys.stdout.write("\n")
