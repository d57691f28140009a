"""Where the middle of some values lies; trials are the values, not the events inside them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.stats.model import Estimate

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
LEAST = 3
"""Values below which there is neither an interval for the median nor a spread."""


def pairs_of(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the n (n + 1) / 2 pairs i <= j whose means are the Walsh averages of n values."""
    return np.triu_indices(n)


def walsh_averages(values: Floats) -> Floats:
    """Means of all pairs of values, each with itself too: (…, n) to (…, n (n + 1) / 2)."""
    first, second = pairs_of(values.shape[-1])
    averages: Floats = (values[..., first] + values[..., second]) / 2
    return averages


def hodges_lehmann(values: Floats) -> Floats:
    """Median of the Walsh averages, (…, n) to (…).

    Bears 29 % of spoilt values and yet is 95 % as efficient as the mean where nothing is spoilt
    (Hodges and Lehmann, Estimates of location based on rank tests, Ann. Math. Statist. 34, 1963).
    """
    middle: Floats = np.median(walsh_averages(values), axis=-1)
    return middle


def median_interval(values: Floats) -> Estimate:
    """Median of values (n,) with a distribution-free interval between two order statistics.

    The narrowest that covers at least 95 %, else from the smallest to the largest value,
    with its true coverage 1 - 2 F(k), F the binomial distribution with p = 1/2 (David and
    Nagaraja, Order Statistics, 3rd edition, section 7.1). No interval below three values.
    """
    ordered = np.sort(values)
    n = ordered.size
    median = float(np.median(ordered))
    if n < LEAST:
        return Estimate(median, None, None, None)
    k, coverage = _cut(n)
    return Estimate(median, float(ordered[k]), float(ordered[n - 1 - k]), coverage)


def spread(values: Floats) -> float | None:
    """Median absolute deviation of values (n,), scaled to be the standard deviation of normal ones.

    Half of the trials may be spoilt and it still tells of the others. None below three values.
    """
    if values.size < LEAST:
        return None
    return float(stats.median_abs_deviation(values, scale="normal"))


@cache
def _cut(n: int) -> tuple[int, float]:
    """How many of n sorted values to leave out at each end, and what the rest covers."""
    cut = [1 - 2 * float(stats.binom.cdf(k, n, 0.5)) for k in range((n - 1) // 2 + 1)]
    k = max((k for k, coverage in enumerate(cut) if coverage >= CONFIDENCE), default=0)
    return k, cut[k]
