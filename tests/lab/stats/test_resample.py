"""Own resampling against scipy's, which is neither hierarchical nor made for many samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lab.stats import resample
from lab.stats.interval import interval
from lab.stats.location import Floats, hodges_lehmann

RNG = np.random.default_rng(20181024)


def heavy(samples: int, n: int) -> Floats:
    return RNG.standard_t(3, (samples, n))


@pytest.mark.parametrize("n", [6, 8, 9, 16, 20])
def test_each_resample_is_what_taking_the_values_gives(n: int) -> None:
    values = heavy(3, n)
    location, low, high = resample.bootstrap(values, 0.05, 199, seed=7)
    assert location == pytest.approx(hodges_lehmann(values))
    for sample, (lowest, highest) in enumerate(zip(low, high, strict=True)):
        taken = [np.repeat(values[sample], count) for count in resample._counts(n, 199, 7)]
        estimates = np.sort([hodges_lehmann(each) for each in taken])
        assert lowest == pytest.approx(estimates[9])
        assert highest == pytest.approx(estimates[-10])


@pytest.mark.parametrize("n", [8, 12])
def test_the_bootstrap_is_scipys_in_a_single_boot(n: int) -> None:
    (values,) = heavy(1, n)
    _, low, high = resample.bootstrap(values[None], 0.025, 19_999, seed=1)
    peer: Any = stats.bootstrap(
        (values,),
        lambda x, axis: hodges_lehmann(np.moveaxis(x, axis, -1)),
        n_resamples=19_999,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(2),
    )
    near = 0.05 * np.ptp(values)
    assert low[0] == pytest.approx(peer.confidence_interval.low, abs=near)
    assert high[0] == pytest.approx(peer.confidence_interval.high, abs=near)


@pytest.mark.parametrize("n", [6, 9, 12])
def test_sign_flips_are_scipys_permutations(n: int) -> None:
    values = heavy(5, n) + 0.5
    for sample, p in zip(values, resample.sign_flip_p(values, seed=1), strict=True):
        peer = stats.permutation_test(
            (sample,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=1 << n,
        )
        assert p == pytest.approx(peer.pvalue)


def test_many_blocks_are_flipped_at_random() -> None:
    values = heavy(4, 20) + 0.4
    for sample, p in zip(values, resample.sign_flip_p(values, seed=1), strict=True):
        exact = stats.permutation_test(
            (sample,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=49_999,
            rng=np.random.default_rng(3),
        )
        assert p == pytest.approx(exact.pvalue, abs=0.02)


def test_six_blocks_have_no_smaller_p_than_one_in_thirty_two() -> None:
    assert resample.sign_flip_p(np.arange(1.0, 7.0)[None], seed=1) == [1 / 32]


def test_an_answer_does_not_depend_on_the_company() -> None:
    values = heavy(50, 10)
    together, alone = interval(values), interval(values[17:18])
    for all_of_them, one in zip(together, alone, strict=True):
        assert all_of_them[17] == one[0]


def test_five_values_have_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 6 are needed"):
        interval(heavy(1, 5))
