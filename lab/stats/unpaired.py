"""Two estimates that share no blocks: of two runs, two hosts or two architectures.

Blocks of one run are no partners of another run's, so nothing is cancelled by pairing: the
errors of both sides add up. Everything is on the log scale, so that a difference is a ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from lab.stats.effect import NO_SPREAD
from lab.stats.location import CONFIDENCE, Floats
from lab.stats.power import POWER


@dataclass(frozen=True)
class Effect:
    """An estimate with its standard error (above 0) and its degrees of freedom.

    On the log scale, so that it is a ratio, unless it is said to be something else.
    """

    value: float
    standard_error: float
    df: float

    @property
    def ratio(self) -> float:
        return float(np.exp(self.value))

    @property
    def span(self) -> tuple[float, float]:
        """Ends of the 95 % t interval of `value`."""
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.df)) * self.standard_error
        return self.value - half, self.value + half

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % t interval of `ratio`."""
        low, high = self.span
        return float(np.exp(low)), float(np.exp(high))

    @property
    def p(self) -> float:
        """Two-sided p of a ratio of 1."""
        return float(2 * stats.t.sf(abs(self.value) / self.standard_error, self.df))

    def is_within(self, margin: float) -> bool:
        """Tell whether the 95 % interval of the ratio lies within 1 / margin to margin.

        That is two one-sided t tests at 2.5 % each (Schuirmann, J. Pharmacokinetics and
        Biopharmaceutics 15, 1987): stricter than they need be, as verdicts on one host are.
        """
        low, high = self.interval
        return 1 / margin <= low and high <= margin

    def detectable(self, alpha: float) -> float:
        """Smallest ratio above 1 that a t test at `alpha` finds with 80 % power (Bloom 1995)."""
        quantiles = stats.t.ppf(1 - alpha / 2, self.df) + stats.t.ppf(POWER, self.df)
        return float(np.exp(quantiles * self.standard_error))


def mean(values: Floats) -> Effect | None:
    """Mean of values (n,); None where fewer than two, or no spread, tell no error."""
    if values.size < 2 or np.ptp(values) < NO_SPREAD:  # noqa: PLR2004
        return None
    return Effect(float(values.mean()), float(stats.sem(values)), values.size - 1)


def difference(one: Effect, other: Effect) -> Effect:
    """`one` less `other`: a ratio of ratios, with Welch's degrees of freedom.

    Welch, The generalization of Student's problem when several different population variances
    are involved, Biometrika 34 (1947); Satterthwaite, Biometrics Bulletin 2 (1946).
    """
    first, second = one.standard_error**2, other.standard_error**2
    df = (first + second) ** 2 / (first**2 / one.df + second**2 / other.df)
    return Effect(one.value - other.value, float(np.sqrt(first + second)), df)
