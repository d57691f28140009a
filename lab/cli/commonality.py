"""`kvmlab commonality`: how much of KVM is the same on all architectures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from lab.cli import options
from lab.commonality import Commonality, commonality
from lab.errors import UsageError
from lab.store.folder import write_atomic


@click.command("commonality")
@click.argument("survey", required=False, type=click.Path(exists=True, path_type=Path))
@options.hosts_option
@options.inventory_option
@options.json_option
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="draw it to a file")
def command(
    survey: Path | None, hosts: str, inventory: Path | None, *, as_json: bool, html: Path | None
) -> None:
    """Count what is on all architectures, on some, or on one.

    Asks the hosts, or reads SURVEY: what `kvmlab doctor --json` printed, also compressed (.gz).
    """
    matrix = commonality(_read(survey) if survey else _ask(hosts, inventory))
    if html:
        from lab.report.commonality import render  # noqa: PLC0415  (plotly is slow to import)

        write_atomic(html, render(matrix).encode())
    if as_json:
        options.print_json(matrix.record())
    else:
        options.out().print(_counts(matrix))
        options.out().print()
        options.out().print(_sets(matrix))
        for kind, untold in matrix.untold.items():
            options.out().print(f"{', '.join(untold)} could not tell about {kind}s")


def _ask(hosts: str, inventory: Path | None) -> dict[str, Any]:
    from lab.cli.display import Stages  # noqa: PLC0415
    from lab.fleet import drive  # noqa: PLC0415  (Ansible is slow)
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415

    where = options.find_inventory(inventory, hosts)
    with Stages() as stages:
        return drive.doctor(fleet_inventory.hosts(where, hosts), where, on_progress=stages.show)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        answers: dict[str, Any] = json.loads(
            gzip.decompress(content) if path.suffix == ".gz" else content
        )
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no survey ({error}): make one with `kvmlab doctor --json`"
        ) from error
    return answers


def _counts(matrix: Commonality) -> Table:
    table = Table(title=", ".join(matrix.architectures), title_justify="left", box=None)
    table.add_column("kind")
    for heading in ("names", "on all", "on some", "on one", "common"):
        table.add_column(heading, justify="right")
    for each in matrix.counts:
        numbers = (each.total, each.everywhere, each.some, each.one)
        table.add_row(each.kind, *map(str, numbers), f"{100 * each.common_share:.0f} %")
    return table


def _sets(matrix: Commonality) -> Table:
    table = Table(box=None)
    table.add_column("on exactly")
    table.add_column("names", justify="right")
    for who, how_many in matrix.sets:
        table.add_row(", ".join(who), str(sum(how_many.values())))
    return table
