"""How long the ways out of a guest are, in instructions: the table of results/path_length.md."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from lab import metrics
from lab.labels import NONE
from lab.store.read import read_run, runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.store.layout import Document
    from lab.store.read import Run

EXPERIMENT = "path_length"
CEILING = "vm.halt_poll_ns"
CLOCK = "icount"


@dataclass(frozen=True, slots=True)
class Way:
    """A column of the table: a metric of one workload under one ceiling."""

    title: str
    workload: str
    metric: str
    ceiling: int = 0


WAYS = (
    Way("exit", "exit", "exit_p50_ns"),
    Way("exit to the VMM", "userspace", "exit_p50_ns"),
    Way("wake-up, slept", "halt", "wakeup_p50_ns"),
    Way("wake-up, polled", "halt", "wakeup_p50_ns", ceiling=200_000),
    Way("halt, vCPU thread", "halt", "cpu_ns_per_wakeup"),
)


@dataclass(frozen=True, slots=True)
class Length:
    """Instructions of one way on one host: the median of its trials and how far they lie apart."""

    instructions: float
    spread: float
    """Highest less lowest trial, by the median."""
    trials: int
    inert: bool
    """Whether the ceiling cannot act on this host."""

    def __str__(self) -> str:
        if self.inert:
            return "inert"
        return f"{self.instructions:,.1f} ({self.spread:.3%})"


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    flavour: str
    kernel: str
    lengths: tuple[Length | None, ...]
    """One for each of WAYS; None where no trial was measured."""


def hosts(store: Path) -> list[Host]:
    """Return the icount hosts of the runs of `path_length` in `store`, oldest run first.

    Hosts of another clock class are left out: their times are not instructions.
    """
    recorded = (read_run(path, store) for path in runs(store) if path.name.endswith(EXPERIMENT))
    return [host for run in recorded for host in _hosts(run)]


def _hosts(run: Run) -> Iterator[Host]:
    for name, rows in run.rows.items():
        facts = run.facts(name)
        if facts.get("clock_class") == CLOCK:
            lengths = tuple(_length(way, rows) for way in WAYS)
            yield Host(name, str(facts["kvm"]["flavour"]), str(facts["kernel"]), lengths)


def _length(way: Way, rows: tuple[Document, ...]) -> Length | None:
    chosen = [
        row
        for row in rows
        if not row["warmup"]
        and row["workload"]["name"] == way.workload
        and row["setting"][CEILING] == way.ceiling
    ]
    values = [value for row in chosen if (value := metrics.measure(row).get(way.metric))]
    if not values:
        return None
    middle = median(values)
    inert = way.ceiling > 0 and all(row["status"] == "inert" for row in chosen)
    return Length(middle, (max(values) - min(values)) / middle, len(values), inert)


def table(store: Path) -> str:
    """Return the lengths in `store` as a table in Markdown, a line for each host."""
    heads = ("host", "kernel", "KVM", "trials", *(way.title for way in WAYS))
    lines = [heads, ("---",) * 4 + ("---:",) * len(WAYS)]
    for host in hosts(store):
        trials = min((length.trials for length in host.lengths if length), default=0)
        cells = (str(length or NONE) for length in host.lengths)
        lines.append((host.name, host.kernel, host.flavour, str(trials), *cells))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
