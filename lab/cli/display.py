"""Progress of hosts on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lab.cli.options import progress
from lab.fleet.progress import Event, HostProgress, HostStage

if TYPE_CHECKING:
    from lab.design.looks import Look

# In a log, one line for every tenth of a host's trials is enough.
LOG_STEPS = 10


class Stages:
    """Says on stderr what hosts do, a line a stage, when there is a person to read it."""

    def __init__(self) -> None:
        self._status = progress().status("asking the hosts")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def stop(self) -> None:
        """Make room for what is to be shown now."""
        self._status.stop()

    def show(self, event: Event) -> None:
        """Take one event of the fleet."""
        if isinstance(event, HostStage):
            self._status.update(escape(f"{event.host}: {event.stage}"))


class Display:
    """Shows what the fleet reports; use it as a context."""

    def __init__(self, title: str, hosts: Iterable[str]) -> None:
        self._console = progress()
        self._totals: dict[str, int] = {}
        self._logged: dict[str, int] = {}
        self._started = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.fields[host]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._console.print(title)
        self._tasks: dict[str, TaskID] = {
            host: self._bars.add_task("waiting", total=None, host=host) for host in hosts
        }

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def stage(self, totals: Mapping[str, int]) -> None:
        """Begin a stage, after which each host has so many trials."""
        for host, total in totals.items():
            self._totals[host], self._logged[host] = total, 0
            self._bars.update(self._tasks[host], total=total)

    def looked(self, host: str, look: Look) -> None:
        """Say what was found between two stages."""
        self._console.print(f"{host}: {look.text}", markup=False)

    def show(self, event: Event) -> None:
        """Take one event of the fleet."""
        match event:
            case HostStage(host, stage):
                self._bars.update(self._tasks[host], description=escape(stage))
                self._log(f"{host}: {stage}")
            case HostProgress(host, done, _total, current):
                self._bars.update(
                    self._tasks[host], completed=done, description=escape(current or "")
                )
                step = done * LOG_STEPS // self._totals[host]
                if step > self._logged[host]:
                    self._logged[host] = step
                    self._log(f"{host}: {done} of {self._totals[host]} trials")

    def _log(self, line: str) -> None:
        if self._bars.disable:
            self._console.print(f"{time.monotonic() - self._started:6.1f} s  {line}", markup=False)
