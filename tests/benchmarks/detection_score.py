"""From what a detector said each night to right and wrong, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.detect.synthetic import Change, Synthetic

SAME = 5
"""Nights within which two places are one change."""
NEAR = 10
"""Nights by which a place may miss the change it is counted for."""
IN_TIME = 60
"""Nights after a change (a drift: after its end) within which it must be found."""

Seen = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Score:
    """False alerts of one series, and nights until each of its changes was told (None: never)."""

    false: int
    delays: tuple[int | None, ...]


def score(series: Synthetic, seen: Seen) -> Score:
    """Score what was `seen`: (night, first night of the change) by the detector.

    A change counts once; places that it is told at again, and other places near a true change,
    are not held against a detector.
    """
    changes = series.recipe.changes
    delays: dict[Change, int] = {}
    told: list[tuple[int, int]] = []
    false = 0
    for night, since in sorted(seen):
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
    return Score(false, tuple(delays.get(change) for change in changes))


def _near(change: Change, since: int) -> bool:
    return change.night - NEAR <= since < change.night + change.nights + NEAR
