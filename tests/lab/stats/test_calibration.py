"""A small run of `make calibrate`: what results/calibration.md says is still so."""

from __future__ import annotations

import pytest

from tests.benchmarks import calibrate
from tests.benchmarks.worlds import WORLDS


@pytest.mark.parametrize("world", WORLDS)
def test_promises_are_kept_in_every_world(world: str) -> None:
    row = calibrate.measure(world, 10, 400)
    assert row.covered is not None
    assert row.found is not None
    # Four standard errors of 400 experiments beside what the whole calibration allows.
    assert 0.92 <= row.covered <= 0.995
    assert row.alarms <= 0.075
    assert row.equivalent <= 0.05
    assert 0.65 <= row.found <= 0.93


def test_the_field_counts_events_and_is_fooled() -> None:
    row = calibrate.measure("lognormal", 10, 200)
    assert row.mann_whitney > 0.3


def test_five_blocks_claim_nothing() -> None:
    row = calibrate.measure("lognormal", 5, 200)
    assert (row.covered, row.alarms, row.equivalent) == (None, 0, 0)


def test_families_hold_false_discovery_down() -> None:
    row = calibrate.measure_family("heavy-tailed", 8, 40)
    assert row.uncorrected > 0.2
    assert row.any_alarm <= 0.15
    assert row.false <= 0.05
    assert row.lone > 0.6


def test_intervals_over_boots_hold_what_intervals_over_blocks_miss() -> None:
    row = calibrate.measure_boots(3, 12, 2.0, 300)
    assert row.covered > 0.91
    assert row.blocks < 0.85


def test_chance_warns_no_more_often_than_it_is_said_to() -> None:
    for world in ("lognormal", "heavy-tailed", "block-correlated"):
        row = calibrate.measure_warnings(world, 12, 4000)
        drift, autocorrelation, _ = row.shares
        assert drift[0] < 0.065
        assert autocorrelation[0] < 0.065
    assert calibrate.measure_warnings("lognormal", 12, 4000).shares[2][1] < 0.02


@pytest.mark.parametrize("world", ["heavy-tailed", "spoilt trials"])
def test_six_wild_blocks_find_what_they_say_they_find(world: str) -> None:
    row = calibrate.measure(world, 6, 1000)
    assert row.found is not None
    assert 0.75 <= row.found <= 0.88
