"""How far intervals of combined hosts can be trusted: `python -m tests.benchmarks.pooling`.

Simulated hosts have true effects that spread by tau round one mean; each is measured in 8 blocks,
whose spread is what its error is estimated from. Prints the table of results/pooling.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from scipy import stats

from lab.stats import meta
from lab.stats.location import Floats

SEED = 20181024
RUNS = 4_000
BLOCKS = 8
ERROR = 0.05
"""Standard error of one host's effect."""
HOSTS = (2, 3, 5, 10)
TAUS = (0.0, 0.05, 0.2)
METHODS = ("one heap", "REML, normal", "Hartung and Knapp", "floor 1", "floor of the lab")


def main() -> None:
    rng = np.random.default_rng(SEED)
    headings = ("hosts", "tau by error", *(f"{name}: covered, width" for name in METHODS))
    sys.stdout.write(f"| {' | '.join(headings)} |\n|{' --- |' * len(headings)}\n")
    for k in HOSTS:
        for tau in TAUS:
            spans = np.array([list(_intervals(*_hosts(k, tau, rng))) for _ in range(RUNS)])
            covered = ((spans[..., 0] <= 0) & (spans[..., 1] >= 0)).mean(axis=0)
            width = np.median(spans[..., 1] - spans[..., 0], axis=0) / ERROR
            cells = (f"{100 * c:.1f} %, {w:.2f}" for c, w in zip(covered, width, strict=True))
            sys.stdout.write(f"| {k} | {tau / ERROR:g} | {' | '.join(cells)} |\n")


def _hosts(k: int, tau: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Effects of k hosts round 0, and their variances as they are estimated."""
    true = rng.normal(0, tau, (k, 1)) if tau else np.zeros((k, 1))
    blocks = true + rng.normal(0, ERROR * np.sqrt(BLOCKS), (k, BLOCKS))
    return blocks.mean(axis=1), blocks.var(axis=1, ddof=1) / BLOCKS


def _intervals(effects: Floats, variances: Floats) -> Iterator[tuple[float, float]]:
    """Return 95 % intervals of the mean effect, in the order of METHODS."""
    normal, t = stats.norm.ppf(0.975), stats.t.ppf(0.975, effects.size - 1)
    tau2 = meta.reml(effects, variances)
    yield _span(effects, variances, normal)
    yield _span(effects, variances + tau2, normal)
    for floor in (0.0, 1.0, meta.narrowest(effects.size)):
        mean, error = meta.hartung_knapp(effects, variances, tau2, floor)
        yield mean - t * error, mean + t * error


def _span(effects: Floats, variances: Floats, quantile: float) -> tuple[float, float]:
    weights = 1 / variances
    mean, error = np.average(effects, weights=weights), 1 / np.sqrt(weights.sum())
    return float(mean - quantile * error), float(mean + quantile * error)


if __name__ == "__main__":
    main()
