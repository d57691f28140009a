"""What an inventory may ask of a host under `kvmlab_tuning`, checked before anything is sent."""

from __future__ import annotations

from typing import Any

from lab.design.catalog import catalog
from lab.errors import UsageError

VARIABLE = "kvmlab_tuning"
# Not a tuning itself: whether the run is to fail where one of the others cannot be had.
REQUIRED = "required"
# YAML reads on and off as truth values.
WORDS = {True: "on", False: "off"}


def check(asked: object, host: str) -> dict[str, Any]:
    """Return a host's tuning as its agent takes it; empty when nothing is asked for.

    Raises UsageError naming the host, the key, and what it takes.
    """
    known = catalog().tuning
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise UsageError(
            f"{host}: {VARIABLE} is {asked!r}: make it a mapping of {', '.join(known)} to values"
        )
    tuning: dict[str, Any] = {}
    for name, value in asked.items():
        if name == REQUIRED:
            if not isinstance(value, bool):
                raise UsageError(f"{host}: {VARIABLE}.{REQUIRED} is {value!r}: use true or false")
            tuning[name] = value
            continue
        if name not in known:
            raise UsageError(
                f"{host}: {VARIABLE} has no {name}: use {', '.join([*known, REQUIRED])}"
            )
        word, values = WORDS.get(value, value), known[name].values
        if not isinstance(word, str) or (values and word not in values):
            takes = f"one of {', '.join(values)}" if values else "a word"
            raise UsageError(f"{host}: {VARIABLE}.{name} is {value!r}: it takes {takes}")
        tuning[name] = word
    return tuning
