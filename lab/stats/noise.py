"""How far a host differs from itself: the reference against its second name, the A/A arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
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

    import pandas as pd

    from lab.metrics import Metric
    from lab.stats.location import Floats

Key = tuple[str, str, str]
HISTORY = 6
"""From as many runs with an A/A arm on, their spread says what the next one may show."""


def noise(
    trials: pd.DataFrame,
    reference: str,
    metrics: Sequence[Metric],
    how: How,
    executor: Executor | None = None,
) -> dict[Key, Noise]:
    """Noise by host, workload and metric, from the A/A arms of all runs in `trials`.

    Of one run it is the far end of the A/A arm's 95 % interval, of a few runs the farthest; of
    many, t times the root mean square of their log ratios, whose truth is known to be 0.
    """
    of_reference = (trials["setting"] == reference) & ~trials["warmup"]
    kept = trials[of_reference & (trials["probes"] != UNPROBED)]
    if not kept["aa"].any():
        return {}
    named = with_aa_as_setting(kept)
    pairs = pair(named, named["block"] >= 0, reference, metrics)
    seen = examine(pairs, how, executor)
    found: dict[Key, list[int]] = {}
    for position in np.flatnonzero(~np.isnan(seen.get("low", np.empty(0)))):
        group = pairs.groups.iloc[pairs.group[position]]
        key = (group["host"], group["workload"], metrics[pairs.metric[position]].name)
        found.setdefault(key, []).append(int(position))
    return {
        key: _noise(
            seen["log_ratio"][at], seen["low"][at], seen["high"][at], seen["p_permutation"][at]
        )
        for key, at in found.items()
    }


def _noise(log_ratio: Floats, low: Floats, high: Floats, p: Floats) -> Noise:
    shown = bool((((low > 0) | (high < 0)) & (p <= ALPHA)).any())
    if log_ratio.size < HISTORY:
        return Noise(float(np.exp(np.maximum(-low, high).max())), shown)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, log_ratio.size)
    return Noise(float(np.exp(reach * np.sqrt(np.mean(log_ratio**2)))), shown)
