from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats.unpaired import Effect, difference, mean

RNG = np.random.default_rng(20181024)
FIRST, SECOND = RNG.normal(0, 0.1, 8), RNG.normal(0.3, 0.3, 11)


def estimate(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Effect:
    found = mean(values)
    assert found
    return found


def test_a_difference_is_welchs_test() -> None:
    found = difference(estimate(SECOND), estimate(FIRST))
    theirs = stats.ttest_ind(SECOND, FIRST, equal_var=False)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.df == pytest.approx(theirs.df)
    low, high = theirs.confidence_interval(0.95)
    assert found.span == pytest.approx((low, high))
    assert found.interval == pytest.approx((np.exp(low), np.exp(high)))


def test_one_side_is_students_test() -> None:
    found = estimate(SECOND)
    assert found.p == pytest.approx(stats.ttest_1samp(SECOND, 0).pvalue)
    assert found.ratio == pytest.approx(stats.gmean(np.exp(SECOND)))


def test_within_a_margin_is_the_whole_interval_within() -> None:
    narrow = Effect(0.0, 0.01, 10)
    assert narrow.is_within(1.05)
    assert not narrow.is_within(1.02)
    assert not Effect(0.04, 0.01, 10).is_within(1.05)
    assert not Effect(-0.04, 0.01, 10).is_within(1.05)


def test_what_is_called_detectable_is_detected_four_times_in_five() -> None:
    n, spread, runs = 10, 0.1, 4_000
    effect = np.log(Effect(0.0, spread * np.sqrt(2 / n), 2 * n - 2).detectable(0.05))
    one = RNG.normal(0, spread, (runs, n))
    other = RNG.normal(effect, spread, (runs, n))
    found = stats.ttest_ind(one, other, axis=1, equal_var=False).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0, 1.0]])
def test_without_spread_there_is_no_error(values: list[float]) -> None:
    assert mean(np.array(values)) is None
