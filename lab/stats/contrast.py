"""One series of trials against another of the same blocks: what something costs, not a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab.stats.interval import MIN_BLOCKS, interval
from lab.stats.location import CONFIDENCE, Floats, hodges_lehmann
from lab.stats.model import Estimate


@dataclass(frozen=True)
class Contrast:
    """`treated` by and less `baseline`, over the `n` blocks that have both.

    Hodges-Lehmann estimates of the blocks' ratios and differences, with the intervals of
    comparisons; with fewer than MIN_BLOCKS there are none. `baseline` is the baseline's median;
    `ratio` is None where a value is not positive.
    """

    n: int
    baseline: float
    ratio: Estimate | None
    difference: Estimate


def contrast(treated: pd.Series[float], baseline: pd.Series[float]) -> Contrast | None:
    """Compare two series indexed by block; None where they share no block."""
    both = pd.concat([treated, baseline], axis=1, join="inner").dropna().to_numpy(float)
    if not len(both):
        return None
    first, second = both.T
    ratio = None
    if both.min() > 0:
        ratio = _estimate(np.log(first) - np.log(second), math.exp)
    return Contrast(len(both), float(np.median(second)), ratio, _estimate(first - second, float))


def _estimate(values: Floats, shown: Callable[[float], float]) -> Estimate:
    """Location of values (n,) with its interval, in what `shown` makes of them."""
    if values.size < MIN_BLOCKS:
        return Estimate(shown(float(hodges_lehmann(values))), None, None, None)
    location, low, high = (shown(float(each[0])) for each in interval(values[None]))
    return Estimate(location, low, high, CONFIDENCE)
