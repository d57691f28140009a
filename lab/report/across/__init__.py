"""What settings do on every host of one clock class, side by side: effects, never nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.report.across.comparable import Comparable, comparables
from lab.report.across.forest import effects
from lab.report.across.front import fronts
from lab.report.across.heat import heat
from lab.report.material import Picture
from lab.stats import Comparison
from lab.stats.choice import Advice

__all__ = ["DRAWN", "Group", "comparables", "groups"]

DRAWN = (heat, effects, fronts)


@dataclass(frozen=True)
class Group:
    """The part of a page on all hosts of one clock class."""

    comparable: Comparable
    pictures: list[Picture]


def groups(
    comparisons: Sequence[Comparison], advice: Mapping[str, Advice], names: Mapping[str, str]
) -> list[Group]:
    """Put hosts of each clock class together; arguments as of `comparables`."""
    return [Group(each, _pictures(each)) for each in comparables(comparisons, advice, names)]


def _pictures(comparable: Comparable) -> list[Picture]:
    """All pictures for which the hosts have data."""
    drawn = [draw(comparable) for draw in DRAWN]
    return [picture for picture in drawn if picture.multiples]
