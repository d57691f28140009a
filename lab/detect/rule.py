"""What counts as a change: the knobs of the judges, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """How the judges judge; shares are relative changes, p values two-sided.

    `minimum_effect`: smaller changes are nobody's business. `window`: nights that a baseline and
    what followed it are looked for in; what drifts more slowly than this shows is not seen.
    `nights`: what a baseline must have before anything is said. `clip`: no night weighs more than
    this many standard deviations, so that one spike is no change.

    `p_tonight` makes a night stand out, `p_alone` far enough to be run again at once, `p_shift`
    times the nights since makes a change point (see `by_nights`), and at `p_settled` it is the new
    baseline. They are small because the question is asked every night and for the best of many
    splits. What each costs and yields is measured in results/detection.md.
    """

    minimum_effect: float = 0.005
    window: int = 120
    nights: int = 10
    clip: float = 4.0
    p_tonight: float = 1e-3
    p_alone: float = 1e-4
    p_shift: float = 4e-4
    p_settled: float = 1e-5

    def __post_init__(self) -> None:
        if not self.minimum_effect > 0:
            raise UsageError(f"minimum_effect is {self.minimum_effect}: it must be above 0")
        if self.nights < 5:  # noqa: PLR2004  (the scale of fewer values means nothing)
            raise UsageError(f"a baseline of {self.nights} nights is too short: 5 at least")
        if self.window < 2 * self.nights:
            raise UsageError(
                f"a window of {self.window} nights is too short: it must hold two baselines"
                f" of {self.nights}"
            )


def log_share(share: float) -> float:
    """Return a relative change as a difference of logarithms."""
    return math.log1p(share)


@cache
def critical(p: float, degrees: int) -> Floats:
    """Return Student's t that is exceeded with probability `p` (two-sided), for 1 … `degrees`.

    Entry 0 is infinite: without a degree of freedom nothing is significant.
    """
    freedom = np.arange(1, degrees + 1)
    return np.concatenate([[np.inf], stats.t.isf(p / 2, freedom)])


@cache
def by_nights(p: float, degrees: int, nights: int) -> Floats:
    """Return `critical` for changes seen on 0 … `nights` nights, (nights + 1, degrees + 1).

    A change of n nights is tested at n * p. Short stretches are many, and new ones come every
    night; long ones overlap, and one of n nights is news every n nights. So each length is wrong
    about as often, and what is small but lasts is not held to what a bad pair of nights must be:
    the penalty by scale of Dümbgen and Spokoiny, Multiscale testing of qualitative hypotheses,
    Annals of Statistics 29 (2001).
    """
    return np.stack([critical(min(n * p, 1.0), degrees) for n in range(nights + 1)])
