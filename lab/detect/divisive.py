"""E-divisive means: where a series is best split in two, kept up to date night by night.

The statistic is that of Matteson and James, A Nonparametric Approach for Multiple Change Point
Analysis of Multivariate Data, JASA 109 (2014), section 2.1 and equation 5, with exponent 1; of a
split into m nights before and n after, with all pairwise distances |x - y|,

    Q = mn / (m + n) * (2 / mn * between - 2 / m(m-1) * before - 2 / n(n-1) * after).

Adding or dropping a night takes time in proportion to the window, not to its square: `before[t]`
is the sum of distances among the first t nights, `after[t]` among those from t on, and
`before[count]` among all, which leaves `between`.
"""

from __future__ import annotations

import numpy as np

from lab.detect.compiled import compiled
from lab.detect.rule import Floats


@compiled
def push(values: Floats, before: Floats, after: Floats, count: int, value: float) -> None:
    """Add `value` behind the `count` that `values` holds; the arrays have room for one more."""
    distance = 0.0
    for i in range(count - 1, -1, -1):
        distance += abs(values[i] - value)
        after[i] += distance
    values[count] = value
    after[count] = 0.0
    before[count + 1] = before[count] + distance


@compiled
def drop(values: Floats, before: Floats, after: Floats, count: int) -> None:
    """Forget the oldest of `count` values."""
    first = values[0]
    distance = 0.0
    for split in range(1, count + 1):
        before[split - 1] = before[split] - distance
        if split < count:
            distance += abs(values[split] - first)
            values[split - 1] = values[split]
            after[split - 1] = after[split]
    # Differences of sums: nothing below the first two nights may be left over.
    before[0] = before[1] = 0.0


@compiled
def best_split(
    before: Floats, after: Floats, count: int, least_before: int, least_after: int
) -> tuple[int, float]:
    """Return the split with the largest Q, as the nights before it, and that Q; (0, 0) for none."""
    best, largest = 0, 0.0
    total = before[count]
    for m in range(max(least_before, 2), count - max(least_after, 2) + 1):
        n = count - m
        between = total - before[m] - after[m]
        spread = 2 * n / (m - 1) * before[m] + 2 * m / (n - 1) * after[m]
        q = (2 * between - spread) / count
        if q > largest:
            best, largest = m, q
    return best, largest


def split(values: Floats, least_before: int = 2, least_after: int = 2) -> tuple[int, float]:
    """Return `best_split` of `values` (nights,)."""
    held, before, after = (np.zeros(values.size + 1) for _ in range(3))
    for count, value in enumerate(values):
        push(held, before, after, count, value)
    return best_split(before, after, values.size, least_before, least_after)
