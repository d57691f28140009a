"""`kvmlab show RUN`: plan, facts and errors of a run."""

from __future__ import annotations

import click

from lab.cli import options


@click.command("show")
@options.run_argument
@options.json_option
@click.pass_obj
def command(settings: options.Settings, run: str, *, as_json: bool) -> None:
    """Show what RUN planned, on which hosts, with which facts, errors and doubts."""
    from lab.store.read import read_run  # noqa: PLC0415
    from lab.terminal import run as tables  # noqa: PLC0415

    whole = read_run(run, settings.results)
    if as_json:
        options.print_json(tables.show_record(whole))
    else:
        options.out().print(tables.show(whole))
