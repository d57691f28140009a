"""Every streamed halt as a row, with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lab.labels import setting_label

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lab.store.layout import Document

OUTCOMES = ("hit", "late_hit", "miss", "no_poll", "instant")
COLUMNS = ("thread", "end", "ns", "waited", "valid", "window")


def outcome(ns: ArrayLike, waited: ArrayLike, window: ArrayLike) -> NDArray[np.str_]:
    """Name the outcome of each halt by the table in `results/FORMAT.md`; all of one shape."""
    slept, polled = np.asarray(waited, dtype=bool), np.asarray(window) > 0
    in_window = np.asarray(ns) <= np.asarray(window)
    return np.select(
        [polled & slept, polled & in_window, polled, slept],
        ["miss", "hit", "late_hit", "no_poll"],
        default="instant",
    )


def frame(run: str, row: Document) -> pd.DataFrame:
    """Halts of one trial, in the order they ended; empty where the probe streamed none.

    `end` is CLOCK_MONOTONIC of the host in ns; `ns` and `window` are times in ns.
    """
    probe = row.get("haltpoll")
    stream = probe["stream"] if probe else {name: [] for name in COLUMNS}
    halts = pd.DataFrame({name: np.asarray(stream[name], dtype=np.int64) for name in COLUMNS})
    halts["end"] += probe["origin"] if probe else 0
    halts["outcome"] = outcome(halts["ns"], halts["waited"], halts["window"])
    halts = halts.astype({"waited": bool, "valid": bool, "outcome": "str"})
    cell = {
        "run": run,
        "host": row["host"],
        "trial": row["trial"],
        "block": row["block"],
        "setting": setting_label(row["setting"]),
        "workload": row["workload"]["name"],
    }
    for position, (name, value) in enumerate(cell.items()):
        halts.insert(position, name, value)
    return halts
