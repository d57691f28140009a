"""What the hosts of one clock class show together, and how architectures look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.across import differences, fleet_recommendation, hosts, recommendation, tally, title
from lab.labels import change, span
from lab.metrics import metric
from lab.report.material import LegendEntry
from lab.report.style import COLOURS, GLYPHS, SYMBOLS, titled
from lab.stats import Comparison
from lab.stats.architectures import Across, ArchitectureEffect, across
from lab.stats.choice import Advice

APART = tuple(COLOURS[number] for number in (0, 3, 2, 4, 1, 5))
"""Colours of architectures, neighbours far apart."""


@dataclass(frozen=True)
class Comparable:
    """Effects and advice of one clock class; `names` are short labels of settings."""

    clock_class: str
    across: Sequence[Across]
    advice: Advice | None
    names: Mapping[str, str]

    @property
    def architectures(self) -> list[str]:
        return list(dict.fromkeys(e.architecture for each in self.across for e in each.effects))

    @property
    def looks(self) -> dict[str, tuple[str, str]]:
        """A colour and a symbol for each architecture."""
        return {
            name: (APART[n % len(APART)], SYMBOLS[n % len(SYMBOLS)])
            for n, name in enumerate(self.architectures)
        }

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        return tuple(
            LegendEntry(title(name), colour, GLYPHS[SYMBOLS.index(symbol)])
            for name, (colour, symbol) in self.looks.items()
        )

    def panel(self, across: Across) -> str:
        """Title of a small picture of one workload and metric."""
        return titled(across.workload, metric(across.metric).title)

    @property
    def sentences(self) -> list[str]:
        return differences(self.across)

    @property
    def tally(self) -> str:
        return tally(self.across)

    @property
    def recommendations(self) -> list[str]:
        if not self.advice:
            return []
        said = [recommendation(each) for each in self.advice.architectures.values()]
        return said + ([fleet_recommendation(self.advice.fleet)] if self.advice.fleet else [])


def comparables(
    comparisons: Sequence[Comparison], advice: Mapping[str, Advice], names: Mapping[str, str]
) -> list[Comparable]:
    """Put hosts of one clock class together; `advice` is by clock class."""
    found = across(comparisons)
    return [
        Comparable(
            clock_class,
            [each for each in found if each.clock_class == clock_class],
            advice.get(clock_class),
            names,
        )
        for clock_class in dict.fromkeys(each.clock_class for each in found)
    ]


def told(effect: ArchitectureEffect | None) -> str:
    if effect is None:
        return "not measured"
    if effect.estimate is None:
        return f"{effect.verdict}: {effect.reason}"
    ends = span(*effect.estimate.interval)
    return f"{change(effect.ratio)} {ends}, {effect.verdict} ({hosts(effect.hosts)})"
