"""Quantiles of a trial's events, by all of them and not by one or two."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SIZES = 64


def harrell_davis(values: ArrayLike, q: float) -> float:
    """Estimate the `q` quantile of values (n,), n >= 1, 0 < q < 1.

    The mean of the order statistics, weighted by the chance that each is the quantile (Harrell and
    Davis, A new distribution-free quantile estimator, Biometrika 69, 1982). The same as
    scipy.stats.mstats.hdquantiles, whose weights are not made anew for each of a run's trials.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return float(_weights(ordered.size, q) @ ordered)


@lru_cache(maxsize=SIZES)
def _weights(n: int, q: float) -> NDArray[np.float64]:
    edges = special.betainc(q * (n + 1), (1 - q) * (n + 1), np.arange(n + 1) / n)
    weights: NDArray[np.float64] = np.diff(edges)
    return weights
