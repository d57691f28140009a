"""From what a detector said each night to right and wrong, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lab.detect.rule import Floats
from lab.detect.synthetic import Change, Synthetic

NIGHTS = 365
SHORTEST, LEAD = 14, 40
"""First night that is asked about: of a quiet year, and before the first change."""
SAME = 5
"""Nights within which two places are one change."""
NEAR = 10
"""Nights by which a place may miss the change it is counted for."""
IN_TIME = 60
"""Nights after a change (a drift: after its end) within which it must be found."""

PRETENDED = range(100, 210, 10)
"""Nights of a quiet year at which a change is pretended, to see what is told of it by luck."""

Seen = Iterable[tuple[int, int, int]]
"""The night it was told, the first night of the change, and where it went: 1 for up, -1."""


@dataclass(frozen=True)
class Case:
    """One series and what it is there for; what is seen from `first` to `last` counts.

    That is around the changes, or the whole year where there are none: peers are slow.
    """

    what: str
    series: Synthetic

    @property
    def first(self) -> int:
        changes = self.series.recipe.changes
        return changes[0].night - LEAD if changes else SHORTEST

    @property
    def last(self) -> int:
        changes = self.series.recipe.changes
        return changes[-1].night + changes[-1].nights + IN_TIME if changes else NIGHTS - 1


@dataclass(frozen=True)
class Score:
    """False alerts on one series, and nights until each of its changes was told (None: never).

    `lucky` are those of changes that were only pretended.
    """

    case: Case
    false: int
    delays: tuple[int | None, ...]
    lucky: tuple[int | None, ...]


def score(case: Case, seen: Seen) -> Score:
    """Score what was `seen` by a detector."""
    told = [each for each in sorted(seen) if case.first <= each[0] <= case.last]
    changes = case.series.recipe.changes
    false, delays = _score(changes, told)
    pretended = [Change(night, way) for night in PRETENDED for way in (-1, 1)]
    lucky = [] if changes else [_score((each,), told)[1][0] for each in pretended]
    return Score(case, false, delays, tuple(lucky))


def _score(changes: tuple[Change, ...], seen: Seen) -> tuple[int, tuple[int | None, ...]]:
    """Count false alerts, and nights until each of `changes` was told.

    A change counts once; places that it is told at again, and other places near a true change,
    are not held against a detector, unless they say that values went the other way.
    """
    delays: dict[Change, int] = {}
    told: list[tuple[tuple[int, int], int]] = []
    false = 0
    for night, since, way in seen:
        began = sum(change.night <= night for change in changes)
        if any(then == (began, way) and abs(since - place) <= SAME for then, place in told):
            continue
        told.append(((began, way), since))
        near = [change for change in changes[:began] if _near(change, since, way)]
        if not near:
            false += 1
            continue
        nearest = min(near, key=lambda change: abs(since - change.night))
        delay = night - nearest.night
        if delay < nearest.nights + IN_TIME:
            delays.setdefault(nearest, delay)
    return false, tuple(delays.get(change) for change in changes)


def _near(change: Change, since: int, way: int) -> bool:
    within = change.night - NEAR <= since < change.night + change.nights + NEAR
    return within and (change.size > 0) == (way > 0)


@dataclass(frozen=True)
class Rate:
    """False alerts per series and year, with the exact 95 % interval of a Poisson count."""

    per_year: float
    low: float
    high: float

    @classmethod
    def of(cls, scores: list[Score]) -> Rate:
        count = sum(each.false for each in scores)
        years = sum(each.case.last + 1 - each.case.first for each in scores) / NIGHTS
        low = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
        high = stats.chi2.ppf(0.975, 2 * count + 2) / 2
        return cls(count / years, float(low) / years, float(high) / years)


@dataclass(frozen=True)
class Found:
    """The share of changes that were told in time, and the nights each took; a miss takes all."""

    share: float
    nights: Floats

    @classmethod
    def of(cls, delays: list[int | None], longest: int) -> Found:
        nights = np.array([longest if delay is None else delay for delay in delays], float)
        return cls(float(np.mean([delay is not None for delay in delays])), nights)

    def sooner(self, other: Found) -> tuple[float, float]:
        """Return nights by which this is sooner than `other` on the same changes, ± its interval.

        The interval is that of Student's t over changes, 95 %.
        """
        ahead = other.nights - self.nights
        return float(ahead.mean()), float(stats.t.ppf(0.975, ahead.size - 1) * stats.sem(ahead))
