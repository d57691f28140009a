"""What a knob does on each architecture, and what to set it to, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from lab import arch
from lab.labels import change, nanoseconds, setting_of, short_labels, span, step
from lab.metrics import metric
from lab.stats import Estimate, Verdict
from lab.stats.architectures import Across, Agreement, ArchitectureEffect
from lab.stats.choice import Choice, FleetChoice, Regret
from lab.stats.tradeoff import Tradeoff
from lab.stats.unpaired import Effect

SAID = 6
"""How many of the largest differences are said in sentences."""
SHOWN = {Verdict.BETTER, Verdict.WORSE}


def sentence(across: Across, known: Collection[str] = ()) -> str:
    """Say one effect on all architectures of a clock class; reasons that are `known` are left out.

    `halt_poll_ns 0 → 200 µs, fixed-30us: median wake-up latency +31 % [+29, +33 %] on x86 (2
    hosts), no effect on ppc64 (inert: …), +2.0 % on s390x (one host, z), which differs from x86`
    """
    parts = [_on(effect, across, known) for effect in across.effects]
    what = f"{step(across.reference, across.setting)}, {across.workload}"
    return f"{what}: {metric(across.metric).title} {', '.join(parts)}"


def differences(found: Sequence[Across]) -> list[str]:
    """Say the largest differences between architectures that are shown, and how many there are."""
    shown = [each for each in found if any(pair.is_shown for pair in each.interactions)]
    largest = sorted(shown, key=_largest, reverse=True)[:SAID]
    said: list[str] = []
    known: set[str] = set()
    for each in largest:
        said.append(sentence(each, known))
        known |= {effect.reason for effect in each.effects if not effect.estimate}
    rest = len(shown) - len(largest)
    return said + ([f"and {rest} more"] if rest else [])


def tally(found: Sequence[Across]) -> str:
    """Count what contrasts of architectures show; "" where there are none."""
    counts = Counter(each.agreement for across in found for each in across.interactions)
    words = {
        Agreement.DIFFERENT: "differ",
        Agreement.EQUIVALENT: "agree within the margin",
        Agreement.INCONCLUSIVE: "are not shown to do either",
    }
    parts = [f"{counts[each]} {word}" for each, word in words.items() if counts[each]]
    total = sum(counts.values())
    return f"of {total} pairs of effects on two architectures, {', '.join(parts)}" if total else ""


def title(architecture: str) -> str:
    """Name an architecture as people do."""
    known = arch.named(architecture)
    return known.title if known else architecture


def hosts(names: Sequence[str]) -> str:
    """Say how many hosts; one is said to be one."""
    return f"one host, {names[0]}" if len(names) == 1 else f"{len(names)} hosts"


def recommendation(choice: Choice, tradeoffs: Sequence[Tradeoff] = ()) -> str:
    """Say what to set on one architecture or host and what it costs.

    `tradeoffs` are those of the only host, for the price in its own nanoseconds.
    """
    names = _names(choice.candidates)
    whose = f"{title(choice.architecture)} ({hosts(choice.hosts)})"
    if choice.inert:
        return f"{whose}: nothing to choose, the knob is inert: {choice.inert}."
    if choice.best == choice.reference:
        return f"{whose}: keep {names[choice.reference]}; no setting weighs less."
    price = _price(choice)
    if choice.setting == choice.reference:
        p = choice.p_adjusted
        return (
            f"{whose}: keep {names[choice.reference]}; {names[choice.best]} weighs least ({price}) "
            f"but is not shown to be worth it (adjusted p {p:.2g}; what weighs less by no more "
            f"than {change(choice.unseen)} could go unseen)."
        )
    by_workload = [
        f"{each.workload}: {_in_nanoseconds(each, choice.setting)}" for each in tradeoffs
    ]
    return " ".join(
        [f"{whose}: set {names[choice.setting]}: {price}.", *(f"{each}." for each in by_workload)]
    )


def fleet_recommendation(choice: FleetChoice) -> str:
    """Say the one setting for a fleet and the regret it costs each architecture."""
    names = _names({*choice.candidates, *(each.best for each in choice.regrets)})
    parts = [_regret(each, names) for each in choice.regrets]
    parts += [
        f"no difference on {title(name)} (inert: {why})" for name, why in choice.indifferent.items()
    ]
    return f"One setting for all: {names[choice.setting]}. It costs " + "; ".join(parts) + "."


def _largest(across: Across) -> float:
    return max(abs(pair.estimate.value) for pair in across.interactions if pair.is_shown)


def _on(effect: ArchitectureEffect, across: Across, known: Collection[str]) -> str:
    name = title(effect.architecture)
    if effect.estimate is None:
        why = str(effect.verdict) + (f": {effect.reason}" if effect.reason not in known else "")
        words = {Verdict.INERT: "no effect on", Verdict.MISSING: "not there on"}
        return f"{words.get(effect.verdict, 'unknown on')} {name} ({why})"
    text = f"{_shown(effect, across.margin)} {name} ({hosts(effect.hosts)}"
    text += "".join(f"; {each.host} {each.verdict}: {each.reason}" for each in effect.without)
    before = [each.architecture for each in across.effects]
    before = before[: before.index(effect.architecture)]
    differs = across.differing_from(effect.architecture)
    others = [title(each) for each in differs if each in before]
    return f"{text})" + (f", which differs from {' and '.join(others)}" if others else "")


def _shown(effect: ArchitectureEffect, margin: float) -> str:
    if effect.verdict in SHOWN:
        return f"{_ratio(effect)} on"
    if effect.verdict is Verdict.EQUIVALENT:
        return f"no change beyond ±{100 * (margin - 1):.3g} % on"
    unseen = f", below {change(effect.detectable)} unseen" if effect.detectable else ""
    return f"nothing shown ({_ratio(effect)}{unseen}) on"


def _ratio(effect: ArchitectureEffect) -> str:
    if effect.low is None or effect.high is None:
        return change(effect.ratio)
    return f"{change(effect.ratio)} {span(effect.low, effect.high)}"


def _names(settings: Iterable[str]) -> dict[str, str]:
    return short_labels(setting_of(each) for each in settings)


def _price(choice: Choice) -> str:
    return f"median wake-up latency {_effect(choice.latency)} for {_share(choice.burned)} of a CPU"


def _effect(effect: Effect | None) -> str:
    return f"{change(effect.ratio)} {span(*effect.interval)}" if effect else "unchanged"


def _share(effect: Effect | None) -> str:
    """Return a difference of shares of a CPU with its interval: `+3.1 % [+2.9, +3.4]`."""
    if effect is None:
        return "nothing"
    low, high = effect.span
    return f"{_points(effect.value)} % [{_points(low)}, {_points(high)}]"


def _points(share: float) -> str:
    return change(1 + share).removesuffix(" %")


def _in_nanoseconds(tradeoff: Tradeoff, setting: str) -> str:
    """Say the price on one host and workload: `saves 21 µs p50 for 3.1 % of a CPU`."""
    point = next(each for each in tradeoff.points if each.setting == setting)
    latency = f"{nanoseconds(abs(point.saved.value))} p50"
    cpu = f"{100 * abs(point.burned.value):.3g} % of a CPU"
    saved, burned = _sign(point.saved), _sign(point.burned)
    if saved > 0 and burned > 0:
        return f"saves {latency} for {cpu}"
    parts = []
    if saved:
        parts.append(f"{'saves' if saved > 0 else 'costs'} {latency}")
    if burned:
        parts.append(f"{'burns' if burned > 0 else 'frees'} {cpu}")
    return " and ".join(parts) or "no change shown"


def _sign(difference: Estimate) -> int:
    """Direction of a difference, 0 where its interval holds 0."""
    if difference.low is None or difference.high is None:
        return 0
    return (difference.low > 0) - (difference.high < 0)


def _regret(regret: Regret, names: dict[str, str]) -> str:
    whose = f"{title(regret.architecture)} ({hosts(regret.hosts)})"
    if regret.loss is None:
        return f"{whose} nothing, it is best there"
    return (
        f"{whose} {_effect(regret.loss)} against its best, {names[regret.best]} "
        f"(latency {_effect(regret.latency)}, {_share(regret.burned)} of a CPU)"
    )
