"""How far nights of one level scatter, when the nights may resemble their neighbours.

What lingers over nights (autocorrelated) under what each boot adds (not) makes an ARMA(1, 1)
process, whose autocorrelation at lag k is r * phi^(k-1) (Box, Jenkins and Reinsel, Time Series
Analysis, 4th edition, section 3.4.3). The mean of n such nights varies by

    s^2 / n * (1 + 2 * sum over k < n of (1 - k / n) * r * phi^(k-1))

(ibid., section 2.1.5). r is freed of its bias to first order (Marriott and Pope, Biometrika
41, 1954), then taken at its upper limit: a level's nights are too few to show that they do not
resemble each other, and to take that for granted makes a step of every neighbour that stays a week.
A negative one counts as none.
"""

from __future__ import annotations

import math

import numpy as np

from lab.detect.compiled import compiled
from lab.detect.rule import Floats

STRONGEST = 0.9
"""Beyond this a level is no level: half of a deviation is still there a week later."""
CERTAIN = 2.0
"""Standard errors (1 / sqrt(nights)) that r must reach before its decay is asked for."""
UPPER = 1.0
"""Standard errors that its upper limit lies above r."""


@compiled
def scatter(values: Floats) -> tuple[float, Floats]:
    """Mean of `values` (nights,), and sums about it: squares, products at lags 1 and 2, degrees."""
    mean = values.mean()
    rest = values - mean
    once, twice = (rest[1:] * rest[:-1]).sum(), (rest[2:] * rest[:-2]).sum()
    return mean, np.array([(rest**2).sum(), once, twice, values.size - 1.0])


@compiled
def autocorrelation(sums: Floats) -> tuple[float, float]:
    """Return the upper limit of r, and phi, from sums as of `scatter`.

    phi is r itself where r is hardly there.
    """
    squares, once, twice, degrees = sums
    if not squares > 0:
        return 0.0, 0.0
    raw, error = once / squares, 1 / math.sqrt(degrees)
    r = min(max(raw + (1 + 3 * raw) / degrees + UPPER * error, 0.0), STRONGEST)
    phi = r
    if raw > CERTAIN * error:
        phi = min(max(twice / once, r), STRONGEST)
    return r, phi


@compiled
def inflation(nights: int, r: float, phi: float) -> float:
    """Variance of the mean of `nights` correlated nights, by that of independent ones."""
    if phi == 0:
        return 1.0
    rest = 1 - phi
    lagged = phi / rest - phi * (1 - phi**nights) / (nights * rest**2)
    return 1 + 2 * r / phi * lagged


@compiled
def independent(degrees: float, r: float, phi: float) -> int:
    """Degrees of freedom left in a variance of correlated values, at least 1.

    The share 1 / (1 + 2 * sum of squared autocorrelations) of them: Bayley and Hammersley, The
    effective number of independent observations in an autocorrelated time series, JRSS
    supplement 8 (1946).
    """
    return max(int(degrees / (1 + 2 * r**2 / (1 - phi**2))), 1)
