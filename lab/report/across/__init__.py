"""What settings do on every host of one clock class, side by side: effects, never nanoseconds."""

from __future__ import annotations

from lab.report.across.comparable import Comparable, comparables
from lab.report.across.forest import effects
from lab.report.across.front import fronts
from lab.report.across.heat import heat
from lab.report.material import Picture

__all__ = ["DRAWN", "Comparable", "comparables", "pictures"]

DRAWN = (heat, effects, fronts)


def pictures(comparable: Comparable) -> list[Picture]:
    """All pictures for which the hosts have data."""
    drawn = [draw(comparable) for draw in DRAWN]
    return [picture for picture in drawn if picture.multiples]
