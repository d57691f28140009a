"""Where the middle of some values lies; trials are the values, not the events inside them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

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


class Medians(NamedTuple):
    """Medians of samples, each with the ends of its interval and its `spread`; (samples,).

    Below three values there is neither: NaN.
    """

    value: Floats
    low: Floats
    high: Floats
    spread: Floats


def medians(values: Floats) -> Medians:
    """Medians of `values` (samples, n) with distribution-free intervals, and spreads about them.

    Ends are order statistics: of the narrowest interval that covers at least 95 %, else the
    smallest and the largest value (David and Nagaraja, Order Statistics, 3rd edition, section 7.1).
    Spread is the median absolute deviation, scaled to be the standard deviation of normal values:
    half of the trials may be spoilt and it still tells of the others.
    """
    ordered = np.sort(values, axis=1)
    samples, n = ordered.shape
    middle = n // 2
    value = (ordered[:, -1 - middle] + ordered[:, middle]) / 2
    if n < LEAST:
        unknown = np.full(samples, np.nan)
        return Medians(value, unknown, unknown, unknown)
    k, _ = _cut(n)
    spread = np.asarray(stats.median_abs_deviation(ordered, axis=1, scale="normal"))
    return Medians(value, ordered[:, k], ordered[:, n - 1 - k], spread)


def coverage(n: int) -> float | None:
    """Say what the interval of `medians` covers: 1 - 2 F(k), F the binomial with p = 1/2."""
    return None if n < LEAST else _cut(n)[1]


def median_interval(values: Floats) -> Estimate:
    """Median of values (n,) with its interval (see `medians`); none below three values."""
    found = medians(values[None])
    if values.size < LEAST:
        return Estimate(float(found.value[0]), None, None, None)
    value, low, high = (float(each[0]) for each in found[:3])
    return Estimate(value, low, high, coverage(values.size))


def spread(values: Floats) -> float | None:
    """Spread of values (n,) about their median (see `medians`); None below three values."""
    return None if values.size < LEAST else float(medians(values[None]).spread[0])


@cache
def _cut(n: int) -> tuple[int, float]:
    """How many of n sorted values to leave out at each end, and what the rest covers."""
    cut = [1 - 2 * float(stats.binom.cdf(k, n, 0.5)) for k in range((n - 1) // 2 + 1)]
    k = max((k for k, coverage in enumerate(cut) if coverage >= CONFIDENCE), default=0)
    return k, cut[k]
