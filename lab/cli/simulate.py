"""`kvmlab simulate RUN --grid …`: what other settings of halt polling would have done."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli import options
from lab.cli.replaying import Question, answer, html_option, question


@click.command("simulate")
@question(default_grid=None)
@click.option("--all", "whole", is_flag=True, help="every setting, not only the Pareto front")
@options.json_option
@html_option
@click.pass_obj
def command(
    settings: options.Settings, asked: Question, *, whole: bool, as_json: bool, html: Path | None
) -> None:
    """Replay RUN's recorded halts under every setting of a grid.

    Nothing is run: the kernel's algorithm decides about each recorded halt anew. For each host and
    workload the settings that no other beats in both latency and CPU are shown.
    """
    from lab.replay import tables  # noqa: PLC0415  (scipy and numba are slow to import)

    found = answer(asked, settings.results)
    if html:
        from lab.report import replay  # noqa: PLC0415  (plotly is slow to import)
        from lab.store.folder import write_atomic  # noqa: PLC0415

        write_atomic(html, replay.render(asked.run, found).encode())
    if as_json:
        options.print_json([each.record() for each in found])
        return
    for each in found:
        options.out().print(tables.surface_table(each, whole=whole, width=options.out().width))
