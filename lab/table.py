"""A run as one tidy table.

It has one row for each metric of each trial, and one row without a metric for
a trial that was not measured, so that a failure is a row and not a gap:

run, host, architecture, clock_class, flavour, kernel, boot, trial, block, warmup, setting, probes,
aa, one column for each knob (as set; its name, `vm.halt_poll_ns`), workload, guest, status,
reason, metric, value, unit

`boot` is the boot_id of the host during the trial, "" where the row has none; `aa` marks a
trial of the A/A arm, the reference under a second name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from lab import metrics
from lab.errors import UsageError
from lab.labels import probes_label, setting_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.store.layout import Document
    from lab.store.read import Run

HEAD = {
    "run": "str",
    "host": "str",
    "architecture": "str",
    "clock_class": "str",
    "flavour": "str",
    "kernel": "str",
    "boot": "str",
    "trial": "int64",
    "block": "int64",
    "warmup": "bool",
    "setting": "str",
    "probes": "str",
    "aa": "bool",
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
AA = "A/A"
"""Name of the A/A arm where it stands beside settings."""
KNOB_TYPE = "Int64"  # nullable: a knob that a setting does not name has no value


def tidy(run: Run) -> pd.DataFrame:
    """Build the tidy table of one run from its rows."""
    knobs = sorted({knob for rows in run.rows.values() for row in rows for knob in row["setting"]})
    types = HEAD | dict.fromkeys(knobs, KNOB_TYPE) | TAIL
    records = [
        {**cell, **measured}
        for host, rows in run.rows.items()
        for row in rows
        for cell in [_cell(run, host, row)]
        for measured in _measured(row)
    ]
    return pd.DataFrame(records, columns=list(types)).astype(types)


def narrowed(trials: pd.DataFrame, conditions: Mapping[str, object]) -> pd.DataFrame:
    """Keep rows whose columns have these values; a list, tuple or set means any of them.

    Raises UsageError for a column that does not exist.
    """
    for column, wanted in conditions.items():
        if column not in trials:
            columns = ", ".join(trials.columns)
            raise UsageError(f"no column {column!r} in trials: it has {columns}")
        values = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        trials = trials[trials[column].isin(values)]
    return trials.reset_index(drop=True)


def with_aa_as_setting(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the A/A arm as a setting, to be compared like any other."""
    return trials.assign(setting=trials["setting"].mask(trials["aa"], AA), aa=False)


def is_counted(row: Document) -> bool:
    """Tell of one row what `lab.stats.compare.counted` tells of the table."""
    return not row["warmup"] and bool(row.get("probes", True)) and not row.get("aa", False)


def _cell(run: Run, host: str, row: Document) -> Document:
    facts = run.facts(host)
    return {
        "run": run.name,
        "host": host,
        "architecture": facts.get("architecture"),
        "clock_class": facts.get("clock_class"),
        "flavour": (facts.get("kvm") or {}).get("flavour"),
        "kernel": facts.get("kernel"),
        "boot": row.get("boot_id", ""),
        "trial": row["trial"],
        "block": row["block"],
        "warmup": row["warmup"],
        "setting": setting_label(row["setting"]),
        "probes": probes_label(row),
        "aa": row.get("aa", False),
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
