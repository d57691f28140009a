"""Log-linear histograms, the same buckets as the eBPF programs count in.

A value below 32 has a bucket of its own; above, every power of two is cut into
32 equal buckets. The relative width is at most 1/32, so the middle of a bucket is
within 1/64 of every value in it (`results/FORMAT.md`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Pairs = Iterable[tuple[int, int] | list[int]]

LINEAR_BITS = 5
LINEAR = 1 << LINEAR_BITS
RESOLUTION = 1 / (2 * LINEAR)
"""How far the middle of a bucket is from any value in it, at most, by that value."""


def bucket(values: ArrayLike) -> NDArray[np.int64]:
    """Buckets of whole, non-negative values; same shape. Raises ValueError below zero."""
    exact = np.asarray(values)
    if np.any(exact < 0):
        raise ValueError("a histogram of times has no bucket below zero")
    whole = exact.astype(np.uint64)
    shift = np.maximum(_highest_bit(whole), LINEAR_BITS) - LINEAR_BITS
    return (LINEAR * shift + (whole >> shift.astype(np.uint64)).astype(np.int64)).astype(np.int64)


def bounds(buckets: ArrayLike) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Smallest and largest value of each bucket; same shape."""
    number = np.asarray(buckets, dtype=np.int64)
    shift = np.maximum(number // LINEAR - 1, 0)
    low = (number - LINEAR * shift).astype(np.uint64) << shift.astype(np.uint64)
    width = np.uint64(1) << shift.astype(np.uint64)
    return low, low + (width - np.uint64(1))


def midpoint(buckets: ArrayLike) -> NDArray[np.float64]:
    """Middle of the values of each bucket; same shape."""
    low, high = bounds(buckets)
    return low.astype(np.float64) + (high - low).astype(np.float64) / 2


def quantile(pairs: Pairs, q: float) -> float | None:
    """Return the `q` quantile of (bucket, count) pairs as the middle of its bucket; None if empty.

    The quantile is the smallest value that at least `q` of the counted values do not exceed.
    """
    counts = np.array(merge(pairs), dtype=np.int64).reshape(-1, 2)
    cumulative = np.cumsum(counts[:, 1])
    if not cumulative.size or cumulative[-1] == 0:
        return None
    # At least one value, so that q = 0 is the smallest one seen.
    rank = max(1, int(np.ceil(q * int(cumulative[-1]))))
    return float(midpoint(counts[np.searchsorted(cumulative, rank), 0]))


def merge(*histograms: Pairs) -> list[tuple[int, int]]:
    """One histogram of all counts, as (bucket, count) pairs in rising order."""
    total: Counter[int] = Counter()
    for pairs in histograms:
        for number, count in pairs:
            total[number] += count
    return sorted(total.items())


def _highest_bit(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Position of the highest set bit, 0 for 0; exact, unlike a float logarithm."""
    position = np.zeros(values.shape, dtype=np.int64)
    rest = values.copy()
    for step in (32, 16, 8, 4, 2, 1):
        upper = rest >> np.uint64(step)
        position += np.where(upper > 0, step, 0)
        rest = np.where(upper > 0, upper, rest)
    return position
