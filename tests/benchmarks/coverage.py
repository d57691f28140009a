"""How often the interval of `lab.stats` holds the true ratio, and how often its test cries wolf.

    python -m tests.benchmarks.coverage

Lognormal trials: a block effect common to both settings, and noise of each trial. The true
ratio is known; 95 % of the intervals should hold it, and of the p values at a true ratio of 1
5 % should be below 0.05. The figures in lab/stats/README.md are this script's.
"""

from __future__ import annotations

import sys

import numpy as np

from lab.stats import estimate

SEED = 20181024
SIMULATIONS = 4000
BLOCKS = (5, 6, 8, 10, 12)
BLOCK_SIGMA = 0.05
NOISE_SIGMAS = (0.02, 0.10, 0.50)
TRUE_RATIO = 1.1


def measure(
    blocks: int, noise: float, simulations: int, resamples: int = 999
) -> tuple[float, float]:
    """Coverage of the interval, and false alarms of the t test, as shares of `simulations`."""
    rng = np.random.default_rng([SEED, blocks, round(1000 * noise)])
    held = alarms = 0
    for simulation in range(simulations):
        block = rng.normal(0, BLOCK_SIGMA, blocks)
        reference = np.exp(block + rng.normal(0, noise, blocks))
        equal = np.exp(block + rng.normal(0, noise, blocks))
        low, high = estimate.ratio_interval(TRUE_RATIO * equal, reference, simulation, resamples)
        held += low <= TRUE_RATIO <= high
        alarms += estimate.paired_p(np.log(equal / reference)) < 0.05
    return held / simulations, alarms / simulations


def main() -> None:
    sys.stdout.write("| blocks | spread of a trial | coverage | false alarms |\n")
    sys.stdout.write("| --- | --- | --- | --- |\n")
    for blocks in BLOCKS:
        for noise in NOISE_SIGMAS:
            coverage, alarms = measure(blocks, noise, SIMULATIONS)
            sys.stdout.write(f"| {blocks} | {noise:.0%} | {coverage:.1%} | {alarms:.1%} |\n")


if __name__ == "__main__":
    main()
