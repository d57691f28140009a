"""`kvmlab show RUN`: plan, facts and errors of a run."""

from __future__ import annotations

import click

from lab.cli import options


@click.command("show")
@options.run_argument
@options.json_option
@click.pass_obj
def command(settings: options.Settings, run: str, *, as_json: bool) -> None:
    """Show what RUN asked, on which hosts, with which facts and errors."""
    from lab import tables  # noqa: PLC0415  (pandas is slow to import)

    record = tables.show_record(settings.results / run)
    if as_json:
        options.print_json(record)
    else:
        options.out().print(tables.show_table(record))
