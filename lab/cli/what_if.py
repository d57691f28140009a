"""`kvmlab what-if shrink=0 shrink=2`: what a change of defaults does to all that was recorded."""

from __future__ import annotations

import click

from lab.cli import options
from lab.cli.replaying import arrivals_option, executor_option, is_closed, opened


@click.command("what-if")
@click.argument("before")
@click.argument("after")
@click.option(
    "--run",
    "names",
    multiple=True,
    shell_complete=options.complete_run,
    help="only this run; may be repeated",
    show_default="all of the store",
)
@arrivals_option
@executor_option
@options.json_option
@click.pass_obj
def command(
    settings: options.Settings,
    before: str,
    after: str,
    *,
    names: tuple[str, ...],
    arrivals: str | None,
    executor: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Replay all runs of the store under two settings: BEFORE and AFTER, as 'shrink=0' 'shrink=2'.

    Each host keeps its own ceiling and all that is not named. This is Linux 6.11's change of
    default, audited: kvmlab what-if shrink=0 shrink=2
    """
    from lab.replay import tables, whatif  # noqa: PLC0415  (scipy and numba are slow to import)
    from lab.store.read import read_run, runs  # noqa: PLC0415

    chosen = [read_run(each, settings.results) for each in names or runs(settings.results)]
    sides = whatif.change(before), whatif.change(after)
    trials = 2 * sum(len(rows) for run in chosen for rows in run.rows.values())
    with opened(executor, trials) as pool:
        effects, left_out = whatif.what_if(chosen, sides, pool, closed=is_closed(arrivals))
    if as_json:
        options.print_json([each.record() for each in effects])
    else:
        options.out().print(tables.effect_table(effects, options.out().width))
    for sentence in left_out:
        options.progress().print(sentence, soft_wrap=True)
