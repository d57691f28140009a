"""How far a host differs from itself: the reference against its second name, the A/A arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from lab.labels import UNPROBED
from lab.stats.evidence import How, examine
from lab.stats.location import CONFIDENCE
from lab.stats.pairs import pair
from lab.stats.power import ALPHA
from lab.stats.verdict import Noise
from lab.table import with_aa_as_setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from lab.metrics import Metric

Key = tuple[str, str, str]
HISTORY = 6
"""From as many runs with an A/A arm on, their spread says what the next one may show."""
CELL = ["host", "workload", "metric"]
SEEN = ["log_ratio", "low", "high", "p_permutation"]


def noise(
    trials: pd.DataFrame,
    reference: str,
    metrics: Sequence[Metric],
    how: How,
    executor: Executor | None = None,
) -> dict[Key, Noise]:
    """Noise by host, workload and metric, from the A/A arms of all runs in `trials`."""
    found = arms(trials, reference, metrics, how, executor)
    return {
        (str(host), str(workload), str(metric)): floor(runs)
        for (host, workload, metric), runs in found.groupby(CELL, sort=False)
    }


def arms(
    trials: pd.DataFrame,
    reference: str,
    metrics: Sequence[Metric],
    how: How,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Compare the A/A arm of each run with the reference: columns run, CELL and SEEN (log ratios).

    What could not be tested has no row.
    """
    of_reference = (trials["setting"] == reference) & ~trials["warmup"]
    kept = of_reference & (trials["probes"] != UNPROBED)
    if not (kept & trials["aa"]).any():
        return pd.DataFrame(columns=["run", *CELL, *SEEN])
    named = with_aa_as_setting(trials[kept])
    pairs = pair(named, named["block"] >= 0, reference, metrics)
    seen = examine(pairs, how, executor)
    tested = np.flatnonzero(~np.isnan(seen["low"]))
    groups = pairs.groups[["run", "host", "workload"]].iloc[pairs.group[tested]]
    return groups.reset_index(drop=True).assign(
        metric=[metrics[number].name for number in pairs.metric[tested]],
        **{name: seen[name][tested] for name in SEEN},
    )


def floor(runs: pd.DataFrame) -> Noise:
    """Sum up what the A/A arm showed in one or more `runs` (columns SEEN).

    Of one run it is the far end of the A/A arm's 95 % interval, of a few runs the farthest; of
    many, t times the root mean square of their log ratios, whose truth is known to be 0.
    """
    log_ratio, low, high, p = (runs[name].to_numpy(float) for name in SEEN)
    shown = bool((((low > 0) | (high < 0)) & (p <= ALPHA)).any())
    if log_ratio.size < HISTORY:
        return Noise(float(np.exp(np.maximum(-low, high).max())), shown)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, log_ratio.size)
    return Noise(float(np.exp(reach * np.sqrt(np.mean(log_ratio**2)))), shown)
