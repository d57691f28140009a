"""Does a setting do the same on every architecture? Effects of hosts combined, then contrasted.

An effect is a ratio to the reference on the same host, so effects may be held side by side where
nanoseconds may not. Hosts of one architecture and clock class are combined by random effects
(`lab.stats.meta`); architectures of one clock class are contrasted, which is the interaction of
knob and architecture; different clock classes stand side by side and are never contrasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np

from lab.metrics import Direction
from lab.stats.family import adjusted
from lab.stats.meta import Combined, combine
from lab.stats.model import Comparison, Verdict
from lab.stats.power import ALPHA
from lab.stats.unpaired import Effect, difference
from lab.stats.verdict import judge

UNKNOWN = "unknown"
CANNOT = (Verdict.INERT, Verdict.MISSING)
NUMBERS = ("low", "high", "p", "p_adjusted", "detectable")
"""What an effect takes from the only comparison there is."""
COMMON = ("clock_class", "workload", "metric", "setting", "reference")


class Agreement(StrEnum):
    """What is shown of two effects: that they differ, or only by the margin, or neither."""

    DIFFERENT = "different"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class ArchitectureEffect:
    """What a setting does on the hosts of one architecture, as a ratio to their references.

    With one host the numbers are that host's and say nothing of others; `heterogeneity` (of log
    ratios) is there from two on, and its tau² and I² tell how far hosts differ. `without` are
    the comparisons that hold no effect: inert, missing, failed, too few blocks.
    """

    architecture: str
    hosts: tuple[str, ...]
    estimate: Effect | None
    heterogeneity: Combined | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    detectable: float | None
    verdict: Verdict
    reason: str
    without: tuple[Comparison, ...]

    @property
    def ratio(self) -> float | None:
        return self.estimate.ratio if self.estimate else None


@dataclass(frozen=True)
class Interaction:
    """The effect on `one` by the effect on `other`: 1 where the knob does the same on both."""

    one: str
    other: str
    estimate: Effect
    p_adjusted: float
    detectable: float
    agreement: Agreement

    @property
    def is_shown(self) -> bool:
        return self.agreement is Agreement.DIFFERENT


@dataclass(frozen=True)
class Across:
    """One setting's effect on one metric of one workload, architecture by architecture.

    `between` combines the architectures' effects: its tau² and I² are the heterogeneity
    between architectures; None with fewer than two effects.
    """

    clock_class: str
    workload: str
    metric: str
    unit: str
    direction: Direction
    setting: str
    reference: str
    margin: float
    effects: tuple[ArchitectureEffect, ...]
    interactions: tuple[Interaction, ...]
    between: Combined | None

    def records(self) -> list[dict[str, Any]]:
        """Return a record for each architecture, with plain values, for a table."""
        common = {name: getattr(self, name) for name in COMMON}
        return [
            common
            | {
                "architecture": each.architecture,
                "hosts": ", ".join(each.hosts),
                "ratio": each.ratio,
                **{name: getattr(each, name) for name in NUMBERS},
                "tau2": each.heterogeneity.tau2 if each.heterogeneity else None,
                "i2": each.heterogeneity.i2 if each.heterogeneity else None,
                "verdict": str(each.verdict),
                "reason": each.reason,
                "differs_from": ", ".join(self.differing_from(each.architecture)),
            }
            for each in self.effects
        ]

    def differing_from(self, architecture: str) -> list[str]:
        """Architectures whose effect is shown to differ from that of this one."""
        pairs = [(each.one, each.other) for each in self.interactions if each.is_shown]
        return [
            one if other == architecture else other
            for one, other in pairs
            if architecture in {one, other}
        ]


def across(comparisons: Iterable[Comparison]) -> list[Across]:
    """Combine and contrast the effects of one or more runs, in their order.

    False discovery is controlled over all combined effects, and over all interactions. A host in
    several runs counts once: its runs are combined first.
    """
    groups: dict[tuple[str, ...], dict[str, list[Comparison]]] = {}
    for each in comparisons:
        key = (each.clock_class or UNKNOWN, each.workload, each.metric, each.setting)
        group = groups.setdefault((*key, each.reference), {})
        group.setdefault(each.architecture or UNKNOWN, []).append(each)
    found = [[_Member(*item) for item in group.items()] for group in groups.values()]
    effects = Family(m.pooled.p for members in found for m in members if m.pooled)
    interactions = Family(estimate.p for members in found for _, _, estimate in _contrasts(members))
    return [_across(members, effects, interactions) for members in found]


def effect_of(comparison: Comparison) -> Effect | None:
    """Return the effect of one comparison; None where it has none or the knob cannot act."""
    if comparison.verdict in CANNOT or comparison.log_ratio is None:
        return None
    if not comparison.standard_error or not comparison.freedom:
        return None
    return Effect(comparison.log_ratio, comparison.standard_error, comparison.freedom)


def combined(estimates: Sequence[Effect]) -> tuple[Effect, Combined | None]:
    """Combine one or more estimates; one is itself, and says nothing of others."""
    if len(estimates) == 1:
        return estimates[0], None
    found = combine(
        np.array([each.value for each in estimates]),
        np.array([each.standard_error for each in estimates]) ** 2,
    )
    return Effect(found.effect, found.standard_error, found.df), found


def over_hosts(comparisons: Sequence[Comparison]) -> tuple[Effect, Combined | None] | None:
    """Combine what hosts of one architecture show; None where none has an effect.

    Runs of one host are combined before hosts are, so that it counts as one.
    """
    by_host: dict[str, list[Effect]] = {}
    for each in comparisons:
        if effect := effect_of(each):
            by_host.setdefault(each.host, []).append(effect)
    return combined([combined(runs)[0] for runs in by_host.values()]) if by_host else None


def agreement(contrast: Effect, p_adjusted: float, margin: float) -> Agreement:
    """Say what a contrast of two effects shows."""
    if p_adjusted < ALPHA:
        return Agreement.DIFFERENT
    if contrast.is_within(margin):
        return Agreement.EQUIVALENT
    return Agreement.INCONCLUSIVE


class _Member:
    """One architecture's comparisons of one setting, workload and metric."""

    def __init__(self, architecture: str, comparisons: Sequence[Comparison]) -> None:
        self.architecture = architecture
        self.measured = [each for each in comparisons if effect_of(each)]
        self.without = [each for each in comparisons if not effect_of(each)]
        self.hosts = tuple(dict.fromkeys(each.host for each in self.measured))
        found = over_hosts(comparisons)
        self.estimate = found[0] if found else None
        self.heterogeneity = found[1] if found else None

    @property
    def pooled(self) -> Effect | None:
        """The estimate where it is of several comparisons, and none of theirs."""
        return self.estimate if len(self.measured) > 1 else None


class Family:
    """p values that are adjusted together."""

    def __init__(self, p_values: Iterable[float]) -> None:
        p = list(p_values)
        # Equal p values have equal adjusted ones.
        self.adjusted = dict(zip(p, adjusted(np.array(p)).tolist(), strict=True))
        self.size = len(p)
        self.alpha = ALPHA / max(self.size, 1)


def _contrasts(members: Sequence[_Member]) -> Iterator[tuple[str, str, Effect]]:
    """Every architecture by every later one, as far as both have an effect."""
    known = [(each.architecture, each.estimate) for each in members if each.estimate]
    for (one, a), (other, b) in combinations(known, 2):
        yield one, other, difference(a, b)


def _across(members: Sequence[_Member], effects: Family, interactions: Family) -> Across:
    first = next(each for member in members for each in (*member.measured, *member.without))
    known = [each.estimate for each in members if each.estimate]
    return Across(
        clock_class=first.clock_class or UNKNOWN,
        workload=first.workload,
        metric=first.metric,
        unit=first.unit,
        direction=first.direction,
        setting=first.setting,
        reference=first.reference,
        margin=first.margin,
        effects=tuple(_effect(each, effects, first) for each in members),
        interactions=tuple(
            _interaction(*each, interactions, first.margin) for each in _contrasts(members)
        ),
        between=combined(known)[1] if known else None,
    )


def _effect(member: _Member, family: Family, of: Comparison) -> ArchitectureEffect:
    blank = ArchitectureEffect(
        architecture=member.architecture,
        hosts=member.hosts,
        estimate=member.estimate,
        heterogeneity=member.heterogeneity,
        low=None,
        high=None,
        p=None,
        p_adjusted=None,
        detectable=None,
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        without=tuple(member.without),
    )
    pooled = member.pooled
    if not pooled:
        # One comparison speaks for itself; where none has an effect, the first says why.
        one = (member.measured or member.without)[0]
        taken = NUMBERS if member.estimate else ()
        return replace(
            blank,
            verdict=one.verdict,
            reason=one.reason,
            **{name: getattr(one, name) for name in taken},
        )
    low, high = pooled.interval
    adjusted = family.adjusted[pooled.p]
    verdict, reason = judge(pooled.ratio, (low, high), adjusted, of.direction)
    if verdict is Verdict.INCONCLUSIVE and pooled.is_within(of.margin):
        verdict, reason = Verdict.EQUIVALENT, f"within a factor of {of.margin:g}"
    return replace(
        blank,
        low=low,
        high=high,
        p=pooled.p,
        p_adjusted=adjusted,
        detectable=pooled.detectable(family.alpha),
        verdict=verdict,
        reason=reason,
    )


def _interaction(
    one: str, other: str, estimate: Effect, family: Family, margin: float
) -> Interaction:
    adjusted = family.adjusted[estimate.p]
    return Interaction(
        one,
        other,
        estimate,
        adjusted,
        estimate.detectable(family.alpha),
        agreement(estimate, adjusted, margin),
    )
