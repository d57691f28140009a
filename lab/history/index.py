"""A disposable Parquet copy of every night's trials, one file a run, in the cache of the store.

A row is a cell of a run (host, setting, workload) and a metric, with the values of its trials in
the order of their blocks; that of a reference which ran a second time under another name, the A/A
arm, has what the two showed against each other. A run never changes once it is published, so a
copy is stale only when the code that made it is another.
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
from lab.labels import setting_label
from lab.metrics import METRICS
from lab.stats import noise
from lab.stats.compare import MARGIN, counted
from lab.stats.evidence import How
from lab.stats.interval import RESAMPLES, SEED
from lab.store.index import code, is_fresh, write
from lab.store.read import read_run

CELL = ["host", "clock_class", "setting", "workload", "metric", "unit"]
ARM = [f"aa_{name}" for name in noise.SEEN]
COLUMNS = ["run", "night", "at", "experiment", *CELL, "trials", *ARM]
HOW = How(MARGIN, SEED, RESAMPLES)


def cells(
    store: Store, runs: Iterable[Published], where: Mapping[str, str | Collection[str]]
) -> pd.DataFrame:
    """Return the cells of `runs` (COLUMNS) that have the values `where` names, oldest first.

    `trials` holds an array (trials,) in the metric's unit; warm-ups, trials without probes
    and those of the A/A arm are not in it. ARM is what `lab.stats.noise.arms` gives, NaN where no
    arm ran. Raises StoreError for a run that cannot be read.
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
    whole = read_run(folder)
    trials, reference = table.tidy(whole), setting_label(whole.plan["reference"])
    measured = set(trials["metric"])
    known = [each for each in METRICS if each.name in measured]
    arms = noise.arms(trials, reference, known, HOW).assign(setting=reference)
    arms = arms.rename(columns=dict(zip(noise.SEEN, ARM, strict=True))).drop(columns="run")
    ordered = counted(trials).dropna(subset="metric").sort_values("block")
    by_cell = ordered.groupby(CELL, sort=False, dropna=False)
    found = by_cell["value"].agg(list).rename("trials").reset_index()
    found = found.merge(arms, "left", [*noise.CELL, "setting"]).astype(dict.fromkeys(ARM, float))
    head = {name: asdict(run)[name] for name in ("run", "night", "at", "experiment")}
    return found.assign(**head)[COLUMNS]


def _kept(store: Store, run: Published) -> Path:
    file = store.cache / "index" / f"{run.run}.parquet"
    stamp = json.dumps({"code": code("stats"), "run": asdict(run)}, sort_keys=True).encode()
    if not is_fresh(file, stamp):
        write(build(run, fetch(store, run)), file, stamp)
    return file
