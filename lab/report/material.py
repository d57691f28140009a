"""What the pictures of one host are made from, and made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from lab.costs import Cost
from lab.labels import clock, nanoseconds, setting_label
from lab.profile import Profile, profile
from lab.report.style import Key, keys, titled
from lab.stats import Cell, Comparison, Estimate
from lab.stats.architectures import UNKNOWN
from lab.stats.choice import Advice, Choice
from lab.stats.compare import counted
from lab.stats.tradeoff import Tradeoff
from lab.store.layout import Document
from lab.summary import Summary
from lab.table import is_counted


@dataclass(frozen=True)
class Multiple:
    """One small picture and what it shows, in words for those who do not see it."""

    figure: go.Figure
    label: str


@dataclass(frozen=True)
class LegendEntry:
    text: str
    colour: str
    glyph: str


@dataclass(frozen=True)
class Table:
    """Numbers below a picture; every row has as many texts as there are headings."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A card of the page: small pictures, then tables, then remarks, as far as there are any."""

    title: str
    caption: str
    legend: tuple[LegendEntry, ...]
    multiples: tuple[Multiple, ...]
    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """What the pictures of one host are made of.

    `trials` and `rows` are those that settings are compared by (`lab.stats.compare.counted`),
    `warned` the comparisons that there is reason to doubt.
    """

    clock_class: str
    keys: Sequence[Key]
    workloads: Sequence[str]
    trials: pd.DataFrame
    cells: Sequence[Cell]
    rows: Sequence[Document]
    profile: Profile
    probe_costs: Sequence[Cost]
    fpu_costs: Sequence[Cost]
    tradeoffs: Sequence[Tradeoff]
    choice: Choice | None
    warned: Sequence[Comparison]

    @classmethod
    def of(cls, summary: Summary, host: str, advice: Mapping[str, Advice]) -> Material:
        """Gather one host's part of a run; `advice` is by clock class."""
        run = summary.run
        trials = counted(summary.trials)
        clock_class = run.facts(host).get("clock_class") or UNKNOWN
        known = advice.get(clock_class)
        planned = [trial["workload"]["name"] for trial in run.plan["hosts"][host]]
        return cls(
            clock_class=clock_class,
            keys=keys(summary.names, setting_label(run.plan["reference"])),
            workloads=list(dict.fromkeys(planned)),
            trials=trials[trials["host"] == host],
            cells=[cell for cell in summary.cells if cell.host == host],
            rows=[row for row in run.rows[host] if is_counted(row)],
            profile=profile(summary, host),
            probe_costs=[each for each in summary.probe_costs if each.host == host],
            fpu_costs=[each for each in summary.fpu_costs if each.host == host],
            tradeoffs=known.tradeoffs.get(host, []) if known else [],
            choice=known.hosts.get(host) if known else None,
            warned=[each for each in summary.comparisons if each.host == host and each.warnings],
        )

    @property
    def by_workload(self) -> Mapping[str, list[Document]]:
        """Measured rows, by workload in the order of the plan."""
        found: dict[str, list[Document]] = {name: [] for name in self.workloads}
        for row in self.rows:
            if row["status"] != "failed" and row["guest"]:
                found[row["workload"]["name"]].append(row)
        return {name: rows for name, rows in found.items() if rows}

    def of_guest(self, *guests: str) -> Iterator[tuple[str, list[Document]]]:
        for name, rows in self.by_workload.items():
            if rows[0]["workload"]["guest"] in guests:
                yield name, rows

    def cell(self, workload: str, metric: str, setting: str) -> Cell | None:
        wanted = (workload, metric, setting)
        return next((c for c in self.cells if (c.workload, c.metric, c.setting) == wanted), None)

    def values(self, workload: str, metric: str, setting: str) -> pd.Series[float]:
        """Values of one cell by trial."""
        t = self.trials
        chosen = (t["workload"] == workload) & (t["metric"] == metric) & (t["setting"] == setting)
        return t[chosen].set_index("trial")["value"]

    def title(self, workload: str) -> str:
        return titled(workload, clock(self.clock_class))

    @property
    def settings_legend(self) -> tuple[LegendEntry, ...]:
        return tuple(LegendEntry(key.name, key.colour, key.glyph) for key in self.keys)


def bars(median: Estimate, colour: str) -> dict[str, object]:
    """Error bars of an estimate, for plotly."""
    low = median.value if median.low is None else median.low
    high = median.value if median.high is None else median.high
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - median.value],
        "arrayminus": [median.value - low],
        "color": colour,
        "thickness": 1.5,
        "width": 3,
    }


def said(cell: Cell) -> str:
    """Return a cell's median with its interval, for people."""
    median = cell.median
    if median.low is None or median.high is None or median.coverage is None:
        return nanoseconds(median.value)
    span = f"{nanoseconds(median.low)} to {nanoseconds(median.high)}"
    return f"{nanoseconds(median.value)} ({100 * median.coverage:.0f} %: {span})"
