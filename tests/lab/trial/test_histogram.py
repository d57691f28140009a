from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.trial import histogram

values = st.lists(st.integers(min_value=0, max_value=2**63 - 1), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (31, 31),
        (32, 32),
        (63, 63),
        (64, 64),
        (65, 64),
        (127, 95),
        (128, 96),
        (1 << 40, 1152),
    ],
)
def test_bucket_is_the_formula_of_the_format(value: int, number: int) -> None:
    assert histogram.bucket(value) == number


@given(values)
def test_a_bucket_holds_its_values_and_its_middle_is_within_one_64th(sample: list[int]) -> None:
    number = histogram.bucket(np.array(sample, dtype=np.uint64))
    low, high = histogram.bounds(number)
    exact = np.array(sample, dtype=np.uint64)
    assert np.all((low <= exact) & (exact <= high))
    # Slack of a rounded float64 above 2^53.
    assert np.all(np.abs(histogram.midpoint(number) - exact) <= exact / 64 * (1 + 1e-12))


def test_buckets_leave_no_gap() -> None:
    low, high = histogram.bounds(np.arange(1500))
    assert low[0] == 0
    np.testing.assert_array_equal(low[1:], high[:-1] + np.uint64(1))


def test_there_is_no_bucket_below_zero() -> None:
    with pytest.raises(ValueError, match="below zero"):
        histogram.bucket([5, -1])


@given(values, st.floats(0, 1))
def test_quantile_is_the_bucket_of_the_sample_quantile(sample: list[int], q: float) -> None:
    pairs = [(int(number), 1) for number in histogram.bucket(np.array(sample, dtype=np.uint64))]
    rank = max(1, int(np.ceil(q * len(sample))))
    expected = histogram.midpoint(histogram.bucket(np.uint64(sorted(sample)[rank - 1])))
    assert histogram.quantile(pairs, q) == expected


def test_an_empty_histogram_has_no_quantile() -> None:
    assert histogram.quantile([], 0.5) is None
    assert histogram.quantile([(3, 0)], 0.5) is None


def test_merge_adds_counts() -> None:
    assert histogram.merge([(40, 1), [3, 2]], [(3, 5)], []) == [(3, 7), (40, 1)]
