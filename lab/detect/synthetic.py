"""Nights that nobody measured: made-up histories whose changes are known.

For tests and for measuring detection, never beside measurements: they have a clock class of their
own, `synthetic`, and `lab.detect` refuses a history that mixes the two.

A trial is level * exp(night + boot + trial). Night and boot have half of `spread` squared each as
variance; what is run again in a night shares the night and not the boot. Trials vary by 1.5
times `spread`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy import signal

from lab.detect.model import SYNTHETIC
from lab.detect.rule import Floats, log_share

LEVEL_NS = 10_000.0
TRIAL_SPREAD = 1.5
TAILS = 3
"""Degrees of freedom of Student's t that heavy tails are drawn from."""
MODES = (0.3, 3.0)
"""How many boots fall into the upper mode, and how far it lies above, in spreads."""
MEMORY, SHARED = 0.8, 0.8
"""Autocorrelation of nights, and the share of the variance that is theirs and not the boot's."""
SPIKES = (0.01, 5.0, 30.0)
"""Share of nights with a spike, and its least and largest size in spreads."""
FIRST = "2026-01-01"


class Noise(StrEnum):
    WHITE = "white"
    AUTOCORRELATED = "autocorrelated"
    HEAVY_TAILED = "heavy-tailed"
    BIMODAL = "bimodal"
    SPIKED = "spiked"


@dataclass(frozen=True)
class Change:
    """From `night` (an index) on, values are larger by the share `size`; reached over `nights`."""

    night: int
    size: float
    nights: int = 1


@dataclass(frozen=True)
class Recipe:
    """What a history is made of; `spread` is the standard deviation between runs, a share."""

    noise: Noise = Noise.WHITE
    changes: tuple[Change, ...] = ()
    spread: float = 0.01
    nights: int = 365
    trials: int = 10


@dataclass(frozen=True)
class Synthetic:
    """Trials of one series (nights, trials), and what running each night again would have given."""

    recipe: Recipe
    trials: Floats
    reruns: Floats

    def history(self, host: str = "made-up") -> pd.DataFrame:
        """Return the trials as a history for `lab.detect.detect`."""
        return self._frame(self.trials, host)

    def rerun(self, night: int, host: str = "made-up") -> pd.DataFrame:
        """Return what running `night` (an index) again gives, as a history of one night."""
        found = self._frame(self.reruns, host)
        chosen: pd.DataFrame = found[found["night"] == found["night"].unique()[night]]
        return chosen

    def _frame(self, trials: Floats, host: str) -> pd.DataFrame:
        nights, count = trials.shape
        return pd.DataFrame(
            {
                "host": host,
                "clock_class": SYNTHETIC,
                "setting": "as found",
                "workload": self.recipe.noise,
                "metric": "made_up_ns",
                "night": pd.date_range(FIRST, periods=nights).repeat(count),
                "value": trials.ravel(),
            }
        )

    def until(self, nights: int) -> Synthetic:
        """Return the first `nights` nights."""
        return replace(self, trials=self.trials[:nights], reruns=self.reruns[:nights])


def synthesize(recipe: Recipe, seed: int) -> Synthetic:
    """Make one series; the same for the same recipe and seed."""
    rng = np.random.default_rng([seed, *recipe.noise.encode()])
    night, boots = _runs(recipe.noise, recipe.nights, rng)
    level = np.log(LEVEL_NS) + _course(recipe)
    trials, reruns = (
        np.exp(
            (level + recipe.spread * (night + boot))[:, None]
            + TRIAL_SPREAD
            * recipe.spread
            * _draw(recipe.noise, rng, (recipe.nights, recipe.trials))
        )
        for boot in boots
    )
    return Synthetic(recipe, trials, reruns)


def _course(recipe: Recipe) -> Floats:
    """Level of each night over the first, log."""
    nights = np.arange(recipe.nights)
    course = np.zeros(recipe.nights)
    for change in recipe.changes:
        reached = np.clip((nights - change.night + 1) / change.nights, 0, 1)
        course += log_share(change.size) * reached
    return course


def _runs(noise: Noise, nights: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Effects of nights (nights,), and of the boots of the night and of the re-run (2, nights)."""
    shared = SHARED if noise is Noise.AUTOCORRELATED else 0.5
    night = np.sqrt(shared) * _draw(noise, rng, (nights,))
    boots = np.sqrt(1 - shared) * _draw(noise, rng, (2, nights))
    match noise:
        case Noise.AUTOCORRELATED:
            night = signal.lfilter([np.sqrt(1 - MEMORY**2)], [1, -MEMORY], night)
        case Noise.BIMODAL:
            share, distance = MODES
            boots += distance * (rng.random(boots.shape) < share)
        case Noise.SPIKED:
            share, least, largest = SPIKES
            boots += rng.uniform(least, largest, boots.shape) * (rng.random(boots.shape) < share)
    return night, boots


def _draw(noise: Noise, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw values of variance 1."""
    if noise is Noise.HEAVY_TAILED:
        tails: Floats = rng.standard_t(TAILS, shape) / np.sqrt(TAILS / (TAILS - 2))
        return tails
    return rng.standard_normal(shape)
