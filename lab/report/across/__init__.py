"""What settings do on every host of one clock class, side by side: effects, never nanoseconds."""

from __future__ import annotations

from lab.report.across.comparable import Comparable
from lab.report.across.forest import effects
from lab.report.across.front import fronts
from lab.report.across.heat import heat
from lab.report.material import Picture

__all__ = ["Comparable", "pictures"]


def pictures(comparable: Comparable) -> list[Picture]:
    """All pictures for which the hosts have data."""
    drawn = [draw(comparable) for draw in (heat, effects, fronts)]
    return [picture for picture in drawn if picture.multiples]
