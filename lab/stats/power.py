"""What a number of blocks can show, before and after they have run.

`spread` is the standard deviation of one block's log ratio, whatever it was taken from: a pilot,
an earlier run, the run itself.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import Floats

ALPHA = 0.05
POWER = 0.80
MANY_BLOCKS = 100_000


def detectable_ratio(spread: float, n: int, alpha: float = ALPHA, power: float = POWER) -> float:
    """Smallest ratio above 1 that `n` blocks show at `alpha` with `power`.

    exp((t[1 - alpha/2, n-1] + t[power, n-1]) spread / sqrt(n)): the minimum detectable effect of
    Bloom, Minimum detectable effects, Evaluation Review 19 (1995), on the log scale.
    Raises ValueError below MIN_BLOCKS, where nothing can be shown.
    """
    if n < MIN_BLOCKS:
        raise ValueError(f"{n} blocks show nothing: at least {MIN_BLOCKS} are needed")
    return math.exp(float(multiplier(n - 1, alpha, power)) * spread / math.sqrt(n))


def blocks_needed(
    spread: float, ratio: float, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Fewest blocks that show `ratio` at `alpha` with `power`; None where 100,000 do not."""
    found = float(blocks(np.array([spread]), math.log(ratio), alpha, power)[0])
    return None if math.isnan(found) else int(found)


def expected_width(spread: float, n: int, alpha: float = ALPHA) -> float:
    """Ratio of the interval's ends that `n` blocks are expected to give: high / low.

    Raises ValueError below MIN_BLOCKS, where there is no interval.
    """
    if n < MIN_BLOCKS:
        raise ValueError(f"{n} blocks have no interval: at least {MIN_BLOCKS} are needed")
    return math.exp(2 * float(stats.t.ppf(1 - alpha / 2, n - 1)) * spread / math.sqrt(n))


def multiplier(freedom: Floats | float, alpha: Floats | float, power: float = POWER) -> Floats:
    """How many standard errors an effect needs to be found at `alpha` with `power`.

    With six blocks the sign-flip test passes only if all signs agree, which asks for more.
    """
    freedom = np.asarray(freedom, dtype=np.float64)
    of_t = stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(power, freedom)
    signs = stats.norm.ppf(power ** (1 / MIN_BLOCKS)) * math.sqrt(MIN_BLOCKS)
    return np.where(freedom == MIN_BLOCKS - 1, np.maximum(of_t, signs), of_t)


def blocks(spread: Floats, effect: float, alpha: Floats | float, power: float = POWER) -> Floats:
    """Fewest blocks that show the log ratio `effect`, for each spread; NaN beyond 100,000.

    Guenther, Sample size formulas for normal theory t tests, The American Statistician 35 (1981).
    """
    quantile = stats.norm.ppf(1 - alpha / 2)
    unit = ((quantile + stats.norm.ppf(power)) / abs(effect)) ** 2
    n = np.maximum(np.ceil(unit * np.square(spread) + quantile**2 / 2), MIN_BLOCKS)
    return np.where(n > MANY_BLOCKS, np.nan, n)
