"""What runs measured, to narrow and to ask: the tidy table (`lab.table`), its halts and effects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from lab import arch, costs
from lab.errors import UsageError
from lab.labels import knobs_of, setting_label
from lab.paths import RESULTS
from lab.stats import Comparisons, compare
from lab.stats.architectures import across
from lab.stats.compare import counted
from lab.store.index import cached
from lab.store.read import Run, find_run, read_plan, read_run
from lab.table import HEAD, TAIL, narrowed
from lab.trial import halts
from lab.trial.phases import PHASES, UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import plotly.graph_objects as go

    from lab.simulation import Simulation
    from lab.store.layout import Document

CELL = ["run", "host", "clock_class", "workload", "setting"]


@dataclass(frozen=True)
class Results:
    """What was measured; `where` narrows it, the other tables follow."""

    runs: tuple[Path, ...]
    trials: pd.DataFrame

    def where(self, **conditions: object) -> Results:
        """Keep rows whose columns have these values; a list, tuple or set means any of them.

        Columns with a dot are given as `where(**{"vm.halt_poll_ns": 0})`.
        Raises UsageError for a column that does not exist.
        """
        return Results(self.runs, narrowed(self.trials, conditions))

    def wide(self) -> pd.DataFrame:
        """One row for each measured trial, one column for each metric (in the metric's unit)."""
        measured = self.trials.dropna(subset="metric")
        keys = [name for name in measured.columns if name not in {"metric", "value", "unit"}]
        table = measured.pivot(index=keys, columns="metric", values="value")  # noqa: PD010
        return table.reset_index().rename_axis(columns=None)

    def halts(self) -> pd.DataFrame:
        """All streamed halts of these trials; the columns are in `lab.trial.halts`."""
        frames = [
            halts.frame(run.name, row)
            for run in self._left
            for rows in run.rows.values()
            for row in rows
        ]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def effects(self, reference: str | None = None, **options: object) -> pd.DataFrame:
        """Compare settings with the reference of each run's plan, or with the one named.

        One row for each `lab.stats.Comparison`; options go to `lab.stats.compare`.
        """
        found = [each.frame() for each in self._compared(reference, options)]
        return pd.concat(found, ignore_index=True)

    def architectures(self, reference: str | None = None, **options: object) -> pd.DataFrame:
        """Combine the effects of all hosts and runs, architecture by architecture.

        One row for each `lab.stats.architectures.ArchitectureEffect`; clock classes stay apart.
        """
        found = across([one for each in self._compared(reference, options) for one in each])
        return pd.DataFrame([record for each in found for record in each.records()])

    def phases(self) -> pd.DataFrame:
        """Share of each phase in the wall time of the vCPUs, a mean over the trials of a cell.

        The shares of a cell sum to 1; a phase that its host cannot show has no row, and its time
        is in the phase `unattributed`.
        """
        names = {f"share_{phase}": phase for phase in (*PHASES, UNATTRIBUTED)}
        trials = counted(self.trials)
        shares = trials[trials["metric"].isin(names)].replace({"metric": names})
        by_cell = shares.groupby([*CELL, "metric"], sort=False)["value"]
        found = by_cell.agg(share="mean", trials="count").reset_index()
        return found.rename(columns={"metric": "phase"})

    def fpu(self) -> pd.DataFrame:
        """Say what dirty vector registers add to an exit, by the guest's own clock, host by host.

        `ns` comes with its interval and holds the guest's own writing; `switched` is where the
        kernel's source says that this architecture switches the registers, `seen` what the probe of
        its functions says. Needs workloads of the guests `exit` and `fpu`.
        """
        found = []
        for run in self._left:
            trials = self.trials[self.trials["run"] == run.name]
            for cost in costs.of_dirty_registers(trials, setting_label(run.plan["reference"])):
                known = arch.named(run.facts(cost.host).get("architecture"))
                said = [f"{each.kernels}: {each.where}" for each in known.fpu] if known else []
                difference, ratio = cost.contrast.difference, cost.contrast.ratio
                found.append(
                    {
                        "run": run.name,
                        "host": cost.host,
                        "clock_class": run.facts(cost.host).get("clock_class"),
                        "workload": cost.workload,
                        "ns": difference.value,
                        "low": difference.low,
                        "high": difference.high,
                        "ratio": ratio.value if ratio else None,
                        "blocks": cost.contrast.n,
                        "switched": "; ".join(said),
                        "seen": _functions(run.rows[cost.host]),
                    }
                )
        return pd.DataFrame(found)

    def simulate(
        self, grid: str, *, setting: str | None = None, closed: bool | None = None
    ) -> Simulation:
        """Replay the halts of these trials under every setting of a grid of halt polling.

        `grid` is as for `kvmlab simulate`: `"halt_poll_ns=0,50us,200us shrink=0,2"`; knobs left out
        stay as recorded. Replayed are the trials of `setting`, the plan's reference if not named;
        costs are learned from all trials of their runs. `closed` says whether a wake-up
        comes as long after its halt began (None: what is known of the guest).
        Raises UsageError for a grid that is none, and where no halts were recorded.
        """
        from lab.simulation import simulate  # noqa: PLC0415  (numba is slow to import)

        return simulate(self._left, grid, setting=setting, closed=closed)

    def plot(self, picture: str, *, dark: bool = False) -> list[go.Figure]:
        """Draw a picture of the report from these trials: one figure for each of its panels.

        `picture` is one of `lab.report.plots.NAMES`: `"latency"` or `"phases"` for each host,
        `"heat"` or `"fronts"` for architectures side by side, and so on.
        Raises UsageError for another name.
        """
        from lab.report import plots  # noqa: PLC0415  (plotly is slow to import)

        return plots.draw(self._left, picture, dark=dark)

    def _compared(
        self, reference: str | None, options: Mapping[str, object]
    ) -> Iterator[Comparisons]:
        """Compare run by run: each has its own reference and its own family."""
        for run in self.runs:
            label = reference or setting_label(read_plan(run)["reference"])
            trials = self.trials[self.trials["run"] == run.name]
            yield compare(trials, label, **options)  # type: ignore[arg-type]

    @cached_property
    def _left(self) -> list[Run]:
        """The runs with the raw rows of the trials that are left."""
        left = set(self.trials[["run", "host", "trial"]].itertuples(index=False, name=None))
        found = []
        for run in map(read_run, self.runs):
            rows = {
                host: tuple(row for row in rows if (run.name, host, row["trial"]) in left)
                for host, rows in run.rows.items()
            }
            found.append(replace(run, rows=rows))
        return found


def _functions(rows: Iterable[Document]) -> str:
    """Say of each function that switches registers how it was watched, or why it was not."""
    found = {
        each["function"]: f"by {each['kind']}"
        if each["kind"]
        else f"not visible, {each['not_visible']}"
        for row in rows
        for each in (row.get("functions") or {}).get("functions", ())
        if each["role"] == "fpu"
    }
    return "; ".join(f"{name} {how}" for name, how in found.items())


def load(*runs: str | Path, store: Path = RESULTS) -> Results:
    """Read runs, given by name in `store` or by path.

    Raises UsageError for a run that is not there, StoreError for one that cannot be read.
    """
    if not runs:
        raise UsageError("no run named: `kvmlab list` shows what there is")
    paths = tuple(dict.fromkeys(find_run(run, store) for run in runs))
    frames = [cached(path, store) for path in paths]
    table = pd.concat(frames, ignore_index=True)
    return Results(paths, table[[*HEAD, *knobs_of(table.columns), *TAIL]])
