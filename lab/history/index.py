"""A disposable Parquet copy of every night's trials, one file a run, in the cache of the store.

A row is a cell of a run (host, setting, workload) and a metric, with the values of its trials in
the order of their blocks. A run never changes once it is published, so a copy is stale only when
the code that made it is another.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from lab import table
from lab.history.runs import Published, fetch
from lab.history.store import Store
from lab.stats.compare import counted
from lab.store.index import code, is_fresh, write
from lab.store.read import read_run

CELL = ["host", "clock_class", "setting", "workload", "metric", "unit"]
COLUMNS = ["run", "night", "at", "experiment", *CELL, "trials"]


def cells(
    store: Store, runs: Iterable[Published], where: Mapping[str, str | Collection[str]]
) -> pd.DataFrame:
    """Return the cells of `runs` (COLUMNS) that have the values `where` names, oldest first.

    `trials` holds an array (trials,) in the metric's unit; warm-ups, trials without probes
    and those of the A/A arm are not in it. Raises StoreError for a run that cannot be read.
    """
    files = [str(_kept(store, run)) for run in runs]
    if not files:
        return pd.DataFrame(columns=COLUMNS)
    wanted = [[only] if isinstance(only, str) else list(only) for only in where.values()]
    # Names come from this code, values as parameters.
    tests = " and ".join(f'list_contains(?, "{name}")' for name in where) or "true"
    with duckdb.connect() as database:
        database.read_parquet(files).create_view("cells")
        query = f'select * from cells where {tests} order by "at", run'  # noqa: S608
        found: pd.DataFrame = database.execute(query, wanted).df()
    return found


def build(run: Published, folder: Path) -> pd.DataFrame:
    """Make the cells (COLUMNS) of one run out of its folder."""
    trials = counted(table.tidy(read_run(folder))).dropna(subset="metric")
    by_cell = trials.sort_values("block").groupby(CELL, sort=False, dropna=False)
    found = by_cell["value"].agg(list).rename("trials").reset_index()
    head = {name: asdict(run)[name] for name in ("run", "night", "at", "experiment")}
    return found.assign(**head)[COLUMNS]


def _kept(store: Store, run: Published) -> Path:
    file = store.cache / "index" / f"{run.run}.parquet"
    stamp = json.dumps({"code": code(), "run": asdict(run)}, sort_keys=True).encode()
    if not is_fresh(file, stamp):
        write(build(run, fetch(store, run)), file, stamp)
    return file
