from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats import series

RNG = np.random.default_rng(20181024)


def test_drift_is_spearmans_correlation_with_the_order() -> None:
    values = RNG.normal(0, 1, (5, 12))
    for sample, p in zip(values, series.drift_p(values), strict=True):
        assert p == pytest.approx(stats.spearmanr(sample, np.arange(12)).pvalue)


def test_what_rises_drifts() -> None:
    assert series.drift_p(np.arange(10.0)[None])[0] < 1e-6


def test_the_rank_ratio_has_the_mean_of_chance() -> None:
    p = series.autocorrelation_p(RNG.normal(0, 1, (4000, 12)))
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)


def test_neighbours_alike_are_seen_and_alternation_is_not() -> None:
    slow, fast = np.sin(np.arange(20) / 3.0), np.tile([1.0, -1.1, 1.2, -1.3], 5)
    alike, alternating = series.autocorrelation_p(np.stack([slow, fast]))
    assert alike < 0.001
    assert alternating > 0.5


def test_two_modes_are_seen_and_one_far_off_is_not() -> None:
    noise = RNG.normal(0, 0.01, 12)
    two = noise + np.repeat([0.0, 0.3], 6)
    spoilt = noise + np.eye(12)[3]
    p = series.bimodality_p(np.stack([two, spoilt, noise]))
    assert p[0] < 0.001
    assert (p[1:] > 0.05).all()


def test_few_values_or_none_that_differ_warn_of_nothing() -> None:
    assert series.bimodality_p(np.array([[1.0, 1.0, 1.0, 9.0, 9.0, 9.0]])) == [1]
    same = np.ones((1, 12))
    for test in (series.drift_p, series.autocorrelation_p, series.bimodality_p):
        assert test(same)[0] > 0.5
