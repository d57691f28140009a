from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mstats

from lab.quantile import harrell_davis

RNG = np.random.default_rng(20181024)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("n", [2, 11, 500])
def test_it_is_scipys(n: int, q: float) -> None:
    values = RNG.lognormal(8, 1, n)
    (peer,) = mstats.hdquantiles(values, [q])
    assert harrell_davis(values, q) == pytest.approx(float(peer))


def test_the_weights_by_hand() -> None:
    # The median of three: Beta(2, 2) has the distribution function x^2 (3 - 2 x), so the weights
    # are 7/27, 13/27 and 7/27.
    assert harrell_davis([9.0, 0.0, 27.0], 0.5) == pytest.approx((13 * 9 + 7 * 27) / 27)


def test_wilcoxs_worked_example() -> None:
    """Self-awareness data of Introduction to Robust Estimation (Dana 1990), median by hd()."""
    dana = [77, 87, 88, 114, 151, 210, 219, 246, 253, 262]
    dana += [296, 299, 306, 376, 428, 515, 666, 1310, 2611]
    assert harrell_davis(dana, 0.5) == pytest.approx(271.7, abs=0.05)


def test_it_varies_less_than_one_order_statistic() -> None:
    samples = RNG.lognormal(0, 1, (400, 50))
    ours = [harrell_davis(each, 0.5) for each in samples]
    assert np.std(ours) < np.std(np.median(samples, axis=1))
