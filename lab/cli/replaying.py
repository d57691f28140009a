"""What the commands that replay have in common: their options, and what these mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import options

if TYPE_CHECKING:
    from lab.replay import Surface

IN_PROCESS = 50_000
"""Predictions that take less time here than processes take to start and to compile."""


@dataclass(frozen=True)
class Question:
    """What is replayed, and how; the fields are the options."""

    run: str
    grid: str
    setting: str | None
    algorithm: str | None
    arrivals: str | None
    costs_of: str | None
    executor: str | None


arrivals_option = click.option(
    "--arrivals",
    type=click.Choice(["closed", "open"]),
    show_default="closed for the lab's halt guest, else open",
    help="closed: a wake-up comes as long after its halt began; open: when it came",
)
executor_option = click.option(
    "--executor", metavar="URL", show_default="this machine", help="dask://host:port"
)
html_option = click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="draw it to a file"
)


def question(default_grid: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a Question, and it the Question."""
    fallback = {"default": default_grid, "show_default": True} if default_grid else {}
    grid_option = click.option(
        "--grid",
        metavar="GRID",
        required=not default_grid,
        help="'halt_poll_ns=0,50us,200us grow=2 grow_start=10us shrink=0,2'; knobs left out stay "
        "as recorded",
        **fallback,  # type: ignore[arg-type]
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @options.run_argument
        @grid_option
        @click.option(
            "--from",
            "setting",
            help="label of the setting to replay",
            metavar="SETTING",
            show_default="the plan's reference",
        )
        @click.option(
            "--algorithm",
            metavar="NAME",
            show_default="the host's",
            help="generic, generic-5.1, generic-4.19, vcore, none, cpuidle-haltpoll",
        )
        @arrivals_option
        @click.option(
            "--costs",
            "costs_of",
            metavar="RUN",
            shell_complete=options.complete_run,
            show_default="RUN itself",
            help="run of the same hosts to learn costs from",
        )
        @executor_option
        @wraps(command)
        def wrapped(**values: Any) -> None:  # noqa: ANN401  (click's, by name)
            asked = Question(**{field.name: values.pop(field.name) for field in fields(Question)})
            command(asked, **values)

        return wrapped

    return decorate


def is_closed(arrivals: str | None) -> bool | None:
    return None if arrivals is None else arrivals == "closed"


def answer(asked: Question, results: Path) -> list[Surface]:
    """Replay what was asked for."""
    from lab.replay import grid, surfaces  # noqa: PLC0415  (pandas, scipy and numba are slow)
    from lab.replay.algorithms import Knobs, algorithm  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415

    parsed = grid.parse(asked.grid)

    def settings(base: Knobs) -> Sequence[Knobs]:
        return grid.settings(parsed, base)

    run = read_run(asked.run, results)
    trials = sum(map(len, run.rows.values()))
    with opened(asked.executor, trials * len(settings(Knobs(0)))) as executor:
        return surfaces(
            run,
            settings,
            executor,
            setting=asked.setting,
            algorithm=algorithm(asked.algorithm) if asked.algorithm else None,
            closed=is_closed(asked.arrivals),
            costs_of=read_run(asked.costs_of, results) if asked.costs_of else None,
        )


@contextmanager
def opened(url: str | None, predictions: int) -> Iterator[Executor]:
    """Open the executor for so many predictions: a thread here while that is quicker."""
    if url is None and predictions <= IN_PROCESS:
        with ThreadPoolExecutor(1) as here:
            yield here
        return
    from lab.executor import open_executor  # noqa: PLC0415  (seldom wanted)

    with open_executor(url) as pool:
        yield pool
