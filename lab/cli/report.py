"""`kvmlab report RUN`: the run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli import options
from lab.store.folder import RunFolder


@click.command("report")
@options.run_argument
@click.pass_obj
def command(settings: options.Settings, run: str) -> None:
    """Write RUN's self-contained HTML report and print its path."""
    click.echo(write(RunFolder(settings.results / run).path))


def write(run: Path) -> Path:
    """Write the report of the run folder `run`; return its path."""
    from lab import report  # noqa: PLC0415  (plotly is slow to import)

    return report.write(run)
