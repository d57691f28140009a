"""Which changes are one alert: those that began together and share a host, metric or cause.

Clock classes are never mixed: an emulated host says nothing about a real one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import date

from lab.alerts.model import Change, Night, Suspect

TOGETHER_DAYS = 1
"""A change point is placed a night off at times; so much apart is together."""


def families(
    changes: Sequence[Change], causes: dict[Change, tuple[Suspect, ...]]
) -> list[list[Change]]:
    """Part changes into families, by order of appearance; `causes` says what came with each.

    Two belong together when they began within a night of each other and are of one host, of
    one metric that went the same way, or came with the very same changes of facts.
    """
    beginnings = _beginnings(change.since for change in changes)
    parents = list(range(len(changes)))

    def root(member: int) -> int:
        while parents[member] != member:
            parents[member] = parents[parents[member]]
            member = parents[member]
        return member

    first: dict[Hashable, int] = {}
    for place, change in enumerate(changes):
        for key in _keys(change, beginnings[change.since], causes.get(change, ())):
            other = first.setdefault(key, place)
            older, younger = sorted((root(other), root(place)))
            parents[younger] = older
    found: dict[int, list[Change]] = {}
    for place, change in enumerate(changes):
        found.setdefault(root(place), []).append(change)
    return list(found.values())


def _keys(change: Change, began: Night, causes: tuple[Suspect, ...]) -> Iterable[Hashable]:
    series = change.series
    yield ("host", series.clock_class, began, series.host)
    yield ("metric", series.clock_class, began, series.metric, change.direction)
    if causes:
        cause = frozenset((each.fact, each.before, each.after) for each in causes)
        yield ("cause", series.clock_class, began, cause)


def _beginnings(nights: Iterable[Night]) -> dict[Night, Night]:
    """Map each night to the first of those it is together with."""
    found: dict[Night, Night] = {}
    first = None
    for night in sorted(set(nights)):
        if first is None or (_day(night) - _day(first)).days > TOGETHER_DAYS:
            first = night
        found[night] = first
    return found


def _day(night: Night) -> date:
    return date.fromisoformat(night)
