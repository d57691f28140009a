"""What a run says: its comparisons, the same as grids for tables, and as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import pandas as pd

from lab import costs
from lab.costs import Cost
from lab.labels import TIMES, changes, setting_label, setting_order, short_labels
from lab.limits import Limits, limits
from lab.metrics import METRICS, PRIMARY, metric
from lab.stats import Cell, Comparison, Verdict, cells, compare
from lab.store.read import Run
from lab.table import AA, tidy, with_aa_as_setting

SYMBOLS = {
    Verdict.BETTER: "\N{CHECK MARK}",
    Verdict.WORSE: "\N{BALLOT X}",
    Verdict.EQUIVALENT: "=",
    Verdict.INCONCLUSIVE: "\N{MIDDLE DOT}",
    Verdict.UNSTABLE: "\N{ALMOST EQUAL TO}",
    Verdict.INERT: "\N{EMPTY SET}",
    Verdict.MISSING: "?",
}


PROBES_COST = "what the probes cost the guest, by its own clock"
DIRTY_COST = "what dirty vector registers add to an exit, by the guest's own clock"


@dataclass(frozen=True)
class Entry:
    """A cell's median and, unless the setting is the reference, its comparison."""

    cell: Cell | None
    comparison: Comparison | None


@dataclass(frozen=True)
class Row:
    workload: str
    setting: str
    is_reference: bool
    n: int
    entries: dict[str, Entry]


@dataclass(frozen=True)
class Grid:
    """What was compared on one host of one run; `metrics` are the columns."""

    run: str
    host: str
    clock_class: str | None
    reference: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def by_workload(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.workload, []).append(row)
        return found

    def limits(self, workload: str) -> dict[str, Limits]:
        """Say what the comparisons of a workload could not have seen, by metric."""
        rows = self.by_workload[workload]
        entries = {name: [row.entries[name] for row in rows] for name in self.metrics}
        return {
            name: limits((e.cell for e in of), (e.comparison for e in of))
            for name, of in entries.items()
        }


@dataclass(frozen=True)
class Summary:
    """A run compared with its plan's reference.

    `names` gives each planned setting its short label, in the order of the knobs. Where there is
    but one, the A/A arm is compared with it, as a setting of that name. `cells` has all metrics.
    `probe_costs` and `fpu_costs` are of all hosts, at the reference.
    """

    run: Run
    trials: pd.DataFrame
    names: dict[str, str]
    comparisons: list[Comparison]
    cells: list[Cell]
    grids: list[Grid]
    probe_costs: list[Cost]
    fpu_costs: list[Cost]

    @property
    def costs(self) -> dict[str, list[Cost]]:
        """Costs by what they are of, as far as there are any."""
        found = {PROBES_COST: self.probe_costs, DIRTY_COST: self.fpu_costs}
        return {title: each for title, each in found.items() if each}


def summarise(run: Run, executor: Executor | None = None) -> Summary:
    """Compare a run's settings; without comparisons when no trial of its reference has a row.

    Many comparisons are shared out by `executor`, as `lab.stats.compare` does.
    """
    trials = tidy(run)
    reference = setting_label(run.plan["reference"])
    planned = [trial["setting"] for each in run.plan["hosts"].values() for trial in each]
    names = short_labels(sorted(planned, key=setting_order))
    compared = trials
    if len(names) == 1 and trials["aa"].any():
        # No knob is turned: what there is to compare is the reference with itself.
        names[AA], compared = AA, with_aa_as_setting(trials)
    there = reference in set(trials["setting"])
    comparisons = list(compare(compared, reference, executor=executor)) if there else []
    medians = cells(compared, metrics=[each.name for each in METRICS])
    return Summary(
        run,
        trials,
        names,
        comparisons,
        medians,
        grids(run, comparisons, medians, list(names)),
        costs.of_probes(trials, reference),
        costs.of_dirty_registers(trials, reference),
    )


def grids(
    run: Run, comparisons: Sequence[Comparison], cells: Sequence[Cell], settings: Sequence[str]
) -> list[Grid]:
    """One grid for each host with a primary metric; `settings` gives the order of the rows."""
    found = []
    for host in run.manifest["hosts"]:
        compared = [each for each in comparisons if each.host == host]
        medians = [each for each in cells if each.host == host and each.metric in PRIMARY]
        if compared or medians:
            found.append(_grid(run, host, compared, medians, settings))
    return found


def _grid(
    run: Run,
    host: str,
    comparisons: Sequence[Comparison],
    medians: Sequence[Cell],
    settings: Sequence[str],
) -> Grid:
    reference = setting_label(run.plan["reference"])
    found = {(each.workload, each.setting, each.metric): each for each in comparisons}
    by_cell = {(each.workload, each.setting, each.metric): each for each in medians}
    seen = found.keys() | by_cell.keys()
    metrics = tuple(name for name in PRIMARY if name in {metric for _, _, metric in seen})
    measured = {workload for workload, _, _ in seen}
    rows = []
    for workload in dict.fromkeys(each["workload"]["name"] for each in run.plan["hosts"][host]):
        for setting in settings if workload in measured else ():
            entries = {
                name: Entry(
                    by_cell.get((workload, setting, name)), found.get((workload, setting, name))
                )
                for name in metrics
            }
            sizes = [each.cell.n for each in entries.values() if each.cell]
            rows.append(
                Row(workload, setting, setting == reference, max(sizes, default=0), entries)
            )
    return Grid(
        run=run.name,
        host=host,
        clock_class=run.facts(host).get("clock_class"),
        reference=reference,
        metrics=metrics,
        rows=tuple(rows),
    )


def tally(comparisons: Sequence[Comparison]) -> str:
    """Count verdicts: `64 comparisons: 20 better, 15 worse, 29 inconclusive`."""
    counts = Counter(each.verdict for each in comparisons)
    parts = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    return f"{len(comparisons)} comparisons: {', '.join(parts) or 'none'}"


def sentences(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """Say what each setting did on one host: verdicts by metric, with the range of their ratios."""
    found = []
    for setting in dict.fromkeys(each.setting for each in comparisons):
        mine = [each for each in comparisons if each.setting == setting]
        clauses = [
            clause
            for name in dict.fromkeys(each.metric for each in mine)
            for clause in _clauses([each for each in mine if each.metric == name])
        ]
        found.append((setting, "; ".join(clauses) or _nothing(mine)))
    return found


def _nothing(mine: Sequence[Comparison]) -> str:
    unseen = limits((), mine).detectable
    could = (
        f": below {changes(*unseen)}, by metric and workload, one may go unseen" if unseen else ""
    )
    return f"no change shown in {len(mine)} comparisons{could}"


def _clauses(of_metric: list[Comparison]) -> list[str]:
    clauses = []
    for verdict in (Verdict.BETTER, Verdict.WORSE):
        ratios = [each.ratio for each in of_metric if each.verdict == verdict and each.ratio]
        if ratios:
            low, high = f"{TIMES}{min(ratios):.2g}", f"{TIMES}{max(ratios):.2g}"
            span = low if low == high else f"{low} to {high}"
            title = metric(of_metric[0].metric).title
            clauses.append(f"{title} {verdict} in {len(ratios)} of {len(of_metric)} ({span})")
    return clauses
