"""False discovery, controlled over everything that a run compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from lab.stats.location import Floats


def adjusted(p_values: Floats) -> Floats:
    """Adjust p values (n,) so that of those below alpha at most a share alpha is false.

    Benjamini and Hochberg, Controlling the false discovery rate, J. R. Statist. Soc. B 57 (1995);
    it holds for comparisons with one reference, too (Benjamini and Yekutieli, Ann. Statist. 29,
    2001). NaN, what could not be computed, stays NaN and is no part of the family.
    """
    known = ~np.isnan(p_values)
    found = np.full(p_values.shape, np.nan)
    if known.any():
        found[known] = stats.false_discovery_control(p_values[known], method="bh")
    return found
