"""`kvmlab tune RUN --budget-cpu 2%`: which setting of halt polling to take."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from lab.cli import options
from lab.cli.replaying import Question, answer, html_option, question
from lab.errors import Exit

GRID = (
    "halt_poll_ns=0,10us,20us,50us,100us,200us,500us,1ms grow=2,4 grow_start=10us,50us shrink=0,2"
)


@click.command("tune")
@question(default_grid=GRID)
@click.option("--budget-cpu", metavar="SHARE", help="most CPU that polling may take: 2%")
@click.option("--target-p99", metavar="TIME", help="p99 wake-up latency to stay below: 50us")
@options.json_option
@html_option
@click.pass_obj
def command(
    settings: options.Settings,
    asked: Question,
    *,
    budget_cpu: str | None,
    target_p99: str | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Recommend a setting for each workload of RUN, for each host, and for hosts alike.

    With --budget-cpu the one with the least median latency whose CPU time above never polling stays
    within it; with --target-p99 the cheapest below it. Ends with 4 where no setting will do.
    """
    from lab.replay import tables, tuning  # noqa: PLC0415  (scipy and numba are slow to import)

    goal = tuning.goal(budget_cpu, target_p99)
    found = answer(asked, settings.results)
    choices = tuning.choices(found, goal)
    if html:
        from lab.report import replay  # noqa: PLC0415  (plotly is slow to import)
        from lab.store.folder import write_atomic  # noqa: PLC0415

        write_atomic(html, replay.render(asked.run, found, choices).encode())
    if as_json:
        options.print_json(
            [
                {"for": each.scope, "knobs": each.knobs and asdict(each.knobs), "sure": each.sure,
                 "predicted": [asdict(point) for point in each.points]}
                for each in choices
            ]
        )  # fmt: skip
    else:
        options.out().print(tables.choice_table(choices, goal))
    if any(each.knobs is None for each in choices):
        sys.exit(Exit.INCONCLUSIVE)
