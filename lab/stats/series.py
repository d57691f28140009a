"""Warnings about values in the order of their blocks: drift, autocorrelation, two modes.

Each gives p values; none changes a number. They are controlled for false discovery like
comparisons, so that a run without fault shows a warning of a kind in at most 5 of 100.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

from lab.stats.location import Floats

MIN_MODES = 10
"""Fewer values fall into two groups by chance too often for any test to tell."""
SIMULATED = 9999


def drift_p(values: Floats) -> Floats:
    """P that `values` (samples, n) rise or fall with their order no more than chance has it.

    Spearman's rank correlation with the order, by its t approximation (Zar, JASA 67, 1972).
    """
    n = values.shape[1]
    ranks = stats.rankdata(values, axis=1) - (n + 1) / 2
    order = np.arange(n) - (n - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = ranks @ order / np.sqrt((ranks**2).sum(axis=1) * (order**2).sum())
        t = np.abs(rho) * np.sqrt((n - 2) / np.maximum(1 - rho**2, 0))
    p: Floats = np.nan_to_num(2 * stats.t.sf(t, n - 2), nan=1.0)
    return p


def autocorrelation_p(values: Floats) -> Floats:
    """P that neighbours among `values` (samples, n) are no more alike than chance has it.

    The rank version of von Neumann's ratio, by its beta approximation (Bartels, The rank version
    of von Neumann's ratio test for randomness, JASA 77, 1982).
    """
    n = values.shape[1]
    ranks = stats.rankdata(values, axis=1)
    spread = ((ranks - (n + 1) / 2) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (np.diff(ranks, axis=1) ** 2).sum(axis=1) / spread
    shape = 5 * n * (n + 1) * (n - 1) ** 2 / (2 * (n - 2) * (5 * n**2 - 2 * n - 9)) - 0.5
    p: Floats = np.nan_to_num(stats.beta.cdf(ratio / 4, shape, shape), nan=1.0)
    return p


def bimodality_p(values: Floats) -> Floats:
    """P that `values` (samples, n) fall into two groups no more clearly than chance has it.

    The share of the spread that is left within the two best groups of at least a fifth of the
    values (Otsu, IEEE Trans. Syst. Man Cybern. 9, 1979), against that of uniform values: of
    distributions with one mode the most like two (as in Hartigan and Hartigan, The dip test of
    unimodality, Ann. Statist. 13, 1985). 1 below ten values.
    """
    n = values.shape[1]
    if n < MIN_MODES:
        return np.ones(len(values))
    chance = _by_chance(n)
    return (1 + np.searchsorted(chance, _within(values), side="right")) / (1 + chance.size)


def _within(values: Floats) -> Floats:
    """Sum of squares within the two best groups by that of all values: (samples, n) to (samples,).

    Groups are cut from sorted values; values without spread are one group (1).
    """
    n = values.shape[1]
    centred = np.sort(values, axis=1)
    centred = centred - centred.mean(axis=1, keepdims=True)
    smallest = -(-n // 5)
    cuts = np.arange(smallest, n - smallest + 1)
    left = np.cumsum(centred, axis=1)[:, cuts - 1]
    between = left**2 / cuts + left**2 / (n - cuts)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - between.max(axis=1) / (centred**2).sum(axis=1)
    found: Floats = np.nan_to_num(share, nan=1.0)
    return found


@cache
def _by_chance(n: int) -> Floats:
    draws = np.random.default_rng(n).random((SIMULATED, n))
    return np.sort(_within(draws))
