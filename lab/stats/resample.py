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
STRIDE = 4
"""Averages that are summed before it is looked how far the sums are."""


def bootstrap(values: Floats, tail: float, number: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Hodges-Lehmann estimates, and the quantiles `tail` and 1 - `tail` of their bootstrap.

    `values` is (samples, n), the answers (samples,); `number` resamples of n values each. The
    quantiles are the estimates of rank k and number + 1 - k, k = tail (number + 1), at least 1.
    """
    samples, n = values.shape
    first, second = pairs_of(n)
    averages = (values[:, first] + values[:, second]) / 2
    order = np.argsort(averages, axis=1)
    averages = np.take_along_axis(averages, order, axis=1)
    # The narrower the numbers, the more of them a CPU adds at once; sums go up to n (n + 1).
    narrow = np.min_scalar_type(n * (n + 1)).type
    low, high = np.empty(samples), np.empty(samples)
    _bootstrap(
        averages,
        first[order].astype(np.int32),
        second[order].astype(np.int32),
        np.ascontiguousarray(_counts(n, number, seed).T.astype(narrow)),
        (narrow(0), narrow(1), narrow(n * (n + 1) // 2)),
        max(1, int(tail * (number + 1))),
        low,
        high,
    )
    middle = first.size // 2
    return (averages[:, -1 - middle] + averages[:, middle]) / 2, low, high


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
    """Take the weighted median of the sorted Walsh averages in each resample, as far as it counts.

    A resample that holds value i c_i times holds the pair (i, j) c_i c_j times and (i, i)
    c_i (c_i + 1) / 2 times; twice that is summed until half of the pairs are passed. Sums start at
    either end and go on until in `rank` resamples the median is passed: all others lie beyond.
    `typed` are 0, 1 and that half in the type of `counts`: any other would widen the sums.
    """
    zero, one, half = typed
    samples, size = averages.shape
    sums = np.empty_like(counts[0])
    best = np.empty(rank)
    for sample in range(samples):
        for step in (1, -1):
            start = 0 if step == 1 else size - 1
            sums[:] = zero
            passed = 0
            done = 0
            while passed < rank:
                for j in range(done, min(done + STRIDE, size)):
                    at = start + step * j
                    a = counts[first[sample, at]]
                    b = counts[second[sample, at]]
                    itself = one if first[sample, at] == second[sample, at] else zero
                    for r in range(sums.size):
                        sums[r] += a[r] * (b[r] + one) if itself else a[r] * b[r] + a[r] * b[r]
                done += STRIDE
                passed = 0
                for r in range(sums.size):
                    passed += sums[r] > half
            best[:] = step * np.inf
            for r in range(sums.size):
                if sums[r] >= half:
                    middle = _median(
                        averages[sample], first[sample], second[sample], counts[:, r], half, step
                    )
                    _insert(best, middle, step)
            (low if step == 1 else high)[sample] = best[-1]


@numba.njit(cache=True, nogil=True)
def _median(averages, first, second, counts, half, step):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Find the weighted median of one resample, from either end: between two values, their mean."""
    at = 0 if step == 1 else averages.size - 1
    total = np.int64(0)
    near = -1
    while True:
        a = np.int64(counts[first[at]])
        b = np.int64(counts[second[at]])
        total += a * (a + 1) if first[at] == second[at] else 2 * a * b
        if near < 0 and total >= half:
            near = at
        if total > half:
            return (averages[near] + averages[at]) / 2
        at += step


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
    """Add the sums of half of the values to those of the rest, each under all of its signs.

    The first value keeps its sign: the other half of the patterns mirrors these.
    """
    samples, n = values.shape
    half = (n + 1) // 2
    first = np.empty(1 << (half - 1))
    rest = np.empty(1 << (n - half))
    for sample in range(samples):
        bound = abs(values[sample].sum()) * (1 - ROUNDING)
        first[0] = values[sample, 0]
        _signed_sums(values[sample, 1:half], first)
        rest[0] = 0.0
        _signed_sums(values[sample, half:], rest)
        hits = 0
        for one in first:
            for other in rest:
                hits += abs(one + other) >= bound
        found[sample] = hits / (first.size * rest.size)


@numba.njit(cache=True, nogil=True)
def _signed_sums(values, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add `values` with all of their signs to the first of `sums` (2^values,)."""
    size = 1
    for value in values:
        for i in range(size):
            sums[size + i] = sums[i] - value
            sums[i] += value
        size *= 2
