"""Two estimates that share no blocks: of two runs, two hosts or two architectures.

Blocks of one run are no partners of another run's, so nothing is cancelled by pairing: the
errors of both sides add up. Everything is on the log scale, so that a difference is a ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from lab.stats.estimate import CONFIDENCE, POWER, Floats


@dataclass(frozen=True)
class LogEstimate:
    """An estimate on the log scale, its standard error (above 0) and its degrees of freedom."""

    value: float
    standard_error: float
    df: float

    @property
    def ratio(self) -> float:
        return float(np.exp(self.value))

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % t interval, as ratios."""
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.df)) * self.standard_error
        return float(np.exp(self.value - half)), float(np.exp(self.value + half))

    @property
    def p(self) -> float:
        """Two-sided p of a ratio of 1."""
        return float(2 * stats.t.sf(abs(self.value) / self.standard_error, self.df))

    def p_within(self, margin: float) -> float:
        """P of a ratio outside 1 / margin to margin, margin > 1: two one-sided t tests.

        Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987): the larger of the two.
        """
        edge = float(np.log(margin))
        above = stats.t.sf((self.value + edge) / self.standard_error, self.df)
        below = stats.t.cdf((self.value - edge) / self.standard_error, self.df)
        return float(max(above, below))

    def detectable(self, alpha: float) -> float:
        """Smallest ratio above 1 that a t test at `alpha` finds with 80 % power (Bloom 1995)."""
        multiplier = stats.t.ppf(1 - alpha / 2, self.df) + stats.t.ppf(POWER, self.df)
        return float(np.exp(multiplier * self.standard_error))


def of_values(values: Floats) -> LogEstimate | None:
    """Mean log of positive values (n,); None where fewer than two or no spread say no error."""
    logs = np.log(values)
    if logs.size < 2 or not np.ptp(logs):  # noqa: PLR2004
        return None
    error = float(stats.sem(logs))
    return LogEstimate(float(logs.mean()), error, logs.size - 1)


def difference(one: LogEstimate, other: LogEstimate) -> LogEstimate:
    """`one` less `other`: a ratio of ratios, with Welch's degrees of freedom.

    Welch, The generalization of Student's problem when several different population variances
    are involved, Biometrika 34 (1947); Satterthwaite, Biometrics Bulletin 2 (1946).
    """
    first, second = one.standard_error**2, other.standard_error**2
    df = (first + second) ** 2 / (first**2 / one.df + second**2 / other.df)
    return LogEstimate(one.value - other.value, float(np.sqrt(first + second)), df)
