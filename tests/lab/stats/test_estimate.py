from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats import estimate
from tests.benchmarks import coverage

BLOCK = np.array([0.01, -0.02, 0.03, 0.0, -0.01, 0.02])
REFERENCE = 1000 * np.exp(BLOCK)
TREATED = 2000 * np.exp(BLOCK + np.array([0.01, -0.01, 0.02, 0.0, -0.02, 0.005]))


def test_the_interval_holds_the_ratio_and_is_the_same_for_a_seed() -> None:
    low, high = estimate.ratio_interval(TREATED, REFERENCE, seed=1, resamples=499)
    assert low < np.median(TREATED) / np.median(REFERENCE) < high
    assert 1.9 < low < high < 2.1
    assert (low, high) == estimate.ratio_interval(TREATED, REFERENCE, seed=1, resamples=499)


def test_pairing_takes_the_block_effect_out() -> None:
    blocks = np.array([0.5, -0.5, 1.0, 0.0, -1.0, 0.2])
    low, high = estimate.ratio_interval(2 * np.exp(blocks), np.exp(blocks), seed=1, resamples=499)
    assert [low, high] == pytest.approx([2, 2])


def test_p_is_that_of_the_paired_t_test() -> None:
    p = estimate.paired_p(np.log(TREATED / REFERENCE))
    assert p == pytest.approx(stats.ttest_rel(np.log(TREATED), np.log(REFERENCE)).pvalue)


def test_holm_by_hand() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1 raised to the one before it.
    assert estimate.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert estimate.holm([0.6, 0.7]) == [1.0, 1.0]
    assert estimate.holm([]) == []


def test_an_effect_of_the_detectable_size_is_found_about_four_times_in_five() -> None:
    rng = np.random.default_rng(20181024)
    n, sigma = 8, 0.05
    # A sample whose standard deviation is the true one, so that the formula sees the truth.
    sample = rng.normal(0, 1, n)
    sample = (sample - sample.mean()) / sample.std(ddof=1) * sigma
    effect = np.log(estimate.detectable_ratio(sample, 0.05))
    trials = rng.normal(effect, sigma, (4000, n))
    found = np.asarray(stats.ttest_1samp(trials, 0, axis=1).pvalue) < 0.05
    # The noncentral t is not a shifted t, so a few points off 80 % are the formula's own.
    assert found.mean() == pytest.approx(0.80, abs=0.05)


@pytest.mark.parametrize(
    ("n", "low", "high", "covered"),
    [
        (3, 0, 2, 0.75),
        (5, 0, 4, 0.9375),
        (6, 0, 5, 0.96875),
        (8, 0, 7, 0.9921875),
        (9, 1, 7, 0.9609375),
    ],
)
def test_the_interval_of_a_median_lies_between_order_statistics(
    n: int, low: int, high: int, covered: float
) -> None:
    found = estimate.median_interval(np.arange(n, dtype=float)[::-1])
    assert (found.value, found.low, found.high) == ((n - 1) / 2, low, high)
    assert found.coverage == pytest.approx(covered)


def test_two_values_have_no_interval() -> None:
    found = estimate.median_interval(np.array([1.0, 3.0]))
    assert (found.value, found.low, found.high, found.coverage) == (2, None, None, None)


def test_the_interval_covers_about_what_it_says() -> None:
    """A short run of tests/benchmarks/coverage.py, so that the README's figures stay true."""
    covered, alarms = coverage.measure(blocks=6, noise=0.10, simulations=300, resamples=299)
    assert 0.89 <= covered <= 0.98
    assert alarms <= 0.09
