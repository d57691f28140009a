"""One value for a night, whatever its trials were like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.detect.nights import summarise

TRIALS = np.random.default_rng(5).lognormal(9, 0.1, (6, 10))


def test_a_night_is_the_trimmed_mean_of_its_logs() -> None:
    values, _ = summarise(TRIALS)
    assert values == pytest.approx(stats.trim_mean(np.log(TRIALS), 0.2, axis=1))


def test_its_error_is_that_of_yuen() -> None:
    _, errors = summarise(TRIALS)
    winsorized = [np.asarray(stats.mstats.winsorize(np.log(row), (0.2, 0.2))) for row in TRIALS]
    expected = [9 * np.var(row, ddof=1) / (6 * 5) for row in winsorized]
    assert errors == pytest.approx(expected)


def test_a_spoilt_trial_does_not_move_it() -> None:
    spoilt = TRIALS.copy()
    spoilt[:, 3] *= 1000
    moved = summarise(spoilt)[0] - summarise(TRIALS)[0]
    assert np.abs(moved).max() < 0.1


def test_trials_that_are_not_there_do_not_count() -> None:
    few = np.array([[np.nan, 8.0, np.nan, 2.0], [np.nan] * 4, [np.nan, np.nan, 5.0, np.nan]])
    values, errors = summarise(few)
    assert values[0] == pytest.approx(np.log(4))
    assert np.isnan(values[1])
    assert values[2] == pytest.approx(np.log(5))
    assert np.isnan(errors[1:]).all()
