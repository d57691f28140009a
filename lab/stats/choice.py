"""From trade-offs to a choice: for a host, for an architecture, for a whole fleet.

Latency and CPU become log ratios to the reference of the same block, and these are weighed into
one *loss*: `weight` of the latency's and 1 - `weight` of the CPU's. Half and half says that one per
cent of latency is worth one per cent of the CPU burned. The loss has no unit, so that losses of
several hosts may be combined, where nanoseconds may not. Workloads count alike.

The least of several losses looks smaller than it is; so its p value is multiplied by their number
(Bonferroni), and it is recommended only if it is shown to be below the reference's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lab.stats.architectures import combined
from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import Floats
from lab.stats.power import ALPHA
from lab.stats.tradeoff import Tradeoff
from lab.stats.unpaired import Effect, mean

WEIGHT = 0.5


@dataclass(frozen=True)
class Blocks:
    """What one host's blocks say of each setting against the reference; arrays (blocks, settings).

    Means over `workloads`, on the blocks that all of these have: of log ratios of `latency` and
    of `cpu`, and of `burned`, the difference of shares of a CPU.
    """

    host: str
    architecture: str
    clock_class: str
    reference: str
    workloads: tuple[str, ...]
    settings: tuple[str, ...]
    latency: Floats
    cpu: Floats
    burned: Floats
    inert: str | None

    def loss(self, weight: float) -> Floats:
        """Weigh log ratios of latency and CPU, (blocks, settings)."""
        return weight * self.latency + (1 - weight) * self.cpu


@dataclass(frozen=True)
class Choice:
    """The setting for the hosts of one architecture and clock class, or for one host.

    `best` has the least loss of `candidates`, `setting` is the one recommended: `best` if its loss
    is shown to be below the reference's, else the reference. `loss`, `latency` and `cpu` are ratios
    of `best` to the reference, `burned` is the difference of shares of a CPU; None where `best` is
    the reference. `inert` is why the knob cannot act, if it cannot: then nothing is chosen.
    """

    architecture: str
    clock_class: str
    hosts: tuple[str, ...]
    workloads: tuple[str, ...]
    reference: str
    candidates: tuple[str, ...]
    setting: str
    best: str
    p_adjusted: float | None
    loss: Effect | None
    latency: Effect | None
    cpu: Effect | None
    burned: Effect | None
    inert: str | None

    @property
    def unseen(self) -> float | None:
        """Ratio of losses below 1 down to which a better setting could have gone unseen."""
        if not self.loss:
            return None
        return 1 / self.loss.detectable(ALPHA / (len(self.candidates) - 1))


@dataclass(frozen=True)
class Regret:
    """What a fleet's setting costs one architecture beside `best`, the one with least loss there.

    Ratios of the fleet's setting to `best`; None where it is `best`.
    """

    architecture: str
    hosts: tuple[str, ...]
    best: str
    loss: Effect | None
    latency: Effect | None
    cpu: Effect | None
    burned: Effect | None


@dataclass(frozen=True)
class FleetChoice:
    """The setting whose largest regret is least, among architectures of one clock class.

    `indifferent` are architectures where the knob is inert, with the reason.
    """

    clock_class: str
    candidates: tuple[str, ...]
    setting: str
    regrets: tuple[Regret, ...]
    indifferent: dict[str, str]


@dataclass(frozen=True)
class Advice:
    """What to set in one clock class: on each host, on each architecture, on all.

    `tradeoffs` are those of each host, by its name.
    """

    clock_class: str
    tradeoffs: dict[str, list[Tradeoff]]
    hosts: dict[str, Choice]
    architectures: dict[str, Choice]
    fleet: FleetChoice | None


def advise(tradeoffs: Sequence[Tradeoff], weight: float = WEIGHT) -> list[Advice]:
    """Choose for everything that was measured, clock class by clock class."""
    by_class: dict[str, dict[str, list[Tradeoff]]] = {}
    for each in tradeoffs:
        by_class.setdefault(each.clock_class, {}).setdefault(each.host, []).append(each)
    return [_advice(name, by_host, weight) for name, by_host in by_class.items()]


def _advice(clock_class: str, by_host: dict[str, list[Tradeoff]], weight: float) -> Advice:
    found = [each for each in map(blocks, by_host.values()) if each]
    groups = by_architecture(found)
    return Advice(
        clock_class=clock_class,
        tradeoffs=by_host,
        hosts={each.host: choose([each], weight) for each in found},
        architectures={name: choose(group, weight) for name, group in groups.items()},
        fleet=choose_for_fleet(found, weight) if found else None,
    )


def blocks(tradeoffs: Sequence[Tradeoff]) -> Blocks | None:
    """Take one host's workloads together; None with fewer than MIN_BLOCKS common blocks."""
    first = tradeoffs[0]
    settings = [s for s in first.settings if all(s in each.settings for each in tradeoffs)]
    common = sorted(set(first.blocks).intersection(*(each.blocks for each in tradeoffs)))
    if len(common) < MIN_BLOCKS or len(settings) < 2:  # noqa: PLR2004
        return None
    values = np.stack([_chosen(each, common, settings) for each in tradeoffs])
    logs = np.log(values)
    latency, cpu = (logs - logs[..., :1]).mean(axis=0)
    return Blocks(
        host=first.host,
        architecture=first.architecture,
        clock_class=first.clock_class,
        reference=first.reference,
        workloads=tuple(each.workload for each in tradeoffs),
        settings=tuple(settings),
        latency=latency,
        cpu=cpu,
        burned=(values - values[..., :1])[:, 1].mean(axis=0),
        inert=first.inert,
    )


def choose(hosts: Sequence[Blocks], weight: float = WEIGHT) -> Choice:
    """Choose for hosts of one architecture and clock class; `hosts` is not empty."""
    able = [each for each in hosts if not each.inert] or hosts
    first = able[0]
    others = {
        setting: loss
        for setting in _candidates(able)
        if setting != first.reference
        and (loss := _contrast(able, lambda host: host.loss(weight), setting, first.reference))
    }
    best = min(others, key=lambda setting: others[setting].value, default=first.reference)
    if first.inert or best not in others or others[best].value >= 0:
        best = first.reference
    p_adjusted = min(1.0, len(others) * others[best].p) if best in others else None
    shown = p_adjusted is not None and p_adjusted < ALPHA
    against = (best, first.reference)
    return Choice(
        architecture=first.architecture,
        clock_class=first.clock_class,
        hosts=tuple(each.host for each in able),
        workloads=first.workloads,
        reference=first.reference,
        candidates=(first.reference, *others),
        setting=best if shown else first.reference,
        best=best,
        p_adjusted=p_adjusted,
        loss=others.get(best),
        latency=_contrast(able, lambda host: host.latency, *against),
        cpu=_contrast(able, lambda host: host.cpu, *against),
        burned=_contrast(able, lambda host: host.burned, *against),
        inert=first.inert,
    )


def choose_for_fleet(hosts: Sequence[Blocks], weight: float = WEIGHT) -> FleetChoice | None:
    """Choose one setting for all `hosts`, of one clock class; None where nothing can be chosen.

    Every architecture counts alike, however many hosts it has: the setting is the one whose
    largest regret, in loss, is least.
    """
    groups = by_architecture(hosts)
    choices = {name: choose(group, weight) for name, group in groups.items()}
    able = {
        name: [each for each in group if not each.inert]
        for name, group in groups.items()
        if not choices[name].inert
    }
    if not able:
        return None
    candidates = [
        setting
        for setting in choices[next(iter(able))].candidates
        if all(setting in choices[name].candidates for name in able)
    ]

    def worst(setting: str) -> float:
        return max(
            regret.loss.value if regret.loss else 0.0
            for regret in (_regret(choices[n], able[n], setting, weight) for n in able)
        )

    setting = min(candidates, key=worst)
    return FleetChoice(
        clock_class=hosts[0].clock_class,
        candidates=tuple(candidates),
        setting=setting,
        regrets=tuple(_regret(choices[n], able[n], setting, weight) for n in able),
        indifferent={name: each.inert for name, each in choices.items() if each.inert},
    )


def by_architecture(hosts: Sequence[Blocks]) -> dict[str, list[Blocks]]:
    """Sort hosts by architecture, in the order they come."""
    found: dict[str, list[Blocks]] = {}
    for each in hosts:
        found.setdefault(each.architecture, []).append(each)
    return found


def _regret(choice: Choice, hosts: Sequence[Blocks], setting: str, weight: float) -> Regret:
    against = (setting, choice.best)
    return Regret(
        architecture=choice.architecture,
        hosts=choice.hosts,
        best=choice.best,
        loss=_contrast(hosts, lambda host: host.loss(weight), *against),
        latency=_contrast(hosts, lambda host: host.latency, *against),
        cpu=_contrast(hosts, lambda host: host.cpu, *against),
        burned=_contrast(hosts, lambda host: host.burned, *against),
    )


def _chosen(tradeoff: Tradeoff, wanted: Sequence[int], settings: Sequence[str]) -> Floats:
    """Values (2, blocks, settings) of some blocks and settings."""
    rows = [tradeoff.blocks.index(block) for block in wanted]
    columns = [tradeoff.settings.index(setting) for setting in settings]
    return tradeoff.values[:, rows][:, :, columns]


def _candidates(hosts: Sequence[Blocks]) -> list[str]:
    return [s for s in hosts[0].settings if all(s in each.settings for each in hosts)]


def _contrast(
    hosts: Sequence[Blocks], measure: Callable[[Blocks], Floats], one: str, other: str
) -> Effect | None:
    """Combine `one` less `other` over hosts; None where no host has a spread to test it by."""
    found = []
    for host in hosts:
        values = measure(host)
        ends = (host.settings.index(setting) for setting in (one, other))
        first, second = (values[:, column] for column in ends)
        found.append(mean(first - second))
    known = [each for each in found if each]
    return combined(known)[0] if known else None
