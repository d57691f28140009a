"""One series of trials against another of the same blocks: what something costs, not a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab.stats import estimate
from lab.stats.estimate import CONFIDENCE, MIN_BLOCKS, Floats
from lab.stats.model import Estimate

SEED = 20181024


@dataclass(frozen=True)
class Contrast:
    """Median of `treated` by and less that of `baseline`, over the `n` blocks that have both.

    The intervals are paired bootstrap intervals over blocks; with fewer than MIN_BLOCKS there
    are none. `ratio` is None where the baseline is not positive.
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
    base = float(np.median(second))
    ratio = None
    if both.min() > 0:
        quotient = float(estimate.ratio_of_medians(first, second))
        ratio = _estimate(quotient, first, second, estimate.ratio_interval)
    difference = _estimate(
        float(np.median(first)) - base, first, second, estimate.difference_interval
    )
    return Contrast(len(both), base, ratio, difference)


def _estimate(
    value: float, treated: Floats, baseline: Floats, interval: estimate.Interval
) -> Estimate:
    if treated.size < MIN_BLOCKS:
        return Estimate(value, None, None, None)
    return Estimate(value, *interval(treated, baseline, SEED), CONFIDENCE)
