"""From the trials of a night to one value with its error.

A night's value is the 20 % trimmed mean of its log trials, its squared error from their
winsorized variance (Tukey and McLaughlin, Sankhya A 25, 1963; Yuen, Biometrika 61, 1974): a
spoilt trial does not move it, and of well-behaved ones little is lost. The error is
that within the night; what differs between nights is for the judges to see.
"""

from __future__ import annotations

import math

import numpy as np

from lab.detect.compiled import compiled
from lab.detect.rule import Floats

TRIM = 0.2
FEW = 2


@compiled
def summarise(trials: Floats) -> tuple[Floats, Floats]:
    """Locate nights: positive `trials` (nights, trials) to log values and squared errors (nights,).

    Trials that are NaN are not there. A night without any is NaN, and so is the error of
    a night with one.
    """
    nights = trials.shape[0]
    values, errors = np.full(nights, np.nan), np.full(nights, np.nan)
    logs = np.empty(trials.shape[1])
    for night in range(nights):
        n = 0
        for trial in trials[night]:
            if not math.isnan(trial):
                logs[n] = math.log(trial)
                n += 1
        if n:
            values[night], errors[night] = _trimmed(np.sort(logs[:n]))
    return values, errors


@compiled
def _trimmed(ordered: Floats) -> tuple[float, float]:
    n = ordered.size
    cut = int(TRIM * n)
    kept = n - 2 * cut
    mean = ordered[cut : n - cut].mean()
    if n < FEW:
        return mean, np.nan
    low, high = ordered[cut], ordered[n - cut - 1]
    winsorized = np.minimum(np.maximum(ordered, low), high)
    centre = winsorized.mean()
    squares = ((winsorized - centre) ** 2).sum()
    return mean, squares / (kept * max(kept - 1, 1))
