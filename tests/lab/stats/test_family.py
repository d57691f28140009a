"""False discovery: each family by itself, as scipy has it."""

from __future__ import annotations

import numpy as np
from scipy import stats

from lab.stats.family import adjusted


def test_each_family_is_adjusted_by_itself_and_what_is_unknown_is_in_none() -> None:
    rng = np.random.default_rng(7)
    family = rng.integers(0, 9, 400)
    p = np.where(rng.random(400) < 0.2, np.nan, rng.random(400))
    found = adjusted(p, family)
    assert np.array_equal(np.isnan(found), np.isnan(p))
    for number in range(9):
        among = (family == number) & ~np.isnan(p)
        assert np.array_equal(found[among], stats.false_discovery_control(p[among]))


def test_nothing_known_is_nothing_adjusted() -> None:
    assert np.isnan(adjusted(np.full(3, np.nan), np.arange(3))).all()
    assert adjusted(np.empty(0)).size == 0


def test_without_families_all_are_one() -> None:
    p = np.array([0.01, 0.04, 0.5])
    assert np.array_equal(adjusted(p), stats.false_discovery_control(p))
