"""Effects of many settings at once: log ratios by block, how sure they are, and what they miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from lab.stats import resample
from lab.stats.interval import MIN_BLOCKS, RESAMPLES, SEED, Interval, interval
from lab.stats.location import CONFIDENCE, Floats, hodges_lehmann

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_SPREAD = 1e-9
"""Log ratios closer together than this are the same but for rounding."""
MIN_BOOTS = 3
"""Two boots cannot tell how boots differ: the t quantile of one degree of freedom is 12.7."""


@dataclass(frozen=True)
class Effects:
    """Arrays with one value for each row of the log ratios they were made of.

    `log_ratio` is the location, `low` to `high` its 95 % interval. `standard_error` and `freedom`
    are those of the t tests `p` (of no effect) and `p_equivalent` (of an effect outside the
    margin); `p_permutation` is the sign-flip test's. `p_boots` tests that boots differ no more
    than their blocks explain, 1 with a single boot. Values without spread have no p (NaN).
    `farthest` is how far the farthest of six blocks lies from the location, 0 with more blocks.
    """

    log_ratio: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    freedom: Floats
    p: Floats
    p_permutation: Floats
    p_equivalent: Floats
    p_boots: Floats
    farthest: Floats


def effects(
    log_ratios: Floats,
    boots: NDArray[np.int64],
    margin: float,
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Effects:
    """Effects of `log_ratios` (pairs, n), n >= 6, whose columns lie in `boots` (n,).

    Trials are nested in blocks, and blocks in boots. Blocks are resampled whole. Where three or
    more boots differ more than their blocks explain, blocks of a boot share its luck, and boots
    take the place of blocks: a t interval over their locations (too few for percentiles: three
    boots have ten resamples). So do two or one in what they cannot tell: their interval speaks for
    these boots alone.
    """
    n = log_ratios.shape[1]
    over_blocks = interval(log_ratios, seed, resamples)
    error = log_ratios.std(axis=1, ddof=1) / np.sqrt(n)
    found = _Over(over_blocks, log_ratios.mean(axis=1), error, np.full(error.shape, n - 1.0))
    p_boots = np.ones(len(log_ratios))
    labels = np.unique(boots)
    if 1 < labels.size < n:
        excess, p_boots = _excess(log_ratios, boots)
        if labels.size >= MIN_BOOTS:
            found = _where(excess > 1, _over_boots(log_ratios, boots), found)
    spread = np.ptp(log_ratios, axis=1) > NO_SPREAD
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(found.mean) / found.error, found.freedom)
        inside = (np.log(margin) - np.abs(found.mean)) / found.error
        p_equivalent = stats.t.sf(inside, found.freedom)
    return Effects(
        *found.interval,
        found.error,
        found.freedom,
        np.where(spread, p, np.nan),
        resample.sign_flip_p(log_ratios, seed),
        np.where(spread, p_equivalent, np.nan),
        p_boots,
        _farthest(log_ratios, over_blocks.location),
    )


@dataclass(frozen=True)
class _Over:
    """What is known when blocks, or boots, are the independent units."""

    interval: Interval
    mean: Floats
    error: Floats
    freedom: Floats


def _farthest(log_ratios: Floats, location: Floats) -> Floats:
    if log_ratios.shape[1] > MIN_BLOCKS:
        return np.zeros_like(location)
    found: Floats = np.abs(log_ratios - location[:, None]).max(axis=1)
    return found


def _over_boots(log_ratios: Floats, boots: NDArray[np.int64]) -> _Over:
    """Take each boot's location for one value."""
    labels = np.unique(boots)
    locations = np.stack([hodges_lehmann(log_ratios[:, boots == each]) for each in labels], axis=1)
    mean = locations.mean(axis=1)
    error = locations.std(axis=1, ddof=1) / np.sqrt(labels.size)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, labels.size - 1) * error
    freedom = np.full(error.shape, labels.size - 1.0)
    return _Over(Interval(mean, mean - reach, mean + reach), mean, error, freedom)


def _where(condition: NDArray[np.bool_], first: _Over, other: _Over) -> _Over:
    return _Over(
        Interval(
            *(
                np.where(condition, a, b)
                for a, b in zip(first.interval, other.interval, strict=True)
            )
        ),
        np.where(condition, first.mean, other.mean),
        np.where(condition, first.error, other.error),
        np.where(condition, first.freedom, other.freedom),
    )


def _excess(log_ratios: Floats, boots: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """F of one-way analysis of variance over boots, and its p; 1 where nothing spreads."""
    groups = [log_ratios[:, boots == each] for each in np.unique(boots)]
    with np.errstate(divide="ignore", invalid="ignore"):
        within = sum(((g - g.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for g in groups)
        middle = log_ratios.mean(axis=1)
        between = sum(g.shape[1] * (g.mean(axis=1) - middle) ** 2 for g in groups)
        freedom = (len(groups) - 1, log_ratios.shape[1] - len(groups))
        f = (between / freedom[0]) / (within / freedom[1])
    f = np.nan_to_num(f, nan=1.0, posinf=np.inf)
    return f, stats.f.sf(f, *freedom)
