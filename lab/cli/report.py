"""`kvmlab report RUN`: the run as one HTML file."""

from __future__ import annotations

import click

from lab.cli import options


@click.command("report")
@options.run_argument
@click.pass_obj
def command(settings: options.Settings, run: str) -> None:
    """Write RUN's self-contained HTML report and print its path."""
    from lab import report  # noqa: PLC0415  (plotly is slow to import)

    click.echo(report.write(run, settings.results))
