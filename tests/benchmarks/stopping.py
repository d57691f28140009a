"""What stopping by the width of an interval does to that interval.

    python -m tests.benchmarks.stopping > results/stopping.md

One contrast, whose log ratios of blocks are drawn from a known distribution around a known ratio.
Blocks are added by the rule of `lab.design.looks` until the interval is narrow enough, and 95 % of
the intervals at which it stops should hold the truth. Beside it, the same number of blocks on
average, fixed beforehand; and the rule that nobody should use: stop when the interval excludes a
ratio of 1, at a true ratio of 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lab.design.looks import wanted_blocks
from lab.stats.interval import interval

Floats = NDArray[np.float64]
SEED = 20181024
EXPERIMENTS = 2000
MOST = 48
SPREAD = 0.1
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "normal": lambda rng, size: rng.normal(0, SPREAD, size),
    # Three degrees of freedom have the variance 3.
    "heavy tails": lambda rng, size: rng.standard_t(3, size) * SPREAD / 3**0.5,
}
MINIMA = (6, 8, 12)
NEEDED = (12, 24)
"""Blocks after which an interval is expected to be narrow enough: they set the width wanted."""


def by_width(blocks: Floats, least: int, wanted: float) -> tuple[Floats, Floats]:
    """Run the rule on log ratios (experiments, MOST): where each stops, and whether it holds 0."""
    stopped, held = np.zeros(len(blocks)), np.zeros(len(blocks))
    ahead = np.full(len(blocks), least)
    while (open_ := stopped == 0).any():
        n = int(ahead[open_].min())
        at = np.flatnonzero(open_ & (ahead == n))
        _, low, high = interval(blocks[at, :n])
        width = np.exp(high - low)
        done = (width <= wanted) | (n == MOST)
        stopped[at[done]] = n
        held[at[done]] = ((low <= 0) & (high >= 0))[done]
        for each, wide in zip(at[~done], width[~done], strict=True):
            ahead[each] = min(wanted_blocks(n, float(wide), wanted), MOST)
    return stopped, held


def by_significance(blocks: Floats, least: int) -> Floats:
    """Whether each experiment ever shows an effect, looked at after each further block."""
    shown = np.zeros(len(blocks), dtype=bool)
    for n in range(least, MOST + 1, 2):
        at = np.flatnonzero(~shown)
        _, low, high = interval(blocks[at, :n])
        shown[at] = (low > 0) | (high < 0)
    return shown.astype(float)


HEAD = """# What stopping by the width of an interval does to that interval

Made by `python -m tests.benchmarks.stopping > results/stopping.md`: seeded, {experiments}
simulated experiments a row, one contrast each, blocks with a spread of {spread:.0%}, {most} blocks
at most. One standard error of a coverage near 95 % is {error:.1%}.

*Coverage* is how many of the 95 % intervals hold the truth when blocks are added until the upper
end of the interval is no more than *width* times its lower one (`lab/design/looks.py`). Beside it
the same for about as many blocks, fixed beforehand: the difference is the price of stopping when it
is enough. The last column is what nobody should do: look after every second block, and stop when
the interval excludes a ratio of 1. So many of the experiments in which nothing differs show an
effect.

"""


def main() -> None:
    error = (0.95 * 0.05 / EXPERIMENTS) ** 0.5
    sys.stdout.write(HEAD.format(experiments=EXPERIMENTS, spread=SPREAD, most=MOST, error=error))
    sys.stdout.write(
        "| log ratios | first look | width | blocks, mean | coverage | with as many, fixed | "
        "false alarms if stopped by significance |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    for name, draw in SHAPES.items():
        for least in MINIMA:
            blocks = draw(np.random.default_rng([SEED, least]), (EXPERIMENTS, MOST))
            alarms = by_significance(blocks, least).mean()
            for needed in NEEDED:
                wanted = float(np.exp(2 * 1.96 * SPREAD / needed**0.5))
                stopped, held = by_width(blocks, least, wanted)
                mean = round(stopped.mean())
                _, low, high = interval(blocks[:, :mean])
                fixed = ((low <= 0) & (high >= 0)).mean()
                sys.stdout.write(
                    f"| {name} | {least} | {wanted:.3f} | {stopped.mean():.1f} | "
                    f"{held.mean():.1%} | {fixed:.1%} | {alarms:.1%} |\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
