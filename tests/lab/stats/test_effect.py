from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats.effect import effects

RNG = np.random.default_rng(20181024)
ONE_BOOT = np.zeros(12, np.int64)
BOOTS = np.repeat([0, 1, 2], 4)


def test_p_is_that_of_the_paired_t_test() -> None:
    logs = RNG.normal(0.1, 0.1, (20, 12))
    found = effects(logs, ONE_BOOT, 1.05)
    assert found.p == pytest.approx(stats.ttest_1samp(logs, 0, axis=1).pvalue)
    assert found.standard_error == pytest.approx(stats.sem(logs, axis=1))
    assert (found.p_boots == 1).all()


def test_equivalence_is_two_one_sided_t_tests() -> None:
    logs = RNG.normal(0.01, 0.02, (20, 12))
    edge = np.log(1.05)
    above = stats.ttest_1samp(logs, -edge, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(logs, edge, axis=1, alternative="less").pvalue
    assert effects(logs, ONE_BOOT, 1.05).p_equivalent == pytest.approx(np.maximum(above, below))


def test_without_spread_there_is_no_p() -> None:
    found = effects(np.full((1, 12), 0.3), ONE_BOOT, 1.05)
    assert np.isnan(found.p[0])
    assert np.isnan(found.p_equivalent[0])


def test_boots_that_agree_leave_blocks_the_units() -> None:
    logs = np.tile([0.1, 0.2, 0.3, 0.2], (1, 3))
    found, alone = effects(logs, BOOTS, 1.05), effects(logs, ONE_BOOT, 1.05)
    assert (found.low[0], found.high[0], found.freedom[0]) == (alone.low[0], alone.high[0], 11)
    assert found.p_boots[0] == pytest.approx(1)


def test_boots_that_differ_become_the_units() -> None:
    logs = np.array([[0.1, 0.11, 0.09, 0.1, 0.2, 0.21, 0.19, 0.2, 0.3, 0.31, 0.29, 0.3]])
    found = effects(logs, BOOTS, 1.05)
    boots = stats.ttest_1samp([0.1, 0.2, 0.3], 0)
    span = boots.confidence_interval()
    assert found.freedom[0] == 2
    assert (found.low[0], found.high[0]) == pytest.approx((span.low, span.high))
    assert found.p[0] == pytest.approx(boots.pvalue)
    assert found.p_boots[0] == pytest.approx(
        stats.f_oneway(logs[0, :4], logs[0, 4:8], logs[0, 8:]).pvalue
    )


def test_two_boots_are_never_the_units() -> None:
    logs = np.array([[0.1, 0.11, 0.09, 0.1, 0.1, 0.1, 0.2, 0.21, 0.19, 0.2, 0.2, 0.2]])
    found = effects(logs, np.repeat([0, 1], 6), 1.05)
    assert found.freedom[0] == 11
    assert found.p_boots[0] < 0.001
