"""What a number of blocks can show, before and after they have run.

`spread` is the standard deviation of one block's log ratio, whatever it was taken from: a pilot,
an earlier run, the run itself.
"""

from __future__ import annotations

import math

from scipy import stats

ALPHA = 0.05
POWER = 0.80
MIN_BLOCKS = 6
"""The sign-flip test of n blocks has no p value below 2 / 2^n: 0.063 with five, 0.031 with six."""
MANY_BLOCKS = 100_000


def detectable_ratio(spread: float, n: int, alpha: float = ALPHA, power: float = POWER) -> float:
    """Smallest ratio above 1 that `n` blocks show at `alpha` with `power`.

    exp((t[1 - alpha/2, n-1] + t[power, n-1]) spread / sqrt(n)): the minimum detectable effect of
    Bloom, Minimum detectable effects, Evaluation Review 19 (1995), on the log scale.
    Raises ValueError below two blocks.
    """
    if n < 2:  # noqa: PLR2004
        raise ValueError("one block has no spread to tell an effect from")
    return math.exp(_multiplier(n, alpha, power) * spread / math.sqrt(n))


def blocks_needed(
    spread: float, ratio: float, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Fewest blocks that show `ratio` at `alpha` with `power`; None where 100,000 do not."""
    effect = abs(math.log(ratio))
    enough = next(
        (n for n in _doubling() if _multiplier(n, alpha, power) * spread <= effect * math.sqrt(n)),
        None,
    )
    if enough is None:
        return None
    low, high = MIN_BLOCKS, enough
    while low < high:
        middle = (low + high) // 2
        if _multiplier(middle, alpha, power) * spread <= effect * math.sqrt(middle):
            high = middle
        else:
            low = middle + 1
    return low


def expected_width(spread: float, n: int, alpha: float = ALPHA) -> float:
    """Ratio of the interval's ends that `n` blocks are expected to give: high / low.

    Raises ValueError below two blocks.
    """
    if n < 2:  # noqa: PLR2004
        raise ValueError("one block has no spread to make an interval of")
    return math.exp(2 * float(stats.t.ppf(1 - alpha / 2, n - 1)) * spread / math.sqrt(n))


def _multiplier(n: int, alpha: float, power: float) -> float:
    return float(stats.t.ppf(1 - alpha / 2, n - 1) + stats.t.ppf(power, n - 1))


def _doubling() -> list[int]:
    sizes = [MIN_BLOCKS]
    while sizes[-1] < MANY_BLOCKS:
        sizes.append(min(2 * sizes[-1], MANY_BLOCKS))
    return sizes
