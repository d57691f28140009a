"""`kvmlab observe`: watch VMs that run already, change nothing, leave nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from rich.console import Group
from rich.live import Live

from lab.cli import options
from lab.errors import Exit, FleetError, NothingToRunError

Document = dict[str, Any]


@click.command("observe")
@click.argument("host", default="all")
@click.option("--pid", "pids", type=int, multiple=True, help="this process's VM, not every VM")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.2),
    default=1.0,
    show_default=True,
    help="seconds between two looks",
)
@click.option("--count", type=click.IntRange(min=1), help="end after so many intervals")
@click.option("--wait", is_flag=True, help="wait for a VM where none runs")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="a new file that gets every interval as a line of JSON",
)
@options.inventory_option
@click.option("--json", "as_json", is_flag=True, help="a line of JSON for each interval")
def command(
    host: str,
    pids: tuple[int, ...],
    interval: float,
    count: int | None,
    *,
    wait: bool,
    record: Path | None,
    inventory: Path | None,
    as_json: bool,
) -> None:
    """Show where the time of running vCPUs goes, on HOST or several (a,b), until Ctrl-C.

    Nothing is changed there and nothing stays, whatever ends it.
    """
    from lab.cli.display import Stages  # noqa: PLC0415
    from lab.fleet import drive  # noqa: PLC0415  (Ansible is slow)
    from lab.fleet import inventory as fleet_inventory  # noqa: PLC0415
    from lab.fleet.progress import Event, HostObserved  # noqa: PLC0415
    from lab.record import Record  # noqa: PLC0415

    where = options.find_inventory(inventory, host)
    hosts = fleet_inventory.hosts(where, host)
    words = ["--interval", str(interval), *(w for pid in pids for w in ("--pid", str(pid)))]
    words += ["--count", str(count)] if count else []
    words += ["--wait-for-vm"] if wait else []
    with Record(record) as file, Stages() as stages, Lines() if as_json else Tables() as view:

        def show(event: Event) -> None:
            if not isinstance(event, HostObserved):
                stages.show(event)
                return
            stages.stop()
            for one in event.intervals:
                document = {"host": event.host, **one}
                file.write(document)
                view.show(document)

        ends = drive.observe(hosts, where, options=words, on_progress=show)
    _conclude(ends)


def _conclude(ends: dict[str, Any]) -> None:
    troubles = {host: end for host, end in ends.items() if end.error}
    if len(troubles) == len(ends) and all(e.state == "unsupported" for e in troubles.values()):
        raise NothingToRunError("; ".join(_sentence(host, end) for host, end in troubles.items()))
    if len(ends) == 1 and troubles:
        raise FleetError(next(iter(troubles.values())).error)
    for host, end in troubles.items():
        options.progress().print(_sentence(host, end), markup=False)
    if troubles:
        sys.exit(Exit.FAILURE)


def _sentence(host: str, end: Any) -> str:  # noqa: ANN401  (drive is imported late)
    return f"{host}: {end.error}"


class Lines:
    """One line of JSON on stdout for each interval."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, document: Document) -> None:
        print(json.dumps(document, separators=(",", ":")), flush=True)  # noqa: T201


class Tables:
    """The last interval of each host: redrawn on a terminal, one after the other elsewhere."""

    def __init__(self) -> None:
        self._console = options.out()
        self._last: dict[str, Document] = {}
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="ellipsis")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, document: Document) -> None:
        from lab.terminal import observation  # noqa: PLC0415

        if not self._console.is_terminal:
            self._console.print(observation.view(document))
            return
        self._live.start()
        self._last[document["host"]] = document
        self._live.update(Group(*map(observation.view, self._last.values())), refresh=True)
