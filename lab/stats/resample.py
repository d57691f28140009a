"""Bootstrap and permutation of many small samples at once, compiled.

A sample is a row of a matrix (samples, n). All samples of one matrix share the same resamples,
so that a row's answer depends on its values and the seed, not on what it is computed with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from lab.stats.location import pairs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.stats.location import Floats

EXACT = 13
"""Up to this many values all sign flips are tried: 2^12, the observed one among them."""
FLIPS = 9999
"""Random sign flips tried beyond."""
ROUNDING = 1e-9


def bootstrap(values: Floats, tail: float, number: int, seed: int) -> tuple[Floats, Floats]:
    """Quantiles `tail` and 1 - `tail` of the bootstrapped Hodges-Lehmann estimates.

    `values` is (samples, n), both answers (samples,); `number` resamples of n values each. The
    quantiles are the estimates of rank k and number + 1 - k, k = tail (number + 1), at least 1.
    """
    samples, n = values.shape
    first, second = pairs_of(n)
    averages = (values[:, first] + values[:, second]) / 2
    order = np.argsort(averages, axis=1)
    # The narrower the numbers, the more of them a CPU adds at once; sums go up to n (n + 1).
    narrow = np.min_scalar_type(n * (n + 1)).type
    low, high = np.empty(samples), np.empty(samples)
    _bootstrap(
        np.take_along_axis(averages, order, axis=1),
        first[order].astype(np.int32),
        second[order].astype(np.int32),
        np.ascontiguousarray(_counts(n, number, seed).T.astype(narrow)),
        (narrow(0), narrow(1), narrow(n * (n + 1) // 2)),
        max(1, int(tail * (number + 1))),
        low,
        high,
    )
    return low, high


def sign_flip_p(values: Floats, seed: int) -> Floats:
    """Two-sided p of a mean of 0, by flipping signs: (samples, n) to (samples,).

    The share of sign patterns whose mean is at least as far from 0. Exact up to 13 values; beyond,
    (1 + hits) / (1 + 9999) over random patterns. Fisher, The Design of Experiments, 1935,
    section 21; it needs nothing but that each sign might as well have been the other.
    """
    samples, n = values.shape
    found = np.empty(samples)
    if n <= EXACT:
        _all_flips(np.ascontiguousarray(values), found)
        return found
    signs = np.random.default_rng([seed, n]).choice(np.array([-1.0, 1.0]), (n, FLIPS))
    sums = np.abs(values.sum(axis=1)) * (1 - ROUNDING)
    for start in range(0, samples, 1000):
        part = slice(start, start + 1000)
        hits = (np.abs(values[part] @ signs) >= sums[part, None]).sum(axis=1)
        found[part] = (1 + hits) / (1 + FLIPS)
    return found


def _counts(n: int, number: int, seed: int) -> NDArray[np.int64]:
    """How often each of n values is in each resample: (number, n)."""
    drawn = np.random.default_rng([seed, n]).integers(0, n, (number, n))
    offsets = n * np.arange(number)[:, None]
    return np.bincount((drawn + offsets).ravel(), minlength=n * number).reshape(number, n)


@numba.njit(cache=True, nogil=True)
def _bootstrap(  # type: ignore[no-untyped-def]  # noqa: ANN202
    averages,  # noqa: ANN001
    first,  # noqa: ANN001
    second,  # noqa: ANN001
    counts,  # noqa: ANN001
    typed,  # noqa: ANN001
    rank,  # noqa: ANN001
    low,  # noqa: ANN001
    high,  # noqa: ANN001
):
    """Take the weighted median of the sorted Walsh averages in each resample.

    A resample that holds value i c_i times holds the pair (i, j) c_i c_j times and (i, i)
    c_i (c_i + 1) / 2 times; twice that is summed until half of the pairs are passed. `typed` are
    0, 1 and that half in the type of `counts`: any other would widen the sums.
    """
    zero, one, half = typed
    samples, size = averages.shape
    below = np.empty_like(counts[0])
    lower = np.empty_like(below)
    upper = np.empty_like(below)
    smallest = np.empty(rank)
    largest = np.empty(rank)
    for sample in range(samples):
        below[:] = zero
        lower[:] = zero
        upper[:] = zero
        for j in range(size):
            a = counts[first[sample, j]]
            b = counts[second[sample, j]]
            itself = one if first[sample, j] == second[sample, j] else zero
            for r in range(below.size):
                below[r] += a[r] * (b[r] + one) if itself else a[r] * b[r] + a[r] * b[r]
                lower[r] += one if below[r] < half else zero
                upper[r] += one if below[r] <= half else zero
        smallest[:] = np.inf
        largest[:] = -np.inf
        for r in range(below.size):
            middle = (averages[sample, lower[r]] + averages[sample, upper[r]]) / 2
            _insert(smallest, middle, 1)
            _insert(largest, middle, -1)
        low[sample] = smallest[-1]
        high[sample] = largest[-1]


@numba.njit(cache=True, nogil=True)
def _insert(best, value, sign):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Keep the best values in order: the smallest with sign 1, the largest with -1."""
    k = best.size - 1
    if sign * value < sign * best[k]:
        while k > 0 and sign * best[k - 1] > sign * value:
            best[k] = best[k - 1]
            k -= 1
        best[k] = value


@numba.njit(cache=True, nogil=True)
def _all_flips(values, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Walk through half of the sign patterns (the other half mirrors it) by Gray code."""
    samples, n = values.shape
    patterns = 1 << (n - 1)
    for sample in range(samples):
        total = 0.0
        for i in range(n):
            total += values[sample, i]
        bound = abs(total) * (1 - ROUNDING)
        signs = np.ones(n)
        hits = 1
        for pattern in range(1, patterns):
            # The bit that changes between two Gray codes is the lowest one set.
            bit = 0
            while not (pattern >> bit) & 1:
                bit += 1
            signs[bit] = -signs[bit]
            total += 2 * signs[bit] * values[sample, bit]
            hits += abs(total) >= bound
        found[sample] = hits / patterns
