"""Runs as tidy tables.

`trials` has one row for each metric of each trial, and one row without a metric for
a trial that was not measured, so that a failure is a row and not a gap:

run, host, architecture, clock_class, flavour, trial, block, warmup, setting, one
column for each knob (as set; its name, `vm.halt_poll_ns`), workload, guest, status,
reason, metric, value, unit
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from lab import halts, metrics
from lab.errors import UsageError
from lab.labels import setting_label
from lab.paths import RESULTS
from lab.store.read import Run, find_run, read_plan, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.store.layout import Document

HEAD = {
    "run": "str",
    "host": "str",
    "architecture": "str",
    "clock_class": "str",
    "flavour": "str",
    "trial": "int64",
    "block": "int64",
    "warmup": "bool",
    "setting": "str",
}
TAIL = {
    "workload": "str",
    "guest": "str",
    "status": "str",
    "reason": "str",
    "metric": "str",
    "value": "float64",
    "unit": "str",
}
KNOB_TYPE = "Int64"  # nullable: a knob that a setting does not name has no value


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
        from lab.stats import compare  # noqa: PLC0415  (scipy takes a while)

        found = []
        for run in self.runs:
            label = reference or setting_label(read_plan(run)["reference"])
            trials = self.trials[self.trials["run"] == run.name]
            found += compare(trials, label, **options)  # type: ignore[arg-type]
        return pd.DataFrame([each.record() for each in found])

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
    from lab.store.index import cached  # noqa: PLC0415  (builds on this module)

    if not runs:
        raise UsageError("no run named: `kvmlab list` shows what there is")
    paths = tuple(dict.fromkeys(find_run(run, store) for run in runs))
    frames = [cached(path, store) for path in paths]
    table = pd.concat(frames, ignore_index=True)
    return Results(paths, table[[*HEAD, *knobs_of(table), *TAIL]])


def knobs_of(trials: pd.DataFrame) -> list[str]:
    """Columns of a tidy table that are knobs."""
    return [name for name in trials.columns if name not in HEAD | TAIL]


def tidy(run: Run) -> pd.DataFrame:
    """Build the tidy table of one run from its rows."""
    knobs = sorted({knob for rows in run.rows.values() for row in rows for knob in row["setting"]})
    types = HEAD | dict.fromkeys(knobs, KNOB_TYPE) | TAIL
    records = [
        {**_cell(run, host, row), **measured}
        for host, rows in run.rows.items()
        for row in rows
        for measured in _measured(row)
    ]
    return pd.DataFrame(records, columns=list(types)).astype(types)


def _cell(run: Run, host: str, row: Document) -> Document:
    facts = run.facts(host)
    return {
        "run": run.name,
        "host": host,
        "architecture": facts.get("architecture"),
        "clock_class": facts.get("clock_class"),
        "flavour": (facts.get("kvm") or {}).get("flavour"),
        "trial": row["trial"],
        "block": row["block"],
        "warmup": row["warmup"],
        "setting": setting_label(row["setting"]),
        **row["setting"],
        "workload": row["workload"]["name"],
        "guest": row["workload"]["guest"],
        "status": row["status"],
        "reason": row.get("reason"),
    }


def _measured(row: Document) -> Iterator[Document]:
    values = metrics.measure(row)
    for name, value in values.items():
        yield {"metric": name, "value": value, "unit": metrics.metric(name).unit}
    if not values:
        yield {}
