"""95 % intervals of locations, by bootstrap: how far other blocks would have led."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from lab.stats import resample
from lab.stats.location import CONFIDENCE, Floats

RESAMPLES = 999
SEED = 20181024
MIN_BLOCKS = 6
"""The sign-flip test of n blocks has no p value below 2 / 2^n: 0.063 with five, 0.031 with six.
The widest interval that five blocks can give, from the smallest value to the largest, covers the
middle of their distribution 93.75 % of the time."""


class Interval(NamedTuple):
    """Locations and the ends of their intervals, one for each sample."""

    location: Floats
    low: Floats
    high: Floats


def interval(values: Floats, seed: int = SEED, resamples: int = RESAMPLES) -> Interval:
    """Hodges-Lehmann estimates of `values` (samples, n) with bootstrap intervals; n >= 6.

    Expanded percentiles (Hesterberg, What teachers should know about the bootstrap, The American
    Statistician 69, 2015, section 5.3): plain percentiles of n values are too narrow by the
    factor between the normal and Student's t quantile times sqrt(n / (n - 1)).
    Raises ValueError below six values, where no such interval covers 95 %.
    """
    n = values.shape[1]
    if n < MIN_BLOCKS:
        raise ValueError(f"{n} values have no 95 % interval: at least {MIN_BLOCKS} are needed")
    return Interval(*resample.bootstrap(values, _tail(n), resamples, seed))


@cache
def _tail(n: int) -> float:
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.sqrt(n / (n - 1))
    return float(stats.norm.sf(quantile))
