"""`kvmlab list`: the runs in the store, newest first."""

from __future__ import annotations

import click

from lab.cli import options


@click.command("list")
@options.json_option
@click.pass_obj
def command(settings: options.Settings, *, as_json: bool) -> None:
    """List the runs in the store, newest first."""
    from lab.store.listing import summaries  # noqa: PLC0415
    from lab.terminal import run as tables  # noqa: PLC0415

    runs = summaries(settings.results)
    if as_json:
        options.print_json(tables.run_records(runs))
    else:
        options.out().print(tables.runs_table(runs))
