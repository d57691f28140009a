"""Words for settings and quantities, the same on the terminal, in tables and in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AS_FOUND = "as found"
UNPROBED = "none"
ICOUNT = "icount"
NONE = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"
MINUS = "\N{MINUS SIGN}"
FACTOR = 3
"""From here on a ratio is shown as a factor, and not as a change in per cent."""
NANOSECONDS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3))


def setting_label(setting: Mapping[str, object]) -> str:
    """Stable name of a setting, whatever the order of its knobs: `vm.halt_poll_ns=20000`."""
    return ", ".join(f"{knob}={setting[knob]}" for knob in sorted(setting)) or AS_FOUND


def setting_of(label: str) -> dict[str, int]:
    """Return the setting that a label names: the inverse of `setting_label`."""
    pairs = (part.partition("=") for part in label.split(", ") if label != AS_FOUND)
    return {knob: int(value) for knob, _, value in pairs}


def knobs_of(columns: Iterable[str]) -> list[str]:
    """Knobs among `columns`: a knob has its scope before a dot, no other column has one."""
    return [name for name in columns if "." in name]


def probes_label(row: Mapping[str, Any]) -> str:
    """Name the probes of a trial: `phases, functions`, or `none`."""
    # Plans without the key come from a time when there was one probe.
    return ", ".join(row.get("probes", ["halts"])) or UNPROBED


def setting_order(setting: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Sort key: by knob, then by value as a number."""
    return tuple(sorted(setting.items()))


def short_labels(settings: Iterable[Mapping[str, int]]) -> dict[str, str]:
    """Map each label to what tells it from the others: `20 µs` where one time knob varies."""
    distinct = {setting_label(setting): setting for setting in settings}
    knobs = {knob for setting in distinct.values() for knob in setting}
    varying = [k for k in sorted(knobs) if len({s.get(k) for s in distinct.values()}) > 1]
    if len(varying) != 1:
        return {label: label for label in distinct}
    knob = varying[0]
    return {
        label: _value(knob, setting[knob]) if knob in setting else label
        for label, setting in distinct.items()
    }


def step(reference: str, setting: str) -> str:
    """Say what a setting changes: `halt_poll_ns 0 → 200 µs`; both take labels of settings."""
    before, after = setting_of(reference), setting_of(setting)
    parts = []
    for knob in sorted(before.keys() | after.keys()):
        ends = [_value(knob, each[knob]) if knob in each else AS_FOUND for each in (before, after)]
        if ends[0] != ends[1]:
            parts.append(f"{knob.partition('.')[2]} {ends[0]} {ARROW} {ends[1]}")
    return ", ".join(parts)


def span(low: float, high: float) -> str:
    """Return the ends of a ratio's interval as changes: `[+3.5, +12 %]`."""
    if high >= FACTOR:
        return f"[{TIMES}{_three(low)}, {TIMES}{_three(high)}]"
    return f"[{change(low).removesuffix(' %')}, {change(high)}]"


def changes(low: float, high: float) -> str:
    """Return what ratios lie between, as changes: `+2.1 to +8.3 %`."""
    first, last = change(low), change(high)
    if first == last:
        return last
    return f"{first.removesuffix(' %') if last.endswith(' %') else first} to {last}"


def percents(low: float, high: float) -> str:
    """Return what shares of 1 lie between, two figures: `1.2 to 3.4 %`."""
    ends = dict.fromkeys(f"{100 * each:.2g}" for each in (low, high))
    return f"{' to '.join(ends)} %"


def give_or_take(share: float | None) -> str:
    """Return a relative spread, two figures: `±3.4 %`; "" where there is none."""
    return "" if share is None else f"±{100 * share:.2g} %"


def nanoseconds(value: float) -> str:
    """Return a time for people, three figures: `12.3 µs`."""
    for unit, size in NANOSECONDS:
        if abs(value) >= size:
            return f"{_three(value / size)} {unit}"
    return f"{_three(value)} ns"


def clock(clock_class: str) -> str:
    """Name a clock class; under icount one instruction passes for one nanosecond."""
    return f"{clock_class} clock" + (", 1 ns = 1 instruction" if clock_class == ICOUNT else "")


def quantity(value: float | None, unit: str) -> str:
    """Return a metric's value with its unit, a dash when there is none."""
    if value is None:
        return NONE
    match unit:
        case "ns":
            return nanoseconds(value)
        case "1":
            return f"{100 * value:.3g} %"
        case _:
            return f"{value:g} {unit}"


def change(ratio: float | None) -> str:
    """Return a ratio as a change in per cent, as a factor from 3 on."""
    if ratio is None:
        return NONE
    if ratio >= FACTOR:
        return f"{TIMES}{_three(ratio)}"
    percent = 100 * (ratio - 1)
    digits = 1 if abs(percent) < 9.95 else 0  # noqa: PLR2004
    text = f"{percent:+.{digits}f} %".replace("-", MINUS)
    return "0.0 %" if text[1:] == "0.0 %" else text


def _value(knob: str, value: int) -> str:
    return nanoseconds(value) if value and knob.endswith("_ns") else str(value)


def _three(value: float) -> str:
    """Three significant figures without an exponent and without idle zeros."""
    digits = max(0, 2 - len(str(int(abs(value)))) + 1)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
