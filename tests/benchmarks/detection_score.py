"""From what a detector said each night to right and wrong, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

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

Seen = Iterable[tuple[int, int]]


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
    """False alerts on one series, and nights until each of its changes was told (None: never)."""

    case: Case
    false: int
    delays: tuple[int | None, ...]


def score(case: Case, seen: Seen) -> Score:
    """Score what was `seen`: (night, first night of the change) by the detector.

    A change counts once; places that it is told at again, and other places near a true change,
    are not held against a detector.
    """
    changes = case.series.recipe.changes
    delays: dict[Change, int] = {}
    told: list[tuple[int, int]] = []
    false = 0
    for night, since in sorted(seen):
        if not case.first <= night <= case.last:
            continue
        began = sum(change.night <= night for change in changes)
        if any(then == began and abs(since - place) <= SAME for then, place in told):
            continue
        told.append((began, since))
        near = [change for change in changes[:began] if _near(change, since)]
        if not near:
            false += 1
            continue
        nearest = min(near, key=lambda change: abs(since - change.night))
        delay = night - nearest.night
        if delay < nearest.nights + IN_TIME:
            delays.setdefault(nearest, delay)
    return Score(case, false, tuple(delays.get(change) for change in changes))


def _near(change: Change, since: int) -> bool:
    return change.night - NEAR <= since < change.night + change.nights + NEAR


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
    """How many of `changes` were told in time, and the nights that took; a miss takes all."""

    changes: int
    share: float
    median: float
    mean: float

    @classmethod
    def of(cls, delays: list[int | None], longest: int) -> Found:
        nights = np.array([longest if delay is None else delay for delay in delays], float)
        told = [delay is not None for delay in delays]
        return cls(
            len(delays), float(np.mean(told)), float(np.median(nights)), float(nights.mean())
        )
