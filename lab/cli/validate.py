"""`kvmlab validate RUN`: the replay's predictions against what RUN measured."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from lab.cli import options
from lab.cli.replaying import html_option
from lab.errors import Exit


@click.command("validate")
@options.run_argument
@options.json_option
@html_option
@click.pass_obj
def command(settings: options.Settings, run: str, *, as_json: bool, html: Path | None) -> None:
    """Predict every setting of RUN from every other one, and compare with what was measured.

    The costs of waking up are learnt without the setting that is predicted. Ends with 1 where a
    replayed window differs from the one that KVM traced.
    """
    from lab.replay import tables  # noqa: PLC0415  (scipy and numba are slow to import)
    from lab.replay.validate import validate  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415

    found = validate(read_run(run, settings.results))
    if html:
        from lab.report import validation  # noqa: PLC0415  (plotly is slow to import)
        from lab.store.folder import write_atomic  # noqa: PLC0415

        write_atomic(html, validation.render(run, found).encode())
    if as_json:
        options.print_json(
            {
                "checks": [each.record() for each in found.checks],
                "trajectories": [asdict(each) for each in found.trajectories],
                "unpredicted": found.unpredicted,
            }
        )
    else:
        options.out().print(tables.check_table(found))
    if not all(each.same for each in found.trajectories):
        sys.exit(Exit.REGRESSION)
