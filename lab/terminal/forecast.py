"""Forecasts on the terminal: for each host, the contrast that is hardest to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lab.design.forecast import Forecast, spread_factors
from lab.terminal.run import HEADINGS, PLAIN

LEGEND = (
    "\N{PLUS-MINUS SIGN} the expected 95 % interval of a change; below it the smallest change "
    "found with 80 % power, with the pilot's luck in it; of all settings the one that spreads most."
)


def tables(pilot: str, found: Sequence[Forecast]) -> Iterator[Group]:
    """One table a host: a row for each workload and metric, a column for each number of blocks."""
    for host in dict.fromkeys(each.host for each in found):
        yield _table(pilot, host, [each for each in found if each.host == host])


def hardest(found: Sequence[Forecast]) -> list[Forecast]:
    """Of each host, workload and metric the contrast with the widest spread."""
    cells = dict.fromkeys((each.host, each.workload, each.metric) for each in found)
    return [
        max(
            (each for each in found if (each.host, each.workload, each.metric) == cell),
            key=lambda each: each.spread,
        )
        for cell in cells
    ]


def _table(pilot: str, host: str, found: Sequence[Forecast]) -> Group:
    table = Table(**PLAIN, padding=(0, 1, 0, 0))
    table.add_column("workload", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    for outlook in found[0].outlooks:
        table.add_column(f"{outlook.blocks}\n{duration(outlook.seconds)}", justify="right")
    wanted = any(each.needed for each in found)
    if wanted:
        table.add_column("blocks\nneeded", justify="right")
    for each in hardest(found):
        cells = [f"±{percent(o.width**0.5)}\n{percent(o.detectable)}" for o in each.outlooks]
        needed = [str(each.needed or "> 1000")] if wanted else []
        table.add_row(each.workload, HEADINGS.get(each.metric, each.metric), *cells, *needed)
    return Group(
        Text(f"{host}: what a number of blocks would show, and the time they take", style="bold"),
        table,
        Text(f"{LEGEND} {sureness(pilot, found)}", style="dim"),
    )


def sureness(pilot: str, found: Sequence[Forecast]) -> str:
    """Say what the numbers rest on, and how sure they are."""
    n = min(each.pilot_blocks for each in found)
    low, high = spread_factors(n)
    return (
        f"From {n} blocks of {pilot}: the true spread is {low:.1f} to {high:.1f} times the one "
        "they show, and so is every interval here (95 %)."
    )


def percent(ratio: float) -> str:
    """Say a ratio's distance from 1 in two figures: `3.1%`; a factor from 2 on."""
    change = 100 * (ratio - 1)
    if change >= 100:  # noqa: PLR2004
        return f"x{ratio:.1f}"
    return f"{change:.1f}%" if change < 9.95 else f"{change:.0f}%"  # noqa: PLR2004


def duration(seconds: float) -> str:
    """Say a time for people, two figures: `43 s`, `12 min`, `3.4 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            number = seconds / size
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"  # noqa: PLR2004
    return f"{seconds:.0f} s"
