"""`kvmlab alerts`: what stands, who looks after it, and what shows it again."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli import options

if TYPE_CHECKING:
    from lab.alerts import Alert, Book
    from lab.history.store import Store

ROW_WIDTH = 150
alert_argument = click.argument("name", metavar="ALERT")
by_option = click.option(
    "--by", default=getpass.getuser, show_default="the user", help="who does this"
)


@click.group("alerts")
def command() -> None:
    """Show alerts, acknowledge and resolve them, and see again what they are about."""


@command.command("list")
@options.store_option
@click.option("--all", "everything", is_flag=True, help="resolved ones, too")
@options.json_option
def listed(url: str, *, everything: bool, as_json: bool) -> None:
    """List the alerts that stand, oldest first."""
    from lab.alerts.sinks.document import record  # noqa: PLC0415
    from lab.alerts.sinks.terminal import table  # noqa: PLC0415

    book = _book(url)
    alerts = list(book.alerts.values()) if everything else book.active
    if as_json:
        options.print_json([record(alert) for alert in alerts])
    elif alerts:
        # A row is one line, for eyes and for grep, however narrow the terminal is.
        console = options.out()
        console.width = max(console.width, ROW_WIDTH)
        console.print(table(alerts))
    else:
        options.progress().print("no alerts")


@command.command("show")
@options.store_option
@alert_argument
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="draw it to a file")
@options.json_option
def show(url: str, name: str, *, html: Path | None, as_json: bool) -> None:
    """Show one alert: what changed, how much, since when, and all that happened to it."""
    from lab.alerts.sinks.document import record  # noqa: PLC0415
    from lab.alerts.sinks.terminal import details  # noqa: PLC0415

    alert = _book(url)[name]
    if html:
        _draw(alert, html)
    if as_json:
        options.print_json(record(alert))
    else:
        options.out().print(details(alert), soft_wrap=True)


@command.command("ack")
@options.store_option
@alert_argument
@options.reason_option
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=14, show_default=True)
@by_option
def ack(url: str, name: str, *, reason: str, days: float, by: str) -> None:
    """Look after ALERT: nobody is told of it again for a while, unless it gets worse."""
    from lab.alerts import acknowledge  # noqa: PLC0415

    until = datetime.now(UTC) + timedelta(days=days)
    acknowledge(_store(url), name, by=by, reason=reason, until=until)
    options.progress().print(f"{name} is acknowledged until {until:%Y-%m-%d %H:%M} UTC")


@command.command("resolve")
@options.store_option
@alert_argument
@options.reason_option
@by_option
def resolve(url: str, name: str, *, reason: str, by: str) -> None:
    """Close ALERT: its level is the new normal, and only a later change is news."""
    from lab import alerts  # noqa: PLC0415

    alerts.resolve(_store(url), name, by=by, reason=reason)
    options.progress().print(f"{name} is resolved")


@command.command("send")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def send(config: Path) -> None:
    """Bring all alerts to the sinks of CONFIG, a night's configuration, again.

    Alertmanager forgets its alerts when it is restarted, and what it refused is tried again. Who
    was told something is not told it twice.
    """
    from lab import alerts  # noqa: PLC0415
    from lab.errors import Exit  # noqa: PLC0415
    from lab.nightly import config as configs  # noqa: PLC0415

    night = configs.load(config)
    sinks = night.file.alerts.make(night.folder)
    outcomes = alerts.deliver(_store(night.store), sinks, datetime.now(UTC))
    for outcome in outcomes:
        told = ", ".join(outcome.told) or "nothing to tell"
        options.progress().print(
            f"{outcome.sink}: {outcome.error or told}", markup=False, soft_wrap=True
        )
    if any(outcome.error for outcome in outcomes):
        sys.exit(Exit.FAILURE)


@command.command("reproduce")
@options.store_option
@alert_argument
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="a folder named after the alert",
    help="where to put the files",
)
@click.option(
    "--fleet",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KVMLAB_FLEET",
    help="fleet file that has the alert's host, when it is an emulated one of yours",
)
def reproduce(url: str, name: str, *, into: Path | None, fleet: Path | None) -> None:
    """Write what shows ALERT again: its cell, a page, and a script for `git bisect run`."""
    from lab.alerts.reproduce import write  # noqa: PLC0415
    from lab.alerts.words import message  # noqa: PLC0415

    alert = _book(url)[name]
    folder = into or Path(name)
    for path in write(alert, folder, fleet):
        click.echo(path)
    _draw(alert, folder / "alert.html")
    click.echo(folder / "alert.html")
    for paragraph in message(alert).paragraphs:
        if paragraph.are_commands:
            options.progress().print("\n".join([paragraph.head, *paragraph.lines]), markup=False)


@command.command("judge")
@click.argument("change", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.run_argument
@click.pass_obj
def judge(settings: options.Settings, change: Path, run: str) -> None:
    """Say whether RUN shows the new level of CHANGE, a file of `reproduce`, or the old one.

    Exit codes: 0 the old level, 1 the new one, 4 neither.
    """
    from lab.alerts.cell import judge as judged  # noqa: PLC0415
    from lab.alerts.reproduce import read_change  # noqa: PLC0415
    from lab.store.read import read_run  # noqa: PLC0415

    exit_code, sentence = judged(read_run(run, settings.results), read_change(change))
    click.echo(sentence)
    sys.exit(exit_code)


def _draw(alert: Alert, path: Path) -> None:
    from lab.report.alert import render  # noqa: PLC0415  (plotly is slow to import)
    from lab.store.folder import write_atomic  # noqa: PLC0415

    write_atomic(path, render(alert).encode())


def _book(url: str) -> Book:
    from lab.alerts import Book  # noqa: PLC0415

    return Book.read(_store(url))


def _store(url: str) -> Store:
    from lab.history.store import Store  # noqa: PLC0415

    return Store.find(url)
