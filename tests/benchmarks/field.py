"""What benchmark harnesses do with the same trials: three ways to claim a change.

Each takes the logarithms of trials of two settings, (experiments, n), and tells for each experiment
whether it claims that they differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.stats.location import Floats

Claims = NDArray[np.bool_]

EVENTS = 50
EVENT_NOISE = 0.10
GATE = 1.05


def t_test_of_means(treated: Floats, reference: Floats) -> Claims:
    """Mean and standard deviation with a two-sample t test, as `pyperf compare_to` does."""
    return np.asarray(stats.ttest_ind(np.exp(treated), np.exp(reference), axis=1).pvalue) < 0.05


def mann_whitney_of_events(treated: Floats, reference: Floats) -> Claims:
    """Mann-Whitney over all events of all trials; here 50 of each, 10 % around its trial."""
    rng = np.random.default_rng(1)
    claims = np.empty(len(treated), bool)
    for start in range(0, len(treated), 250):
        part = slice(start, start + 250)
        one, other = (_events(each[part], rng) for each in (treated, reference))
        tested = stats.mannwhitneyu(one, other, axis=1, method="asymptotic")
        claims[part] = np.asarray(tested.pvalue) < 0.05
    return claims


def medians_alone(treated: Floats, reference: Floats) -> Claims:
    """Medians further apart than 5 %, with no regard for their spread."""
    apart = np.abs(np.median(treated, axis=1) - np.median(reference, axis=1))
    return np.asarray(apart > np.log(GATE))


def _events(trials: Floats, rng: np.random.Generator) -> Floats:
    """Events around each trial: (experiments, n) to (experiments, n * EVENTS)."""
    noise = rng.normal(0, EVENT_NOISE, (*trials.shape, EVENTS))
    return (trials[..., None] + noise).reshape(len(trials), -1)
