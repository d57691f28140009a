"""What runs measured, to narrow and to ask: the tidy table (`lab.table`), its halts and effects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from lab import halts
from lab.errors import UsageError
from lab.labels import knobs_of, setting_label
from lab.paths import RESULTS
from lab.stats import Comparison, compare
from lab.stats.architectures import across
from lab.store.index import cached
from lab.store.read import Run, find_run, read_plan, read_run
from lab.table import HEAD, TAIL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.store.layout import Document


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
        kept = self.trials
        for column, wanted in conditions.items():
            if column not in kept:
                columns = ", ".join(kept.columns)
                raise UsageError(f"no column {column!r} in trials: it has {columns}")
            values = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
            kept = kept[kept[column].isin(values)]
        return Results(self.runs, kept.reset_index(drop=True))

    def wide(self) -> pd.DataFrame:
        """One row for each measured trial, one column for each metric (in the metric's unit)."""
        measured = self.trials.dropna(subset="metric")
        keys = [name for name in measured.columns if name not in {"metric", "value", "unit"}]
        table = measured.pivot(index=keys, columns="metric", values="value")  # noqa: PD010
        return table.reset_index().rename_axis(columns=None)

    def halts(self) -> pd.DataFrame:
        """All streamed halts of these trials; the columns are in `lab.halts`."""
        frames = [halts.frame(run.name, row) for run, row in self._rows]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def effects(self, reference: str | None = None, **options: object) -> pd.DataFrame:
        """Compare settings with the reference of each run's plan, or with the one named.

        One row for each `lab.stats.Comparison`; options go to `lab.stats.compare`.
        """
        found = self._compared(reference, options)
        return pd.DataFrame([each.record() for each in found])

    def architectures(self, reference: str | None = None, **options: object) -> pd.DataFrame:
        """Combine the effects of all hosts and runs, architecture by architecture.

        One row for each `lab.stats.architectures.ArchitectureEffect`; clock classes stay apart.
        """
        found = across(self._compared(reference, options))
        return pd.DataFrame([record for each in found for record in each.records()])

    def _compared(self, reference: str | None, options: Mapping[str, object]) -> list[Comparison]:
        found = []
        for run in self.runs:
            label = reference or setting_label(read_plan(run)["reference"])
            trials = self.trials[self.trials["run"] == run.name]
            found += compare(trials, label, **options)  # type: ignore[arg-type]
        return found

    @cached_property
    def _rows(self) -> list[tuple[Run, Document]]:
        """Raw rows of the trials that are left."""
        left = set(self.trials[["run", "host", "trial"]].itertuples(index=False, name=None))
        return [
            (run, row)
            for run in map(read_run, self.runs)
            for host, rows in run.rows.items()
            for row in rows
            if (run.name, host, row["trial"]) in left
        ]


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
