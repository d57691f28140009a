"""`kvmlab fleet`: hosts of four architectures on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from rich.markup import escape
from rich.table import Table

from lab import emulation
from lab.cli.options import json_option, out, progress
from lab.emulation import Event, Failed, Finished, Outcome, Retried, Started, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

fleet_option = click.option(
    "--fleet",
    "fleet_file",
    type=click.Path(path_type=Path),
    envvar="KVMLAB_FLEET",
    show_default="the fleet that ships with the lab",
    help="fleet file: which hosts, architectures, kernels, clocks",
)


def complete_host(context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    try:
        hosts = emulation.load_fleet(context.params.get("fleet_file"))
    except Exception:  # noqa: BLE001 - completion stays silent, whatever the file is like
        return []
    return [name for name in (*hosts, "emu", "icount") if name.startswith(start)]


hosts_argument = click.argument(
    "names", nargs=-1, metavar="[HOST]...", shell_complete=complete_host
)
host_argument = click.argument("name", metavar="HOST", shell_complete=complete_host)


class Stages:
    """Shows the stages on stderr: a live line on a terminal, a line per stage elsewhere."""

    def __init__(self) -> None:
        self._console = progress()
        self._began = time.monotonic()
        self._now: dict[str, str] = {}
        self._status = self._console.status("")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, event: Event) -> None:
        """Take one event; they come from several threads, and rich locks its console."""
        match event:
            case Started(host, stage):
                self._now[host] = stage.value
            case Finished(host, stage, seconds):
                self._now.pop(host, None)
                self._print(f"{host}: {stage.value} {seconds:.1f} s")
            case Failed(host, error) | Retried(host, error):
                self._now.pop(host, None)
                self._print(f"{host}: {error}")
        running = ", ".join(f"{host}: {stage}" for host, stage in list(self._now.items()))
        self._status.update(escape(running))

    def _print(self, line: str) -> None:
        elapsed = time.monotonic() - self._began
        self._console.print(f"{elapsed:6.1f} s  {line}", markup=False, soft_wrap=True)


@click.group(help=__doc__)
def fleet() -> None:
    pass


@fleet.command()
@hosts_argument
@click.option("--fresh", is_flag=True, help="build again, from what the archive has now")
@fleet_option
def build(names: tuple[str, ...], fleet_file: Path | None, *, fresh: bool) -> None:
    """Build what hosts boot: root file system, kernel, image. Each recipe is built once."""
    hosts = emulation.choose(emulation.load_fleet(fleet_file), names)
    with Stages() as stages:
        _end(emulation.build(hosts, stages.show, fresh=fresh))


@fleet.command()
@hosts_argument
@fleet_option
def up(names: tuple[str, ...], fleet_file: Path | None) -> None:
    """Start hosts (all if none is named), and build first what is missing.

    The first start boots; later ones resume from a snapshot of it where that can be relied on.
    """
    hosts = emulation.choose(emulation.load_fleet(fleet_file), names)
    with Stages() as stages:
        outcomes = emulation.up(hosts, stages.show)
    progress().print(f"inventory: {emulation.inventory_path()}", markup=False, soft_wrap=True)
    _end(outcomes)


def _end(outcomes: Iterable[Outcome]) -> None:
    """Exit with the first failure's code; its sentence was said when it happened."""
    for outcome in outcomes:
        if outcome.error:
            sys.exit(outcome.error.exit_code)


@fleet.command()
@hosts_argument
@fleet_option
def down(names: tuple[str, ...], fleet_file: Path | None) -> None:
    """Stop hosts (all if none is named) and clear whatever a killed run left."""
    hosts, known = emulation.load_fleet(fleet_file), emulation.known()
    # A host that the fleet file does not name, or no longer, can be running all the same.
    strays = [name for name in names or known if name in known and name not in hosts]
    declared = tuple(name for name in names if name not in strays)
    chosen = emulation.choose(hosts, declared) if declared or not names else []
    for name in emulation.down([*(host.name for host in chosen), *strays]):
        progress().print(f"{name}: stopped", highlight=False)


@fleet.command()
@hosts_argument
@fleet_option
@json_option
def status(names: tuple[str, ...], fleet_file: Path | None, *, as_json: bool) -> None:
    """Show kernel, KVM flavour, clock class, memory and state of every host."""
    hosts = emulation.choose(emulation.load_fleet(fleet_file), names)
    seen = emulation.status(hosts, strays=not names)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in seen], indent=2))
    else:
        # A row is one line, for eyes and for grep, however narrow the terminal is.
        console = out()
        console.width = max(console.width, ROW_WIDTH)
        console.print(_table(seen))


ROW_WIDTH = 120
COLUMNS: dict[str, Callable[[Status], object]] = {
    "host": lambda s: s.name,
    "state": lambda s: s.state.value,
    "architecture": lambda s: s.architecture,
    "clock": lambda s: s.clock,
    "kernel": lambda s: s.kernel,
    "KVM": lambda s: s.flavour,
    "memory MiB": lambda s: s.memory_mib,
    "RSS MiB": lambda s: s.rss_mib,
    "pid": lambda s: s.pid,
    "port": lambda s: s.port,
}


def _table(seen: Iterable[Status]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, no_wrap=True)
    for entry in seen:
        values = (column(entry) for column in COLUMNS.values())
        table.add_row(*("" if value is None else escape(str(value)) for value in values))
    return table


@fleet.command(context_settings={"ignore_unknown_options": True})
@host_argument
@click.argument("words", nargs=-1, metavar="[COMMAND]...", type=click.UNPROCESSED)
def ssh(name: str, words: tuple[str, ...]) -> None:
    """Log in as root, or run COMMAND there and exit with its code."""
    sys.exit(subprocess.call(emulation.ssh_command(name, words)))


@fleet.command()
@host_argument
@click.option("--follow", "-f", is_flag=True, help="go on as the console goes on")
@click.option("--attach", "-a", is_flag=True, help="type at it; Ctrl-] leaves")
def console(name: str, *, follow: bool, attach: bool) -> None:
    """Print what the console of HOST said since it was started."""
    if attach:
        emulation.attach(name)
        return
    for chunk in emulation.console_log(name, follow=follow):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


command = fleet
