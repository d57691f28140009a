"""From numbers to one word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from lab.labels import TIMES
from lab.metrics import Direction
from lab.stats.model import Verdict
from lab.stats.power import ALPHA

BOOTS_DIFFER = 0.01
"""Two boots of a host are said to disagree at this level."""


@dataclass(frozen=True)
class Noise:
    """How far the reference differs from itself: up to the ratio `floor` > 1.

    `shown` where that is a difference and not only what an interval allows.
    """

    floor: float
    shown: bool


class Evidence(NamedTuple):
    """What a verdict on one setting is made of; see `lab.stats.model.Comparison`."""

    ratio: float
    interval: tuple[float, float]
    p_adjusted: float
    p_permutation: float
    p_equivalent: float
    p_boots: float
    boots: int
    margin: float
    noise: Noise | None


def judge(
    ratio: float, interval: tuple[float, float], p_adjusted: float, direction: Direction
) -> tuple[Verdict, str]:
    """Verdict and reason; better or worse only if p and interval agree that there is a change."""
    low, high = interval
    excludes_one = low > 1 or high < 1
    if p_adjusted >= ALPHA or not excludes_one:
        return Verdict.INCONCLUSIVE, _doubt(interval, p_adjusted, excludes_one=excludes_one)
    if direction is Direction.NEITHER:
        return Verdict.INCONCLUSIVE, "it changed, and neither more nor less of it is better"
    lower_is_better = direction is Direction.LOWER
    better = (ratio < 1) is lower_is_better
    reason = f"adjusted p {_p(p_adjusted)}, interval {_span(interval)}"
    return (Verdict.BETTER if better else Verdict.WORSE), reason


def weigh(seen: Evidence, direction: Direction) -> tuple[Verdict, str]:
    """Verdict and reason of a setting, by all that is known of it.

    A change has to be seen by both tests and by the interval, and to be larger than what the same
    setting under two names shows; equivalence, by the test and by the interval.
    """
    verdict, reason = judge(seen.ratio, seen.interval, seen.p_adjusted, direction)
    if verdict in {Verdict.BETTER, Verdict.WORSE}:
        return _confirmed(seen, verdict, reason)
    low, high = seen.interval
    if seen.p_equivalent < ALPHA and 1 / seen.margin <= low and high <= seen.margin:
        return Verdict.EQUIVALENT, (
            f"interval {_span(seen.interval)} lies within the margin of "
            f"{100 * (seen.margin - 1):.3g} % (p {_p(seen.p_equivalent)})"
        )
    return verdict, reason


def _confirmed(seen: Evidence, verdict: Verdict, reason: str) -> tuple[Verdict, str]:
    if seen.p_permutation > ALPHA:
        return Verdict.INCONCLUSIVE, (
            f"{reason}; but flipping signs gives such a mean with p {_p(seen.p_permutation)}"
        )
    if seen.boots == 2 and seen.p_boots < BOOTS_DIFFER:  # noqa: PLR2004
        return Verdict.UNSTABLE, (
            f"{reason}; but the two boots differ from each other (p {_p(seen.p_boots)}): boot the "
            "host more often"
        )
    if seen.noise and seen.noise.shown and abs(math.log(seen.ratio)) <= math.log(seen.noise.floor):
        return Verdict.UNSTABLE, (
            f"{reason}; but the reference differs from itself by up to {TIMES}"
            f"{seen.noise.floor:.3g} (A/A)"
        )
    return verdict, reason


def _doubt(interval: tuple[float, float], p_adjusted: float, *, excludes_one: bool) -> str:
    if excludes_one:
        return f"interval {_span(interval)} excludes 1, but adjusted p is {_p(p_adjusted)}"
    return f"interval {_span(interval)} holds 1 (adjusted p {_p(p_adjusted)})"


def _span(interval: tuple[float, float]) -> str:
    return f"{TIMES}{interval[0]:.3g} to {TIMES}{interval[1]:.3g}"


def _p(value: float) -> str:
    return f"{value:.2g}"
