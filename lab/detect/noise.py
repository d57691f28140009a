"""How far nights of one level scatter, when the nights may resemble their neighbours.

With first-order autocorrelation phi the mean of n nights varies by

    s^2 / n * (1 + 2 * sum over j < n of (1 - j / n) * phi^j)

(Box, Jenkins and Reinsel, Time Series Analysis, 4th edition, section 2.1.5 with the AR(1)
autocorrelations of section 3.2.3). The estimate of phi is freed of its bias to first
order (Marriott and Pope, Biometrika 41, 1954), and a negative one counts as none: it would
make claims bolder.
"""

from __future__ import annotations

import numpy as np

from lab.detect.compiled import compiled
from lab.detect.rule import Floats

STRONGEST = 0.9
"""Beyond this a level is no level: half of a deviation is still there a week later."""


@compiled
def scatter(values: Floats) -> tuple[float, Floats]:
    """Mean of `values` (nights,), and sums about it: squares, products of neighbours, degrees."""
    mean = values.mean()
    rest = values - mean
    return mean, np.array([(rest**2).sum(), (rest[1:] * rest[:-1]).sum(), values.size - 1.0])


@compiled
def autocorrelation(sums: Floats) -> float:
    squares, products, degrees = sums
    if not squares > 0:
        return 0.0
    raw = products / squares
    return float(min(max(raw + (1 + 3 * raw) / degrees, 0.0), STRONGEST))


@compiled
def inflation(nights: int, phi: float) -> float:
    """Variance of the mean of `nights` correlated nights, by that of independent ones."""
    if phi == 0:
        return 1.0
    rest = 1 - phi
    return (1 + phi) / rest - 2 * phi * (1 - phi**nights) / (nights * rest**2)


@compiled
def independent(degrees: float, phi: float) -> int:
    """Degrees of freedom left in a variance of correlated values, at least 1.

    Bayley and Hammersley, The effective number of independent observations in an
    autocorrelated time series, JRSS supplement 8 (1946): of a variance's degrees the share
    (1 - phi^2) / (1 + phi^2) is left.
    """
    return max(int(degrees * (1 - phi**2) / (1 + phi**2)), 1)
