"""False discovery, controlled over everything that a run compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from lab.stats.location import Floats
    from lab.stats.pairs import Codes


def adjusted(p_values: Floats, family: Codes | None = None) -> Floats:
    """Adjust p values (n,) so that of those below alpha at most a share alpha is false.

    Each is adjusted within its `family` (n,), a number; without, all are one family. Benjamini and
    Hochberg, Controlling the false discovery rate, J. R. Statist. Soc. B 57 (1995); it holds for
    comparisons with one reference, too (Benjamini and Yekutieli, Ann. Statist. 29, 2001). NaN,
    what could not be computed, stays NaN and is no part of a family.
    """
    found = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    family = np.zeros(p_values.shape, int) if family is None else family
    order = known[np.argsort(family[known], kind="stable")]
    sizes = np.unique(family[order], return_counts=True)[1]
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        found[rows] = stats.false_discovery_control(p_values[rows], axis=1, method="bh")
    return found
