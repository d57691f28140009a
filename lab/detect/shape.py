"""Step or drift: which of the two draws the nights better."""

from __future__ import annotations

import math

import numpy as np

from lab.detect.compiled import compiled
from lab.detect.rule import Floats

LEAST = 6
"""Nights on either side below which a drift cannot be told from a step."""


@compiled
def is_drift(values: Floats, split: int) -> bool:
    """Tell whether a level that begins to slope at some night fits better than two levels.

    `values` (nights,), `split` nights before the step. Both shapes have two coefficients and
    a place, so their sums of squares compare as they are.
    """
    count = values.size
    if min(split, count - split) < LEAST:
        return False
    step = values[:split].var() * split + values[split:].var() * (count - split)
    sloped = math.inf
    for start in range(count - LEAST):
        ramp = np.maximum(np.arange(count) - start, 0.0)
        ramp -= ramp.mean()
        rest = values - values.mean()
        slope = (ramp * rest).sum() / (ramp**2).sum()
        sloped = min(sloped, ((rest - slope * ramp) ** 2).sum())
    return bool(sloped < step)
