"""Synthetic trials whose truth is known, of the kinds that measuring hosts makes.

A world draws the logarithms of trials of two settings, (experiments, n) each, blocks in columns.
The settings do not differ: a true ratio is added by whoever needs one. Sizes are those of
wake-up latencies on the recorded runs: some per cent of spread, some trials far off.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.stats.location import Floats

World = Callable[[np.random.Generator, int, int], tuple[Floats, Floats]]

NOISE = 0.05
CELLS = 12
"""Cells of a block, of which a setting and the reference are two, at random places."""


def lognormal(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """Nothing but noise of 5 %."""
    return rng.normal(0, NOISE, (experiments, n)), rng.normal(0, NOISE, (experiments, n))


def heavy_tailed(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """Student's t with 2 degrees of freedom: no variance at all."""
    return (
        NOISE * rng.standard_t(2, (experiments, n)),
        NOISE * rng.standard_t(2, (experiments, n)),
    )


def spoilt(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """One trial in ten is slower, twice as slow on average: something else ran."""
    return _spoilt(rng, (experiments, n)), _spoilt(rng, (experiments, n))


def bimodal(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """Three fresh VMs in ten come up 35 % slower, by where their memory lies, say."""
    return _bimodal(rng, (experiments, n)), _bimodal(rng, (experiments, n))


def drifting(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """Let the host get slower by half over the run, within blocks as well as between them."""
    block = np.arange(n)
    places = rng.permuted(np.tile(np.arange(CELLS), (experiments * n, 1)), axis=1)[:, :2]
    at = (block[:, None] + places.reshape(experiments, n, 2) / CELLS) / n
    noise = rng.normal(0, NOISE, (experiments, n, 2))
    both = 0.5 * at + noise
    return both[..., 0], both[..., 1]


def block_correlated(rng: np.random.Generator, experiments: int, n: int) -> tuple[Floats, Floats]:
    """Blocks share 20 % of luck, and each keeps four fifths of the one before it."""
    luck = rng.normal(0, 0.2, (experiments, n))
    for block in range(1, n):
        luck[:, block] = 0.8 * luck[:, block - 1] + 0.6 * luck[:, block]
    first, second = lognormal(rng, experiments, n)
    return luck + first, luck + second


def _spoilt(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    far_off = rng.random(shape) < 0.1
    return rng.normal(0, NOISE, shape) + far_off * rng.exponential(np.log(2), shape)


def _bimodal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    slow = rng.random(shape) < 0.3
    return np.asarray(rng.normal(0, 0.02, shape) + slow * np.log(1.35))


WORLDS: dict[str, World] = {
    "lognormal": lognormal,
    "heavy-tailed": heavy_tailed,
    "spoilt trials": spoilt,
    "bimodal": bimodal,
    "drifting": drifting,
    "block-correlated": block_correlated,
}
