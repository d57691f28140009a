"""From numbers to one word."""

from __future__ import annotations

from lab.labels import TIMES
from lab.metrics import Direction
from lab.stats.model import Verdict

ALPHA = 0.05


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


def _doubt(interval: tuple[float, float], p_adjusted: float, *, excludes_one: bool) -> str:
    if excludes_one:
        return f"interval {_span(interval)} excludes 1, but adjusted p is {_p(p_adjusted)}"
    return f"interval {_span(interval)} holds 1 (adjusted p {_p(p_adjusted)})"


def _span(interval: tuple[float, float]) -> str:
    return f"{TIMES}{interval[0]:.3g} to {TIMES}{interval[1]:.3g}"


def _p(value: float) -> str:
    return f"{value:.2g}"
