"""`kvmlab doctor`: what the hosts can do, found by doing it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from lab.cli import options
from lab.errors import Exit
from lab.terminal.capabilities import blocked, capabilities, notes

COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}
STYLES = {**COLOURS, "yes": "green", "no": "red", "inert": "yellow"}


@click.command("doctor")
@options.hosts_option
@options.inventory_option
@options.json_option
def command(hosts: str, inventory: Path | None, *, as_json: bool) -> None:
    """Look what the hosts can do, side by side, and what to know of each knob before a sweep.

    One host alone is shown with every check. Nothing is installed. Ends with 77
    when no host can run anything.
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
        if len(answers) == 1:
            options.out().print(*(_checks(host, a["checks"]) for host, a in answers.items()))
        options.out().print(_matrix(answers))
        options.out().print()
        for note in notes(answers):
            heading = Text(f"{', '.join(note.hosts)}: {note.about}: ", style="bold")
            options.out().print(heading + Text(note.text))
    if all(blocked(answer) for answer in answers.values()):
        sys.exit(Exit.NOTHING_TO_RUN)


def _matrix(answers: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("capability", no_wrap=True)
    for host in answers:
        table.add_column(host, overflow="fold")
    for row in capabilities(answers):
        table.add_row(row.name, *(Text(cell, style=_style(cell)) for cell in row.cells))
    return table


def _style(cell: str) -> str:
    return STYLES.get(cell.partition(" ")[0], "")


def _checks(host: str, checks: list[dict[str, str]]) -> Table:
    table = Table(title=host, title_justify="left", box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for check in checks:
        found = check["detail"] + (f"; mend: {check['remedy']}" if check["remedy"] else "")
        status = Text(check["status"], style=COLOURS[check["status"]])
        table.add_row(check["check"], status, Text(found))
    return table
