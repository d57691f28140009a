"""Two hosts or two architectures: what settings do on each, never their raw nanoseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.stats import Comparison, Estimate
from lab.stats.architectures import UNKNOWN, Family, agreement, over_hosts
from lab.stats.location import CONFIDENCE
from lab.stats.unpaired import Effect, difference
from lab.versus.model import Method, Row

REMARK = (
    "Hosts are not compared by their nanoseconds: first and second are changes against the "
    "reference of the same host, and the change is the second's by the first's, 0 % where the "
    "setting does the same on both."
)
SIDE_BY_SIDE = "Clock classes differ, so effects stand side by side and are not contrasted."
ONE_HOST = "A side with one host says what that host does, not what its architecture does."


@dataclass(frozen=True)
class _Side:
    """What hosts of one architecture and clock class show of one setting."""

    clock_class: str
    comparisons: tuple[Comparison, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.host for each in self.comparisons))

    @property
    def effect(self) -> Effect | None:
        found = over_hosts(self.comparisons)
        return found[0] if found else None

    @property
    def estimate(self) -> Estimate | None:
        """The effect as a ratio; of a single comparison also where it cannot be tested."""
        if self.effect:
            return Estimate(self.effect.ratio, *self.effect.interval, CONFIDENCE)
        (one, *more) = self.comparisons
        return None if more or one.ratio is None else Estimate(one.ratio, one.low, one.high, None)

    @property
    def noise_floor(self) -> float | None:
        """The largest of its hosts' A/A floors; None where one of them is not known."""
        floors = [each.noise_floor for each in self.comparisons]
        return max((each for each in floors if each), default=None) if all(floors) else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What there is to doubt, host by host."""
        return tuple(f"{e.host}: {text}" for e in self.comparisons for text in e.warnings)

    @property
    def n(self) -> int:
        """Blocks of the only comparison, or the number of hosts (runs, where there is one host)."""
        if len(self.comparisons) == 1:
            return self.comparisons[0].n
        return len(self.hosts) if len(self.hosts) > 1 else len(self.comparisons)


Key = tuple[str, str, str, str]
Kind = tuple[str, str]


def rows(first: Sequence[Comparison], second: Sequence[Comparison]) -> list[Row]:
    """Contrast the effects of two sides, setting by setting.

    Sides with one architecture and clock class each are held against each other; of others, those
    of the same architecture and class.
    """
    one, other = _sides(first), _sides(second)
    pairs = [
        (key, *pair) for key in one if key in other for pair in _partners(one[key], other[key])
    ]
    drafts = [(_blank(*pair), _contrast(*pair[1:])) for pair in pairs]
    family = Family(contrast.p for _, contrast in drafts if contrast)
    margin = first[0].margin if first else 0.0
    return [_judged(blank, contrast, family, margin) for blank, contrast in drafts]


def _sides(comparisons: Sequence[Comparison]) -> Mapping[Key, Mapping[Kind, _Side]]:
    found: dict[Key, dict[Kind, list[Comparison]]] = {}
    for each in comparisons:
        key = (each.workload, each.metric, each.setting, each.reference)
        kind = (each.architecture or UNKNOWN, each.clock_class or UNKNOWN)
        found.setdefault(key, {}).setdefault(kind, []).append(each)
    return {
        key: {kind: _Side(kind[1], tuple(group)) for kind, group in kinds.items()}
        for key, kinds in found.items()
    }


def _partners(
    first: Mapping[Kind, _Side], second: Mapping[Kind, _Side]
) -> Iterator[tuple[_Side, _Side]]:
    if len(first) == len(second) == 1:
        yield next(iter(first.values())), next(iter(second.values()))
        return
    for kind, side in first.items():
        if kind in second:
            yield side, second[kind]


def _contrast(first: _Side, second: _Side) -> Effect | None:
    one, other = first.effect, second.effect
    if not one or not other or first.clock_class != second.clock_class:
        return None
    return difference(other, one)


def _blank(key: Key, first: _Side, second: _Side) -> Row:
    workload, metric, setting, reference = key
    same = first.clock_class == second.clock_class
    verdict, reason = "not contrasted", f"{first.clock_class} and {second.clock_class} clock"
    lacking = next((side for side in (first, second) if not side.effect), None)
    if lacking:
        why = lacking.comparisons[0]
        verdict, reason = str(why.verdict), f"{', '.join(lacking.hosts)}: {why.reason}"
    return Row(
        method=Method.EFFECTS if same else Method.SIDE_BY_SIDE,
        where=f"{', '.join(first.hosts)} | {', '.join(second.hosts)}",
        clock_class=first.clock_class if same else f"{first.clock_class} | {second.clock_class}",
        workload=workload,
        metric=metric,
        unit="ratio",
        setting=setting,
        reference=reference,
        first=first.estimate,
        second=second.estimate,
        n_first=first.n,
        n_second=second.n,
        verdict=verdict,
        reason=reason,
        noise_floor=_floor(first.noise_floor, second.noise_floor),
        warnings=first.warnings + second.warnings,
    )


def _floor(one: float | None, other: float | None) -> float | None:
    """How far a ratio of two ratios strays from 1 by noise: their logs' errors are independent."""
    if not one or not other:
        return None
    return math.exp(math.hypot(math.log(one), math.log(other)))


def _judged(blank: Row, contrast: Effect | None, family: Family, margin: float) -> Row:
    if not contrast:
        return blank
    low, high = contrast.interval
    adjusted = family.adjusted[contrast.p]
    verdict = str(agreement(contrast, adjusted, margin))
    reason = f"adjusted p {adjusted:.2g}, contrast {low:.3g} to {high:.3g}"
    return blank.tested(contrast, family, verdict, reason)
