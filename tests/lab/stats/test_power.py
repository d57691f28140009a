from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats import power


def test_the_detectable_ratio_is_blooms_and_a_little_for_the_interval() -> None:
    # Student's t with 9 degrees of freedom: 2.262 at 97.5 %, 0.883 at 80 %.
    bloom = (2.2622 + 0.8834) * 0.05 / np.sqrt(10)
    assert power.detectable_ratio(0.05, 10) == pytest.approx(np.exp(1.08 * bloom), rel=1e-4)


def test_a_family_asks_for_larger_effects() -> None:
    alone, of_many = (power.detectable_ratio(0.05, 10, alpha) for alpha in (0.05, 0.05 / 40))
    assert of_many > alone


def test_six_blocks_need_all_signs_to_agree() -> None:
    effect = np.log(power.detectable_ratio(1.0, 6))
    assert stats.norm.cdf(effect) ** 6 >= 0.8
    assert power.detectable_ratio(0.05, 6) > power.detectable_ratio(0.05, 7)


@pytest.mark.parametrize("ratio", [1.02, 1.04, 1 / 1.04])
def test_the_blocks_needed_detect_the_ratio_and_fewer_do_not(ratio: float) -> None:
    n = power.blocks_needed(0.05, ratio)
    assert n is not None
    wanted = np.exp(abs(np.log(ratio)))
    # Guenther's formula is good to a block or two.
    assert power.detectable_ratio(0.05, n) <= wanted * 1.002
    assert power.detectable_ratio(0.05, n - 3) > wanted


@pytest.mark.parametrize(("n", "pilot"), [(6, 5), (10, 5), (12, 11), (40, 39)])
def test_a_run_finds_what_its_pilot_foretold_four_times_in_five(n: int, pilot: int) -> None:
    """Of pilots, lucky ones included, each with the run that follows it; values are normal."""
    rng = np.random.default_rng(n)
    spread = np.sqrt(rng.chisquare(pilot, 4000) / pilot)
    effect = np.log(power.detectable_ratio(1.0, n, pilot=pilot)) * spread
    values = rng.normal(effect[:, None], 1.0, (4000, n))
    low = values.mean(axis=1) - power.WIDER * stats.t.ppf(0.975, n - 1) * stats.sem(values, axis=1)
    found = (low > 0) & ((n > 6) | (values > 0).all(axis=1))
    assert 0.77 <= found.mean() <= 0.84


def test_needs_have_bounds() -> None:
    assert power.blocks_needed(0.001, 2.0) == 6
    assert power.blocks_needed(10.0, 1.0001) is None
    for function in (power.detectable_ratio, power.expected_width):
        with pytest.raises(ValueError, match="at least 6 are needed"):
            function(0.05, 5)


def test_four_times_the_blocks_make_an_interval_half_as_wide() -> None:
    narrow, wide = (np.log(power.expected_width(0.05, n)) for n in (160, 40))
    assert narrow == pytest.approx(wide / 2, rel=0.03)
