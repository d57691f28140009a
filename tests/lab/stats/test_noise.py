"""What the A/A arm says of a host, and what a verdict makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lab.stats import Comparison, Verdict, compare
from tests.lab.stats.test_compare import CPU, noisy, trials


def with_aa(shift: float, change: float = 0.8, run: str = "r") -> pd.DataFrame:
    """Make trials of a reference, a setting, and an A/A arm `shift` times the reference."""
    aa = trials({1: noisy(100 * shift, 8, shift=2)}, aa=True)
    aa["trial"] += 5000
    table = trials({1: noisy(100, 8), 2: noisy(100 * change, 8, shift=1)})
    return pd.concat([table, aa], ignore_index=True).assign(run=run)


def only(table: pd.DataFrame) -> Comparison:
    (found,) = compare(table, "k=1", metrics=[CPU])
    return found


def test_the_floor_is_the_far_end_of_the_arms_interval() -> None:
    table = with_aa(1.0)
    found = only(table)
    assert found.noise_floor is not None
    named = table.assign(setting=table["setting"].mask(table["aa"], "twin"), aa=False).query(
        "setting != 'k=2'"
    )
    (twin,) = compare(named, "k=1", metrics=[CPU])
    assert twin.low is not None
    assert twin.high is not None
    assert found.noise_floor == pytest.approx(max(twin.high, 1 / twin.low))
    assert found.verdict is Verdict.BETTER


def test_without_an_arm_there_is_no_floor() -> None:
    found = only(trials({1: noisy(100), 2: noisy(50, shift=1)}))
    assert found.noise_floor is None


def test_the_arm_is_no_setting_and_no_reference() -> None:
    found = only(with_aa(3.0))
    assert found.reference_median == pytest.approx(np.median(noisy(100, 8)))


def test_a_change_that_the_arm_shows_too_is_unstable() -> None:
    found = only(with_aa(1.3))
    assert found.verdict is Verdict.UNSTABLE
    assert "differs from itself by up to" in found.reason
    assert only(with_aa(1.3, change=0.5)).verdict is Verdict.BETTER


def test_many_runs_say_what_the_next_may_show() -> None:
    shifts = (1.02, 0.98, 1.01, 0.99, 1.03, 0.97)
    table = pd.concat([with_aa(shift, run=f"r{shift}") for shift in shifts])
    (floor,) = {each.noise_floor for each in compare(table, "k=1", metrics=[CPU])}
    # t[0.975, 6] = 2.447, by the root mean square of the six log ratios: 2.2 %.
    assert floor == pytest.approx(np.exp(2.447 * 0.0216), rel=0.005)
