"""`kvmlab check RUN`: how far to trust a run, and what mends it."""

from __future__ import annotations

import sys

import click

from lab.cli import options
from lab.errors import Exit


@click.command("check")
@options.run_argument
@options.json_option
@click.pass_obj
def command(settings: options.Settings, run: str, *, as_json: bool) -> None:
    """Grade each host's part of RUN: fine, doubt, or do not trust; with reasons and remedies.

    Ends with 4 when some host is not to be trusted, else with 0.
    """
    from lab import doubts  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415
    from lab.terminal import run as tables  # noqa: PLC0415

    whole = read_run(run, settings.results)
    found = doubts.check(whole)
    if as_json:
        options.print_json(tables.check_record(whole, found))
    else:
        options.out().print(tables.check(whole, found))
    if doubts.worst([each.grade for each in found]) is doubts.Grade.DISTRUST:
        sys.exit(Exit.INCONCLUSIVE)
