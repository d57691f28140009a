"""Made-up nights are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from lab.detect.model import SYNTHETIC
from lab.detect.synthetic import MEMORY, SHARED, Change, Noise, Recipe, synthesize

LONG = 4000


@pytest.mark.parametrize("noise", Noise)
def test_the_same_seed_gives_the_same_nights(noise: Noise) -> None:
    recipe = Recipe(noise, nights=20)
    assert np.array_equal(synthesize(recipe, 1).trials, synthesize(recipe, 1).trials)
    assert not np.array_equal(synthesize(recipe, 1).trials, synthesize(recipe, 2).trials)


def test_every_noise_has_nights_of_its_own() -> None:
    firsts = {synthesize(Recipe(noise, nights=20), 1).trials[0, 0] for noise in Noise}
    assert len(firsts) == len(Noise)


@pytest.mark.parametrize("noise", [Noise.WHITE, Noise.AUTOCORRELATED, Noise.HEAVY_TAILED])
def test_nights_spread_as_asked(noise: Noise) -> None:
    made = synthesize(Recipe(noise, spread=0.02, nights=LONG, trials=200), 1)
    assert np.log(made.trials).mean(axis=1).std() == pytest.approx(0.02, rel=0.12)


def test_autocorrelated_nights_resemble_their_neighbours() -> None:
    made = synthesize(Recipe(Noise.AUTOCORRELATED, nights=LONG, trials=200), 1)
    nights = np.log(made.trials).mean(axis=1)
    assert np.corrcoef(nights[1:], nights[:-1])[0, 1] == pytest.approx(SHARED * MEMORY, abs=0.06)


def test_a_rerun_shares_the_night_and_not_the_boot() -> None:
    made = synthesize(Recipe(nights=LONG, trials=200), 1)
    first, again = (np.log(runs).mean(axis=1) for runs in (made.trials, made.reruns))
    assert np.corrcoef(first, again)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_changes_have_the_size_and_the_night_they_are_said_to_have() -> None:
    recipe = Recipe(changes=(Change(5, 0.1), Change(10, -0.2, nights=4)), spread=1e-9, nights=20)
    level = synthesize(recipe, 1).trials.mean(axis=1) / 10_000
    assert level[:5] == pytest.approx(1)
    assert level[5:10] == pytest.approx(1.1)
    assert level[13:] == pytest.approx(1.1 * 0.8)
    assert (np.diff(level[9:14]) < 0).all()


def test_made_up_nights_say_that_they_are() -> None:
    made = synthesize(Recipe(nights=3), 1)
    assert set(made.history()["clock_class"]) == {SYNTHETIC}
    assert len(made.history()) == 3 * 10
    assert set(made.rerun(2)["night"]) == {made.history()["night"].max()}
