"""One metric of one cell over all nights, and where its series breaks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.history.breaks import Break, breaks
from lab.history.index import cells
from lab.history.key import SeriesKey
from lab.history.runs import published
from lab.history.store import Store


@dataclass(frozen=True)
class Series:
    """All nights of one key, oldest first.

    `nights` (ISO dates), `runs` and `at` (instants) are of equal length; `trials` (nights, trials)
    is in `unit`, with NaN where a night has fewer trials than another. `breaks` are those that
    concern this series, oldest first.
    """

    key: SeriesKey
    unit: str
    nights: tuple[str, ...]
    runs: tuple[str, ...]
    at: tuple[str, ...]
    trials: NDArray[np.float64]
    breaks: tuple[Break, ...]

    @cached_property
    def resets(self) -> NDArray[np.bool_]:
        """Before which nights (nights,) the series begins anew: no comparison goes further back."""
        edges = ("", *self.at)
        return np.array(
            [
                any(each.restarts and before < each.since <= at for each in self.breaks)
                for before, at in zip(edges, self.at, strict=False)
            ],
            dtype=np.bool_,
        )


def series(store: Store, **where: str | Collection[str]) -> list[Series]:
    """Read every series of the store whose key has the values named, sorted by key.

    A keyword is a field of `SeriesKey`; a collection means any of them. The first call after a
    night reads that night's rows; all others only the index.
    Raises TypeError for an unknown keyword, StoreError for a run that cannot be read.
    """
    names = [field.name for field in fields(SeriesKey)]
    if unknown := where.keys() - set(names):
        raise TypeError(f"{min(unknown)} is no part of a series' key: {', '.join(names)} are")
    nights = [run for run in published(store) if run.role == "night"]
    return assembled(cells(store, nights, where), breaks(store))


def assembled(cells: pd.DataFrame, known: Collection[Break]) -> list[Series]:
    """Put the cells of nights (`lab.history.index.cells`) together into series, sorted by key."""
    names = [field.name for field in fields(SeriesKey)]
    found = []
    for values, rows in cells.groupby(names, sort=True):
        key = SeriesKey(*map(str, values))
        found.append(
            Series(
                key=key,
                unit=str(rows["unit"].iloc[0]),
                nights=tuple(rows["night"]),
                runs=tuple(rows["run"]),
                at=tuple(rows["at"]),
                trials=_padded(list(rows["trials"])),
                breaks=tuple(each for each in known if each.concerns(key)),
            )
        )
    return found


def _padded(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    matrix = np.full((len(rows), max(map(len, rows))), np.nan)
    for number, row in enumerate(rows):
        matrix[number, : len(row)] = row
    return matrix
