"""Grids of settings, as people write them: `halt_poll_ns=0,50us,200us grow=2 shrink=0,2`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product

from lab.errors import UsageError
from lab.replay.algorithms import Knobs

NAMES = tuple(Knobs.__dataclass_fields__)
PREFIX = "halt_poll_ns_"
UNITS = {"": 1, "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s)?")


def parse(text: str) -> dict[str, list[int]]:
    """Read a grid: words `knob=value,value`, by kvm's names with or without `halt_poll_ns_`.

    Raises UsageError for a word that is none, an unknown knob, and a value that is no number.
    """
    found: dict[str, list[int]] = {}
    for word in text.split():
        name, equals, values = word.partition("=")
        name = name.removeprefix("kvm.").removeprefix(PREFIX)
        if not equals or not values:
            raise UsageError(f"{word!r} is no part of a grid: write knob=value,value")
        if name not in NAMES:
            raise UsageError(f"no knob {name!r}: a grid is made of {', '.join(NAMES)}")
        if name in found:
            raise UsageError(f"{name} is there twice: give all its values at once")
        found[name] = [nanoseconds(value) for value in values.split(",")]
    if not found:
        raise UsageError("the grid is empty: write knob=value,value")
    return found


def settings(grid: Mapping[str, Sequence[int]], base: Knobs) -> list[Knobs]:
    """Return every combination of the grid; what it does not name is as in `base`."""
    axes = [grid.get(name, [getattr(base, name)]) for name in NAMES]
    return [Knobs(*values) for values in dict.fromkeys(product(*axes))]


def nanoseconds(text: str) -> int:
    """Read a whole number, with or without a unit of time: `200000`, `200us`, `1.5ms`."""
    match = NUMBER.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is no number: write 200000, 200us or 1.5ms")
    value = float(match[1]) * UNITS[match[2] or ""]
    if value != int(value):
        raise UsageError(f"{text!r} is no whole number of nanoseconds")
    return int(value)
