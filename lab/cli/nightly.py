"""`kvmlab nightly CONFIG`: run, store, compare with history, alert, report; one exit code."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from lab.cli import options


@click.command("nightly")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--night",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    show_default="today, UTC",
    help="the night it is to be",
)
@options.json_option
@click.pass_obj
def command(
    settings: options.Settings, config: Path, night: datetime | None, *, as_json: bool
) -> None:
    """Go through the night that CONFIG describes, or on with one that broke off.

    It leaves a verdict, and the store as pages.

    Exit codes: 0 quiet, 1 a regression stands, 3 the lab or a host failed, 4 inconclusive, 77
    nothing could run.
    """
    from lab.cli.display import Display  # noqa: PLC0415
    from lab.nightly import config as configs  # noqa: PLC0415  (Ansible, numba: slow to import)
    from lab.nightly import nights  # noqa: PLC0415
    from lab.report.site import INDEX  # noqa: PLC0415

    tonight: date = (night or datetime.now(UTC)).date()
    described = configs.load(config)
    verdict = nights.run(described, settings.results, tonight, Display)
    options.progress().print(f"pages: {described.site / INDEX}", markup=False, soft_wrap=True)
    if as_json:
        options.print_json(verdict.record())
    else:
        options.out().print(verdict.sentence, markup=False, soft_wrap=True)
    sys.exit(verdict.exit)
