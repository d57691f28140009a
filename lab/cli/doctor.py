"""`kvmlab doctor`: what the hosts can do, found by doing it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from lab.cli import options
from lab.errors import Exit

COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command("doctor")
@options.hosts_option
@options.inventory_option
@options.json_option
def command(hosts: str, inventory: Path | None, *, as_json: bool) -> None:
    """Look what the hosts can do, and say what mends what they cannot.

    Nothing is installed. Ends with 77 when no host can run anything.
    """
    from lab.cli.display import Stages  # noqa: PLC0415
    from lab.fleet import drive  # noqa: PLC0415  (Ansible is slow)
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415

    where = options.find_inventory(inventory, hosts)
    with Stages() as stages:
        answers = drive.doctor(fleet_inventory.hosts(where, hosts), where, on_progress=stages.show)
    if as_json:
        options.print_json(answers)
    else:
        for host, answer in answers.items():
            options.out().print(_table(host, answer["checks"]))
    if all(_blocked(answer["checks"]) for answer in answers.values()):
        sys.exit(Exit.NOTHING_TO_RUN)


def _blocked(checks: list[dict[str, str]]) -> bool:
    return any(check["status"] == "missing" for check in checks)


def _table(host: str, checks: list[dict[str, str]]) -> Table:
    table = Table(title=host, title_justify="left", box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for check in checks:
        found = check["detail"] + (f"; mend: {check['remedy']}" if check["remedy"] else "")
        status = Text(check["status"], style=COLOURS[check["status"]])
        table.add_row(check["check"], status, Text(found))
    return table
