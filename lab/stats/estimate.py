"""The numbers behind a comparison; each function takes trials, not the events inside them.

How far the intervals can be trusted at these sizes is measured by
`tests/benchmarks/coverage.py`; the figures stand in `lab/stats/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.stats.model import Estimate

Floats = NDArray[np.float64]
Interval = Callable[[Floats, Floats, int], tuple[float, float]]

CONFIDENCE = 0.95
POWER = 0.80
RESAMPLES = 4999
NO_SPREAD = 1e-9
"""Log ratios closer together than this are the same but for rounding."""
MIN_BLOCKS = 5
"""Below five pairs even the widest interval for a median, from the smallest value to the
largest, covers it less than 90 % of the time (1 - 2 / 2^n)."""


def ratio_of_medians(treated: Floats, reference: Floats, axis: int = -1) -> Floats | np.float64:
    """Median by median, along `axis`."""
    quotient: Floats | np.float64 = np.median(treated, axis) / np.median(reference, axis)
    return quotient


def difference_of_medians(
    treated: Floats, reference: Floats, axis: int = -1
) -> Floats | np.float64:
    """Median less median, along `axis`."""
    difference: Floats | np.float64 = np.median(treated, axis) - np.median(reference, axis)
    return difference


def ratio_interval(
    treated: Floats, reference: Floats, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the ratio of medians; arrays (n,), paired by block."""
    return _interval(ratio_of_medians, treated, reference, seed, resamples)


def difference_interval(
    treated: Floats, reference: Floats, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the difference; arrays (n,), paired by block."""
    return _interval(difference_of_medians, treated, reference, seed, resamples)


def _interval(
    statistic: Callable[..., Floats | np.float64],
    treated: Floats,
    reference: Floats,
    seed: int,
    resamples: int,
) -> tuple[float, float]:
    """Resample blocks.

    Percentile and not BCa: the jackknife behind BCa's acceleration fails for medians
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 11.6), and its
    coverage is measurably worse here.
    """
    result: Any = stats.bootstrap(  # type: ignore[call-overload]  # a statistic with an axis
        (treated, reference),
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def paired_p(log_ratios: Floats) -> float:
    """Two-sided p of a paired t test on log ratios (n,), which must spread by NO_SPREAD or more.

    Not a permutation test: with n blocks its smallest p is 2 / 2^n, 0.063 at n = 5 and
    0.0078 at n = 8, which no correction over a family of dozens can leave below 0.05.
    """
    return float(stats.ttest_1samp(log_ratios, 0).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values so that comparing each with alpha keeps the family-wise error at alpha.

    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    steps = p[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(each) for each in adjusted]


def detectable_ratio(log_ratios: Floats, alpha: float) -> float:
    """Smallest ratio above 1 that a paired t test at `alpha` finds with 80 % power.

    exp((t[1 - alpha/2, n-1] + t[power, n-1]) * s / sqrt(n)) with s the standard deviation
    of the log ratios (n,): the minimum detectable effect of Bloom, Minimum detectable
    effects, Evaluation Review 19 (1995), on the log scale. An approximation that takes the
    observed spread for the true one.
    """
    n = log_ratios.size
    multiplier = stats.t.ppf(1 - alpha / 2, n - 1) + stats.t.ppf(POWER, n - 1)
    return float(np.exp(multiplier * np.std(log_ratios, ddof=1) / np.sqrt(n)))


def median_interval(values: Floats) -> Estimate:
    """Median of values (n,) with a distribution-free interval between two order statistics.

    The narrowest that covers at least 95 %, else from the smallest to the largest value,
    with its true coverage 1 - 2 F(k), F the binomial distribution with p = 1/2 (David and
    Nagaraja, Order Statistics, 3rd edition, section 7.1). No interval below three values.
    """
    ordered = np.sort(values)
    n = ordered.size
    median = float(np.median(ordered))
    if n < 3:  # noqa: PLR2004
        return Estimate(median, None, None, None)
    k, coverage = _cut(n)
    return Estimate(median, float(ordered[k]), float(ordered[n - 1 - k]), coverage)


@cache
def _cut(n: int) -> tuple[int, float]:
    """How many of n sorted values to leave out at each end, and what the rest covers."""
    cut = [1 - 2 * float(stats.binom.cdf(k, n, 0.5)) for k in range((n - 1) // 2 + 1)]
    k = max((k for k, coverage in enumerate(cut) if coverage >= CONFIDENCE), default=0)
    return k, cut[k]
