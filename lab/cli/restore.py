"""`kvmlab restore`: leave the hosts as they were found, whatever died there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lab.cli import options
from lab.errors import Exit


@click.command("restore")
@options.hosts_option
@options.inventory_option
@click.option("--purge", is_flag=True, help="remove the lab's folder from the hosts as well")
@options.json_option
def command(hosts: str, inventory: Path | None, *, purge: bool, as_json: bool) -> None:
    """Stop agents, write knobs back; with --purge remove everything the lab put there."""
    from lab.cli.display import Stages  # noqa: PLC0415
    from lab.fleet import drive  # noqa: PLC0415  (Ansible is slow)
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415

    where = options.find_inventory(inventory, hosts)
    with Stages() as stages:
        restored = drive.restore(
            fleet_inventory.hosts(where, hosts),
            where,
            purge=purge,
            on_progress=stages.show,
        )
    if as_json:
        options.print_json({host: vars(answer) for host, answer in restored.items()})
    else:
        for host, answer in restored.items():
            knobs = ", ".join(f"{entry['knob']} = {entry['value']}" for entry in answer.knobs)
            click.echo(f"{host}: {answer.error or knobs or 'nothing to undo'}")
    if any(answer.error for answer in restored.values()):
        sys.exit(Exit.FAILURE)
