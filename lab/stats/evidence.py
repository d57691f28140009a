"""What pairs show, computed for all of one size at once, wherever an executor runs it."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lab.executor import open_executor
from lab.stats import series
from lab.stats.effect import NO_SPREAD, Effects, effects
from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import medians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lab.stats.location import Floats
    from lab.stats.pairs import Codes, Pairs

CHUNK = 8192
"""Pairs of one piece of work: a tenth of a second."""
IN_PROCESS = 16 * CHUNK
"""Pairs that take less time here than processes take to start and to import what they need."""

Columns = dict[str, "Floats"]
WARNINGS = {
    "host_drift": "the reference drifts over the run",
    "effect_drift": "the effect drifts over the run",
    "autocorrelation": "neighbouring blocks resemble each other",
    "two_modes": "trials fall into two groups: see them one by one in the report",
}
MEDIANS = ("median", "median_low", "median_high", "spread")
OF_REFERENCE = ("reference_median", "reference_low", "reference_high", "reference_spread")
COLUMNS = (
    *MEDIANS,
    *OF_REFERENCE,
    "boots",
    "zero",
    *(each.name for each in fields(Effects)),
    *WARNINGS,
)


@dataclass(frozen=True)
class Work:
    """Pairs of n blocks, in the same boots: `treated` and `reference` are (pairs, n)."""

    treated: Floats
    reference: Floats
    boots: Codes


@dataclass(frozen=True)
class How:
    margin: float
    seed: int
    resamples: int


def examine(pairs: Pairs, how: How, executor: Executor | None = None) -> Columns:
    """Describe and test every pair; each column has a value for each, NaN where there is none.

    They are COLUMNS: what pairs look like, if a value is `zero`, the fields of
    `lab.stats.effect.Effects`, and p values of the WARNINGS. Work goes to `executor`, or to
    processes of its own where it is worth them.
    """
    places, work = [], []
    for place, piece in _pieces(pairs):
        places.append(place)
        work.append(piece)
    found: Columns = {name: np.full(pairs.n.size, np.nan) for name in COLUMNS}
    with ExitStack() as stack:
        if executor is None and pairs.n.size > IN_PROCESS:
            executor = stack.enter_context(open_executor())
        mapped = map if executor is None else executor.map
        for place, columns in zip(places, mapped(partial(described, how=how), work), strict=True):
            for name, values in columns.items():
                found[name][place] = values
    return found


def described(work: Work, how: How) -> Columns:
    """Describe the pairs of one piece of work, and test those that can be tested."""
    treated, reference = work.treated, work.reference
    pairs, n = treated.shape
    found: Columns = {
        **dict(zip(MEDIANS, medians(treated), strict=True)),
        **dict(zip(OF_REFERENCE, medians(reference), strict=True)),
        "boots": np.full(pairs, float(np.unique(work.boots).size)),
        "zero": (np.minimum(treated, reference).min(axis=1) <= 0).astype(float),
    }
    if n < MIN_BLOCKS:
        return found
    rows = np.flatnonzero(found["zero"] == 0)
    logs = np.log(treated[rows]), np.log(reference[rows])
    spread = np.ptp(logs[0] - logs[1], axis=1) >= NO_SPREAD
    rows, logs = rows[spread], (logs[0][spread], logs[1][spread])
    ratios = logs[0] - logs[1]
    for name, values in vars(
        effects(ratios, work.boots, how.margin, how.seed, how.resamples)
    ).items():
        found[name] = _placed(rows, values, pairs)
    modes = [series.bimodality_p(each) for each in logs]
    warned = {
        "host_drift": series.drift_p(logs[1]),
        "effect_drift": series.drift_p(ratios),
        "autocorrelation": series.autocorrelation_p(ratios),
        # The smaller of two p values, doubled: Bonferroni.
        "two_modes": np.minimum(2 * np.minimum(*modes), 1),
    }
    return found | {name: _placed(rows, values, pairs) for name, values in warned.items()}


def _placed(rows: NDArray[np.intp], values: Floats, size: int) -> Floats:
    column = np.full(size, np.nan)
    column[rows] = values
    return column


def _pieces(pairs: Pairs) -> Iterator[tuple[NDArray[np.intp], Work]]:
    """Cut pairs into work: those of one size whose blocks lie alike in boots."""
    for n in np.unique(pairs.n[pairs.n > 0]):
        of_size = np.flatnonzero(pairs.n == n)
        columns = pairs.start[of_size, None] + np.arange(n)
        boots = pairs.boot[columns]
        begins = np.concatenate(
            [np.zeros((of_size.size, 1), bool), boots[:, 1:] != boots[:, :-1]], axis=1
        )
        # Eight blocks are a byte: rows are sorted for this, and there may be a million.
        layouts, first, layout = np.unique(
            np.packbits(begins, axis=1), axis=0, return_index=True, return_inverse=True
        )
        for number in range(len(layouts)):
            alike = np.flatnonzero(layout.ravel() == number)
            lying = np.cumsum(begins[first[number]])
            for start in range(0, alike.size, CHUNK):
                part = alike[start : start + CHUNK]
                blocks = columns[part]
                yield (
                    of_size[part],
                    Work(pairs.treated[blocks], pairs.reference[blocks], lying),
                )
