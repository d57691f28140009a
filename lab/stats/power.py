"""What a number of blocks can show, before and after they have run.

`spread` is the standard deviation of one block's log ratio, whatever it was taken from: a pilot,
an earlier run, the run itself. A change has to pass the t test and the interval, so both limit
what is found.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import stats

from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import CONFIDENCE, Floats

ALPHA = 0.05
POWER = 0.80
MANY_BLOCKS = 100_000
WIDER = 1.08
"""Bootstrap intervals of normal values are 4 to 9 % wider than Student's, from seven blocks on."""
LONGER = 0.5
"""Weight of the longer arm of a lopsided interval, calibrated: `results/calibration.md`."""
OF_REACH = 0.95
"""A passed interval is often a passed t test, too: what both need is a little less. Calibrated."""
SIX = 4.4
"""Standard errors after which the signs of all six blocks agree four times in five, if values are
normal: Phi(4.4 / sqrt(6))^6 = 0.8. For others see BEYOND."""
BEYOND = 1.05
"""An effect by the distance of the farthest of six blocks: no sign is then left to disagree,
wherever that block lies; a little more, since the location is itself an estimate. Calibrated:
without it effects on spoilt trials are found 67 times in a hundred, with 1 for it 71 times."""


def detectable_ratio(
    spread: float, n: int, alpha: float = ALPHA, power: float = POWER, pilot: float = math.inf
) -> float:
    """Smallest ratio above 1 that `n` blocks to come show at `alpha` with `power`.

    exp((t[1 - alpha/2, n-1] + t[power, n-1]) spread / sqrt(n)): the minimum detectable effect of
    Bloom, Minimum detectable effects, Evaluation Review 19 (1995), on the log scale. `pilot` are
    the degrees of freedom that `spread` is known with: where they are few, more is needed for
    `power` to hold over all the pilots that might have been.
    Raises ValueError below MIN_BLOCKS, where nothing can be shown.
    """
    if n < MIN_BLOCKS:
        raise ValueError(f"{n} blocks show nothing: at least {MIN_BLOCKS} are needed")
    return math.exp(_errors_to_come(n, alpha, power, pilot) * spread / math.sqrt(n))


@cache
def _errors_to_come(n: int, alpha: float, power: float, pilot: float) -> float:
    """How many standard errors an effect needs in a run whose spread a pilot foretells.

    With `pilot` degrees of freedom a quantile of the noncentral t distribution takes the place of
    the normal one: Julious and Owen, Sample size calculations for clinical studies allowing for
    uncertainty about the variance, Pharmaceutical Statistics 5 (2006).
    """
    errors = max(_errors(n - 1, alpha, power), WIDER * _of_t(n - 1, ALPHA, power))
    if math.isinf(pilot):
        return errors
    return float(stats.nct.ppf(power, pilot, errors - stats.norm.ppf(power)))


def blocks_needed(
    spread: float, ratio: float, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Fewest blocks that show `ratio` at `alpha` with `power`; None where 100,000 do not."""
    found = float(blocks(np.array([spread]), math.log(ratio), alpha, power)[0])
    return None if math.isnan(found) else int(found)


def expected_width(spread: float, n: int) -> float:
    """Ratio of the 95 % interval's ends that `n` blocks are expected to give: high / low.

    Raises ValueError below MIN_BLOCKS, where there is no interval.
    """
    if n < MIN_BLOCKS:
        raise ValueError(f"{n} blocks have no interval: at least {MIN_BLOCKS} are needed")
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * spread / math.sqrt(n)
    return math.exp(2 * WIDER * float(reach))


def detectable(
    below: Floats,
    above: Floats,
    blur: Floats,
    farthest: Floats,
    error: Floats,
    freedom: float,
    alpha: float,
) -> Floats:
    """Smallest log ratio that would have been found with 80 % power, given what a run showed.

    The largest of what the t test needs at `alpha`, `error` its standard error, of what the
    interval needs, which reaches `below` and `above` its location and is made wider by `blur` on
    either side, the error of values read from buckets, and of what the sign-flip test of six blocks
    needs, whose `farthest` is so far from the location (0 with more blocks).
    """
    reach = (1 - LONGER) * (below + above) / 2 + LONGER * np.maximum(below, above)
    power = stats.t.ppf(POWER, freedom) / stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    of_interval = OF_REACH * reach * (1 + power) + blur
    of_t = _errors(freedom, alpha, POWER) * error
    found: Floats = np.maximum(np.maximum(of_t, of_interval), BEYOND * farthest)
    return found


def blocks(spread: Floats, effect: float, alpha: Floats | float, power: float = POWER) -> Floats:
    """Fewest blocks that show the log ratio `effect`, for each spread; NaN beyond 100,000.

    Guenther, Sample size formulas for normal theory t tests, The American Statistician 35 (1981).
    """
    quantile = stats.norm.ppf(1 - np.asarray(alpha) / 2)
    least = WIDER * (stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(power))
    errors = np.maximum(quantile + stats.norm.ppf(power), least)
    n = np.ceil(np.square(errors * spread / effect) + quantile**2 / 2)
    return np.where(n > MANY_BLOCKS, np.nan, np.maximum(n, MIN_BLOCKS))


def _errors(freedom: float, alpha: float, power: float) -> float:
    """How many standard errors an effect needs to pass the tests at `alpha` with `power`.

    With six blocks the sign-flip test passes only if all signs agree, which asks for more.
    """
    of_t = _of_t(freedom, alpha, power)
    return of_t if freedom != MIN_BLOCKS - 1 else max(of_t, SIX)


def _of_t(freedom: float, alpha: float, power: float) -> float:
    """How many of them a t test needs."""
    return float(stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(power, freedom))
