"""`kvmlab breaks`: where series begin anew, seen by the lab or said by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table

from lab.cli import options
from lab.labels import NONE

if TYPE_CHECKING:
    from lab.history.store import Store


@click.group("breaks")
def command() -> None:
    """Show, add and remove the places where series of nights begin anew."""


@command.command("list")
@options.store_option
@options.json_option
def show(url: str, *, as_json: bool) -> None:
    """List all breaks, oldest first, and the changes of hosts that break nothing."""
    from lab.history.breaks import breaks  # noqa: PLC0415

    found = breaks(_store(url))
    if as_json:
        options.print_json([each.record() for each in found])
        return
    table = Table()
    for column in ("id", "since", "concerns", "what", "begins anew", "by"):
        table.add_column(column, overflow="fold")
    for each in found:
        concerned = (each.host, each.experiment, each.workload, each.metric)
        table.add_row(
            each.id,
            each.night or each.since,
            ", ".join(filter(None, concerned)) or "everything",
            each.text,
            "yes" if each.restarts else NONE,
            each.by,
        )
    options.out().print(table)


@command.command("add")
@options.store_option
@click.option("--since", required=True, metavar="NIGHT", help="first night that differs")
@options.reason_option
@click.option("--host", help="only series of this host")
@click.option("--experiment", help="only series of this experiment")
@click.option("--workload", help="only series of this workload")
@click.option("--metric", help="only series of this metric")
def add(
    url: str,
    since: str,
    reason: str,
    host: str | None,
    experiment: str | None,
    workload: str | None,
    metric: str | None,
) -> None:
    """Say that from a night on values are not comparable with those before."""
    from lab.history import breaks  # noqa: PLC0415

    made = breaks.add(
        _store(url),
        since,
        reason,
        host=host,
        experiment=experiment,
        workload=workload,
        metric=metric,
    )
    options.out().print(made.id)


@command.command("remove")
@options.store_option
@click.argument("identity", metavar="ID")
@options.reason_option
def remove(url: str, identity: str, reason: str) -> None:
    """Take a break back, the lab's own as well: series are compared across it again."""
    from lab.history import breaks  # noqa: PLC0415

    options.progress().print(f"removed: {breaks.remove(_store(url), identity, reason).text}")


def _store(url: str) -> Store:
    from lab.history.store import Store  # noqa: PLC0415

    return Store.find(url)
