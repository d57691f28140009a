"""The benchmark counts alike for all detectors."""

from __future__ import annotations

from lab.detect.synthetic import Change, Recipe, synthesize
from tests.benchmarks.detection_score import PRETENDED, Case, Found, Rate, score

QUIET = Case("none", synthesize(Recipe(), 1))
STEP = Case("0.05", synthesize(Recipe(changes=(Change(100, 0.05),)), 1))
DOUBLE = Case("double", synthesize(Recipe(changes=(Change(100, 0.05), Change(115, 0.05))), 1))


def test_one_place_is_one_false_alert_however_often_it_is_told() -> None:
    assert score(QUIET, [(50, 49, 1), (51, 49, 1), (52, 47, 1), (90, 80, 1)]).false == 2


def test_a_change_is_found_when_it_is_first_told() -> None:
    found = score(STEP, [(103, 99, 1), (104, 101, 1)])
    assert (found.false, found.delays) == (0, (3,))


def test_what_is_told_before_the_change_is_false_and_does_not_hide_it() -> None:
    found = score(STEP, [(98, 97, 1), (101, 100, 1)])
    assert (found.false, found.delays) == (1, (1,))


def test_a_place_far_off_is_false_and_one_too_late_is_a_miss() -> None:
    assert score(STEP, [(120, 80, 1)]).false == 1
    assert score(STEP, [(170, 100, 1)]).delays == (None,)


def test_two_changes_are_found_each_for_itself() -> None:
    assert score(DOUBLE, [(101, 100, 1), (118, 116, 1)]).delays == (1, 3)
    assert score(DOUBLE, [(101, 100, 1)]).delays == (1, None)


def test_rates_are_by_year_of_what_was_asked() -> None:
    rate = Rate.of([score(QUIET, [(50, 49, 1)])] * 2)
    assert rate.low < rate.per_year < rate.high
    assert round(rate.per_year, 2) == round(365 / (365 - 14), 2)


def test_what_says_the_other_way_is_false() -> None:
    found = score(STEP, [(101, 100, -1)])
    assert (found.false, found.delays) == (1, (None,))


def test_luck_is_what_is_told_of_changes_that_were_not_there() -> None:
    lucky = score(QUIET, [(112, 111, 1)]).lucky
    # Pretended at 110; the others are too far off, or had not begun.
    assert [delay for delay in lucky if delay is not None] == [2]
    assert len(lucky) == 2 * len(PRETENDED)
    assert not score(STEP, []).lucky


def test_a_miss_counts_as_the_longest_delay() -> None:
    found, other = Found.of([0, 4, None], 60), Found.of([2, 4, None], 60)
    assert found.nights.tolist() == [0, 4, 60]
    assert round(found.share, 2) == 0.67
    ahead, reach = found.sooner(other)
    assert ahead < reach
    assert round(ahead, 2) == 0.67
    assert found.sooner(found) == (0, 0)
