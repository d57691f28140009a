"""What the comparisons of a metric could not have seen, for all settings of a workload at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.stats import Cell, Comparison

Span = tuple[float, float]


@dataclass(frozen=True)
class Limits:
    """Least and largest over the settings of one workload, in one metric; None where unknown.

    `spread` is that of trials by their median, `detectable` the smallest ratio above 1 that would
    have been found with 80 % power. `noise_floor` is the ratio up to which the host differs from
    itself (A/A): the same for all settings.
    """

    spread: Span | None
    detectable: Span | None
    noise_floor: float | None


def limits(cells: Iterable[Cell | None], comparisons: Iterable[Comparison | None]) -> Limits:
    """Gather the limits of one metric's cells and of their comparisons, as far as there are any."""
    compared = [each for each in comparisons if each]
    return Limits(
        _span(each.relative_spread for each in cells if each),
        _span(each.detectable for each in compared),
        next((each.noise_floor for each in compared if each.noise_floor), None),
    )


def _span(values: Iterable[float | None]) -> Span | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None
