"""From numbers to a word, for many comparisons at once; to a sentence, for one that is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

from lab.labels import TIMES
from lab.metrics import Direction
from lab.stats.model import Verdict
from lab.stats.power import ALPHA

if TYPE_CHECKING:
    from lab.stats.location import Floats
    from lab.stats.pairs import Codes

T = TypeVar("T")

BOOTS_DIFFER = 0.01
"""Two boots of a host are said to disagree at this level."""
TOWARDS = {Direction.LOWER: -1.0, Direction.NEITHER: 0.0, Direction.HIGHER: 1.0}
"""Where better lies from a ratio of 1."""


@dataclass(frozen=True)
class Noise:
    """How far the reference differs from itself: up to the ratio `floor` > 1.

    `shown` where that is a difference and not only what an interval allows.
    """

    floor: float
    shown: bool


class Why(IntEnum):
    """What a verdict rests on. The first four are obstacles: there is nothing to weigh."""

    UNMEASURED = 0
    TOO_FEW = 1
    ZERO = 2
    NO_SPREAD = 3
    HOLDS_ONE = 4
    DOUBTED = 5
    NEITHER = 6
    EQUIVALENT = 7
    BETTER = 8
    WORSE = 9
    SIGNS_FLIP = 10
    BOOTS_DIFFER = 11
    WITHIN_NOISE = 12

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS.get(self, Verdict.INCONCLUSIVE)


_VERDICTS = {
    Why.EQUIVALENT: Verdict.EQUIVALENT,
    Why.BETTER: Verdict.BETTER,
    Why.WORSE: Verdict.WORSE,
    Why.BOOTS_DIFFER: Verdict.UNSTABLE,
    Why.WITHIN_NOISE: Verdict.UNSTABLE,
}
_SPAN = f"interval {TIMES}{{low:.3g}} to {TIMES}{{high:.3g}}"
_CHANGED = f"adjusted p {{p_adjusted:.2g}}, {_SPAN}"
_SENTENCES = {
    Why.ZERO: "zero in some trials, so there is no ratio: see the difference",
    Why.NO_SPREAD: "every block has the same ratio: without spread nothing can be tested",
    Why.HOLDS_ONE: f"{_SPAN} holds 1 (adjusted p {{p_adjusted:.2g}})",
    Why.DOUBTED: f"{_SPAN} excludes 1, but adjusted p is {{p_adjusted:.2g}}",
    Why.NEITHER: "it changed, and neither more nor less of it is better",
    Why.EQUIVALENT: f"{_SPAN} lies within the margin of {{percent:.3g}} % (p {{p_equivalent:.2g}})",
    Why.BETTER: _CHANGED,
    Why.WORSE: _CHANGED,
    Why.SIGNS_FLIP: f"{_CHANGED}; but flipping signs gives such a mean with p "
    "{p_permutation:.2g}",
    Why.BOOTS_DIFFER: f"{_CHANGED}; but the two boots differ from each other (p {{p_boots:.2g}}): "
    "boot the host more often",
    Why.WITHIN_NOISE: f"{_CHANGED}; but the reference differs from itself by up to "
    f"{TIMES}{{floor:.3g}} (A/A)",
}


class Evidence(NamedTuple, Generic[T]):
    """What verdicts are made of, see `lab.stats.model.Comparison`: arrays (n,), or one of each.

    `floor` is that of `Noise` where it is shown, else NaN; `towards` is one of TOWARDS.
    """

    ratio: T
    low: T
    high: T
    p_adjusted: T
    p_permutation: T
    p_equivalent: T
    p_boots: T
    boots: T
    floor: T
    margin: T
    towards: T


def decide(seen: Evidence[Floats]) -> Codes:
    """Say by one `Why` each what the verdicts rest on.

    A change has to be seen by both tests and by the interval, and to be larger than what the same
    setting under two names shows; equivalence, by the test and by the interval.
    """
    excludes_one = (seen.low > 1) | (seen.high < 1)
    changed = excludes_one & (seen.p_adjusted < ALPHA)
    judged = changed & (seen.towards != 0)
    inside = (1 / seen.margin <= seen.low) & (seen.high <= seen.margin)
    # The first that is true is what counts.
    cases = {
        Why.SIGNS_FLIP: judged & (seen.p_permutation > ALPHA),
        Why.BOOTS_DIFFER: judged & (seen.boots == 2) & (seen.p_boots < BOOTS_DIFFER),  # noqa: PLR2004
        Why.WITHIN_NOISE: judged & (np.abs(np.log(seen.ratio)) <= np.log(seen.floor)),
        Why.BETTER: judged & (seen.towards * (seen.ratio - 1) > 0),
        Why.WORSE: judged,
        Why.EQUIVALENT: inside & (seen.p_equivalent < ALPHA),
        Why.NEITHER: changed,
        Why.DOUBTED: excludes_one,
    }
    return np.select(list(cases.values()), list(cases), Why.HOLDS_ONE).astype(np.int64)


def judge(
    ratio: float, interval: tuple[float, float], p_adjusted: float, direction: Direction
) -> tuple[Verdict, str]:
    """Verdict and reason of what nothing else is known of: of effects that were combined, say."""
    one = Evidence(
        ratio=ratio,
        low=interval[0],
        high=interval[1],
        p_adjusted=p_adjusted,
        p_permutation=0.0,
        p_equivalent=1.0,
        p_boots=1.0,
        boots=1.0,
        floor=np.nan,
        margin=1.0,
        towards=TOWARDS[direction],
    )
    why = Why(decide(Evidence(*map(np.atleast_1d, one)))[0])
    return why.verdict, sentence(why, one)


def sentence(why: Why, of: Evidence[float]) -> str:
    """Say in words what a verdict rests on; of obstacles, those that need no number."""
    return _SENTENCES[why].format(**of._asdict(), percent=100 * (of.margin - 1))
